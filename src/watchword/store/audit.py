"""The audit log's rows, a chain for each writer."""

import functools
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from watchword.domain.audit import GENESIS, AuditEvent, ChainedEvent, link
from watchword.store.anchors import Head
from watchword.store.composed import literal
from watchword.store.keyring import Keyring
from watchword.store.last_words import LastWords
from watchword.store.ledgers import ledger_of
from watchword.store.schema import audit, audit_heads

ROWS_AT_ONCE = 5000

_COLUMNS = "writer, key_id, sequence, mac, at_milliseconds, kind, result, account, serial, address, node, reason, actor"
_COLUMNS += ", detail"
_ROWS_IN_A_STATEMENT = 500
"""Each has less than 12 KB in it: far below what MariaDB takes at once."""

_TEXTS_REMEMBERED = 20_000

_Chained = tuple[int, bytes, AuditEvent]
"""An event with its sequence number and its MAC."""

log = logging.getLogger(__name__)


class AuditRows:
    """Verbs on the audit log, in one transaction.

    `head` is where this writer's chain ends: as this process remembers it, or None, and as it is after `record`.
    """

    def __init__(
        self,
        connection: Connection,
        keyring: Keyring,
        writer: str,
        find_fault: Callable[[str, int, bytes], str],
        last_words: LastWords,
        *,
        head: Head | None,
    ) -> None:
        self._connection = connection
        self._last_words = last_words
        self._find_fault = find_fault
        self._keyring = keyring
        self._writer = writer
        self._ledger = ledger_of(writer, connection)
        self.head = head

    def record(self, events: Sequence[AuditEvent]) -> None:
        """Append events to this writer's chain. The head's row lock keeps one writer's processes in line."""
        if not events:
            return
        begins = self.head or self._lock_head()
        sequence, mac = begins
        key_id = self._keyring.primary.key_id
        key = self._keyring.derived(key_id, "audit")
        chained: list[_Chained] = []
        for event in events:
            sequence += 1
            mac = link(key, self._writer, sequence, mac, event)
            chained.append((sequence, mac, event))
        self._move_head(begins, (sequence, mac))
        self._append(chained, key_id)

    def _append(self, chained: list[_Chained], key_id: str) -> None:
        if self._last_words.are_sent_at_once:
            self._connection.execute(self._ledger.append, [_row(self._writer, key_id, one) for one in chained])
            return
        # Composed here: SQLAlchemy and PyMySQL, parameter by parameter, take three times as long.
        common = f"{literal(self._writer)}, {literal(key_id)}"
        for start in range(0, len(chained), _ROWS_IN_A_STATEMENT):
            rows = "), (".join([_literals(common, one) for one in chained[start : start + _ROWS_IN_A_STATEMENT]])
            into = self._ledger.name
            self._last_words.say_text(f"INSERT INTO {into} ({_COLUMNS}) VALUES ({rows})")  # noqa: S608  (hex digits)

    def _move_head(self, before: Head, after: Head) -> None:
        """Move the head on, if it still is where it is thought to be; else the work is begun anew."""
        sequences = {"before": before[0], "to_sequence": after[0]}
        macs = {"mac_before": before[1], "to_mac": after[1]}
        self._last_words.say(self._ledger.move_head, {"here": self._writer, **sequences, **macs}, rows=1)
        self.head = after

    def _lock_head(self) -> Head:
        heads = self._ledger.heads
        query = select(heads).where(heads.c.writer == self._writer).with_for_update()
        row = self._connection.execute(query).first()
        head = (row.sequence, row.mac) if row is not None else (0, GENESIS)
        self._compare_with_anchor(head)
        if row is None:
            self._connection.execute(insert(heads).values(writer=self._writer, sequence=0, mac=GENESIS))
        return head

    def _compare_with_anchor(self, head: Head) -> None:
        """Say it, loudly, if the chain has gone back. Logins go on: the log has it, and so has `audit verify`."""
        try:
            fault = self._find_fault(self._writer, *head)
        except OSError as error:
            log.warning("the audit anchor of %s cannot be used: %s", self._writer, error.strerror)
            return
        if fault:
            log.critical("the audit log of %s was changed behind our back: %s", self._writer, fault)

    def page(self, before_id: int | None, limit: int, *, account: str | None = None) -> list[tuple[int, ChainedEvent]]:
        """List events with their row numbers, newest first."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(audit.c.id < before_id)
        if account is not None:
            query = query.where(audit.c.account == account)
        return [(row.id, _chained(row)) for row in self._connection.execute(query)]

    def since(self, after_id: int, limit: int) -> list[tuple[int, ChainedEvent]]:
        """List events with their row numbers, oldest first, beyond a row."""
        query = select(audit).where(audit.c.id > after_id).order_by(audit.c.id).limit(limit)
        return [(row.id, _chained(row)) for row in self._connection.execute(query)]

    def chain(self, writer: str) -> Iterator[ChainedEvent]:
        """Walk one writer's chain from its beginning, a few thousand rows in memory at a time."""
        last = None
        while True:
            query = select(audit).where(audit.c.writer == writer).order_by(audit.c.sequence).limit(ROWS_AT_ONCE)
            rows = self._connection.execute(query.where(audit.c.sequence > last) if last is not None else query).all()
            for row in rows:
                yield _chained(row)
            if len(rows) < ROWS_AT_ONCE:
                return
            last = rows[-1].sequence

    def heads(self) -> dict[str, tuple[int, bytes]]:
        """Answer each writer's last sequence number and MAC."""
        return {row.writer: (row.sequence, row.mac) for row in self._connection.execute(select(audit_heads))}

    def writers(self) -> list[str]:
        """List every writer that has a row."""
        return list(self._connection.execute(select(audit.c.writer).distinct().order_by(audit.c.writer)).scalars())


def _row(writer: str, key_id: str, chained: _Chained) -> dict[str, Any]:
    sequence, mac, event = chained
    return {
        "writer": writer,
        "key_id": key_id,
        "sequence": sequence,
        "mac": mac,
        "at_milliseconds": event.at_milliseconds,
        "kind": str(event.kind),
        "result": str(event.result),
        "account": event.account,
        "serial": event.serial,
        "address": event.address,
        "node": event.node,
        "reason": event.reason,
        "actor": event.actor,
        "detail": event.detail,
    }


def _literals(common: str, chained: _Chained) -> str:
    """Write a row's values as MariaDB reads them."""
    sequence, mac, (at_milliseconds, kind, result, account, serial, *others) = chained
    return (
        f"{common}, {sequence:d}, X'{mac.hex()}', {at_milliseconds:d}, {_hex_digits(kind, result)},"
        f" X'{account.encode().hex()}', X'{serial.encode().hex()}', {_hex_digits(*others)}"
    )


@functools.lru_cache(_TEXTS_REMEMBERED)
def _hex_digits(*texts: str) -> str:
    """Write texts as MariaDB reads them: those that come again and again, nodes and reasons and the like."""
    return ", ".join([f"X'{text.encode().hex()}'" for text in texts])


def _chained(row: Row[Any]) -> ChainedEvent:
    event = AuditEvent(
        at_milliseconds=row.at_milliseconds,
        kind=row.kind,
        result=row.result,
        account=row.account,
        serial=row.serial,
        address=row.address,
        node=row.node,
        reason=row.reason,
        actor=row.actor,
        detail=row.detail,
    )
    return ChainedEvent(row.writer, row.sequence, row.key_id, row.mac, event)
