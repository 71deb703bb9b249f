"""What happened, and whether the record of it is whole."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from watchword.domain.audit import GENESIS, ChainedEvent, link
from watchword.domain.errors import KeyringError
from watchword.services.ports import Store, Work

PAGE = 500

Head = tuple[int, bytes]


class Anchored(Protocol):
    """What this server remembers of each writer's chain, outside the database."""

    @property
    def heads(self) -> dict[str, Head]:
        """Where it ended."""

    @property
    def faults(self) -> dict[str, str]:
        """What was wrong with it once."""


class AuditKeys(Protocol):
    """The keys that chained the log."""

    def derived(self, key_id: str, purpose: str) -> bytes:
        """Answer the octets of a key for a purpose; raises KeyringError."""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What became of one writer's chain; `fault` is empty if it is whole."""

    writer: str
    events: int
    fault: str = ""


class Reporter:
    """Reads the audit log."""

    def __init__(self, store: Store, keys: AuditKeys, recall_anchors: Callable[[], Anchored]) -> None:
        self._store = store
        self._keys = keys
        self._recall_anchors = recall_anchors

    def newest(self, limit: int, *, account: str | None = None) -> list[tuple[int, ChainedEvent]]:
        """List the newest events with their row numbers, the oldest of them first."""
        return self._store.read(lambda rows: rows.audit.page(None, limit, account=account))[::-1]

    def since(self, after_id: int) -> list[tuple[int, ChainedEvent]]:
        """List events beyond a row, oldest first, at most a page of them."""
        return self._store.read(lambda rows: rows.audit.since(after_id, PAGE))

    def verify(self, progress: Callable[[int], None] = lambda _count: None) -> list[ChainReport]:
        """Walk every chain from its first event to its head, and hold it against this server's anchors."""
        anchors = self._recall_anchors()

        def work(rows: Work) -> list[ChainReport]:
            heads = rows.audit.heads()
            writers = sorted({*rows.audit.writers(), *heads, *anchors.heads, *anchors.faults})
            reports = []
            for writer in writers:
                chain, anchor = rows.audit.chain(writer), anchors.heads.get(writer)
                report = self._verify_chain(writer, chain, heads.get(writer), anchor, progress)
                # Events and head are written together: a head that is read after them is never behind them.
                ended = rows.audit.heads().get(writer)
                if not report.fault and ended is not None and ended[0] < report.events:
                    back = f"the head was set back: it stands at event {ended[0]}, and {report.events} were written"
                    report = replace(report, fault=back)
                noted = anchors.faults.get(writer, "")
                reports.append(report if report.fault or not noted else replace(report, fault=noted))
            return reports

        return self._store.read(work)

    def _verify_chain(
        self,
        writer: str,
        chain: Iterator[ChainedEvent],
        head: Head | None,
        anchor: Head | None,
        progress: Callable[[int], None],
    ) -> ChainReport:
        sequence, mac = 0, GENESIS
        for chained in chain:
            mac, fault = self._check(chained, sequence + 1, mac, anchor)
            if fault:
                return ChainReport(writer, sequence, fault)
            sequence += 1
            if head is not None and head[0] == sequence and head[1] != mac:
                return ChainReport(writer, sequence, "the head was changed")
            if sequence % PAGE == 0:
                progress(PAGE)
        if anchor is not None and anchor[0] > sequence:
            return ChainReport(writer, sequence, f"the end was cut off: this server wrote up to event {anchor[0]}")
        # More events than the head tells of were written while we read.
        if head is None or head[0] > sequence:
            return ChainReport(writer, sequence, "the end was cut off, or the head was changed")
        return ChainReport(writer, sequence)

    def _check(self, chained: ChainedEvent, sequence: int, mac: bytes, anchor: Head | None) -> tuple[bytes, str]:
        """Answer the MAC of the event that should stand here, and what is wrong with the one that does."""
        if chained.sequence != sequence:
            return mac, f"event {sequence} is missing"
        try:
            key = self._keys.derived(chained.key_id, "audit")
        except KeyringError:
            return mac, f"event {sequence} names a key that the keyring lacks"
        expected = link(key, chained.writer, sequence, mac, chained.event)
        if expected != chained.mac:
            return mac, f"event {sequence} was changed, or one before it was"
        if anchor is not None and anchor[0] == sequence and anchor[1] != expected:
            return mac, f"event {sequence} is not the one that this server wrote"
        return expected, ""
