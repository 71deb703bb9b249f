"""Codes that were texted, and the messages that have still to leave."""

import logging
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from watchword.domain.errors import KeyringError, SealError
from watchword.services.ports import Seal, SentCode, TextMessage
from watchword.store.facts import outbox_facts, sent_code_facts, writable
from watchword.store.schema import outbox, sent_codes

log = logging.getLogger(__name__)


class SentCodeRows:
    """Verbs on the codes that were texted, in one transaction."""

    def __init__(self, connection: Connection, sealer: Seal) -> None:
        self._connection = connection
        self._sealer = sealer

    def of_tokens(self, serials: Collection[str]) -> Mapping[str, SentCode]:
        """Find the code texted last for each token."""
        query = select(sent_codes).where(sent_codes.c.serial.in_(sorted(serials)))
        found = {}
        for row in self._connection.execute(query):
            try:
                code = self._sealer.unseal(row.sealed_code, f"sent_codes/{row.serial}/{row.issue}").decode("ascii")
            except (SealError, KeyringError) as error:
                log.error("the code texted for %s cannot be used: %s", row.serial, error)
                continue
            found[row.serial] = SentCode(row.serial, row.issue, code, row.sent_at, row.expires_at)
        return found

    def issue(self, code: SentCode) -> None:
        """Record a code, in place of the token's last one."""
        self._connection.execute(delete(sent_codes).where(sent_codes.c.serial == code.serial))
        self._connection.execute(
            insert(sent_codes).values(
                serial=code.serial,
                issue=code.issue,
                sealed_code=self._sealer.seal(code.code.encode("ascii"), f"sent_codes/{code.serial}/{code.issue}"),
                sent_at=code.sent_at,
                expires_at=code.expires_at,
            )
        )

    def spend(self, serial: str, issue: str) -> bool:
        """Take a code away; False if somebody else did already."""
        taken = delete(sent_codes).where(sent_codes.c.serial == serial, sent_codes.c.issue == issue)
        return self._connection.execute(taken).rowcount == 1

    def withdraw(self, serials: Collection[str]) -> None:
        """Take away the codes that were texted for tokens, unread."""
        table = writable(sent_code_facts, self._connection)
        self._connection.execute(delete(table).where(table.c.serial.in_(sorted(serials))))


class OutboxRows:
    """Verbs on the outbox, in one transaction."""

    def __init__(self, connection: Connection, sealer: Seal) -> None:
        self._connection = connection
        self._sealer = sealer

    def put(self, message: TextMessage) -> None:
        """Leave a message to be sent after this work is done."""
        self._connection.execute(
            insert(outbox).values(
                issue=message.issue,
                serial=message.serial,
                account=message.account,
                sealed_phone=self._sealer.seal(message.phone.encode("ascii"), f"outbox.phone/{message.issue}"),
                sealed_text=self._sealer.seal(message.text.encode("utf-8"), f"outbox.text/{message.issue}"),
                attempts=message.attempts,
                due_at=message.due_at,
                expires_at=message.expires_at,
            )
        )

    def any_due(self, now_seconds: int) -> bool:
        """Tell whether a message is due."""
        query = select(outbox.c.issue).where(outbox.c.due_at <= now_seconds).limit(1)
        return self._connection.execute(query).first() is not None

    def claim(self, now_seconds: int, limit: int, hold_seconds: int) -> list[TextMessage]:
        """Take due messages: whoever moves a message's due time forward first has it."""
        query = select(outbox).where(outbox.c.due_at <= now_seconds).order_by(outbox.c.due_at).limit(limit)
        claimed: list[TextMessage] = []
        for row in self._connection.execute(query).all():
            taken = self._connection.execute(
                update(outbox)
                .where(outbox.c.issue == row.issue, outbox.c.due_at == row.due_at, outbox.c.attempts == row.attempts)
                .values(due_at=now_seconds + hold_seconds, attempts=row.attempts + 1)
            )
            if taken.rowcount == 1:
                claimed.extend(self._open(row, now_seconds + hold_seconds))
        return claimed

    def _open(self, row: Row[Any], due_at: int) -> Iterator[TextMessage]:
        try:
            phone = self._sealer.unseal(row.sealed_phone, f"outbox.phone/{row.issue}").decode("ascii")
            text = self._sealer.unseal(row.sealed_text, f"outbox.text/{row.issue}").decode("utf-8")
        except (SealError, KeyringError) as error:
            log.error("a text message for %s cannot be sent, and is given up: %s", row.serial, error)
            self.remove(row.issue)
            self._connection.execute(delete(sent_codes).where(sent_codes.c.issue == row.issue))
            return
        yield TextMessage(row.issue, row.serial, row.account, phone, text, row.attempts + 1, due_at, row.expires_at)

    def postpone(self, issue: str, due_at: int) -> None:
        """Try a message again later."""
        self._connection.execute(update(outbox).where(outbox.c.issue == issue).values(due_at=due_at))

    def remove(self, issue: str) -> None:
        """Take a message out."""
        table = writable(outbox_facts, self._connection)
        self._connection.execute(delete(table).where(table.c.issue == issue))
