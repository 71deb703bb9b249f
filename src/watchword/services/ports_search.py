"""What operators' lists need from the store: found by index, whatever the size of the tables."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from watchword.domain.audit import AuditEvent
from watchword.services.ports import Account

EventSort = tuple[str, str]
"""A kind and a result."""


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A token in a list of hits; no account: it lies in the drawer."""

    serial: str
    kind: str
    label: str
    enabled: bool
    account: str


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An audit event and the number of its row."""

    row: int
    event: AuditEvent


class Search(Protocol):
    """Lists that never read a whole table."""

    def accounts_like(self, prefixes: Sequence[str], after: str, limit: int) -> list[Account]:
        """List accounts whose names begin with any of these, by name, from the first beyond `after`."""

    def serials_like(self, prefixes: Sequence[str], after: str, limit: int) -> list[FoundToken]:
        """List tokens whose serials begin with any of these, by serial, from the first beyond `after`."""

    def kinds_of(self, names: Collection[str]) -> Mapping[str, list[str]]:
        """Answer the kinds of each account's tokens; accounts without any are left out."""

    def shut(self, now_seconds: int, after: str, limit: int) -> list[Account]:
        """List accounts that are locked now, by an operator or by failures, by name, beyond `after`."""

    def events_before(self, sorts: Sequence[EventSort], before: int | None, limit: int) -> list[NumberedEvent]:
        """List events of these sorts, newest first, from the newest or from below a row."""

    def events_since(self, sorts: Sequence[EventSort], after: int, limit: int) -> list[NumberedEvent]:
        """List events of these sorts, oldest first, beyond a row."""

    def newest_row(self) -> int:
        """Answer the number of the audit log's newest row, 0 for none."""
