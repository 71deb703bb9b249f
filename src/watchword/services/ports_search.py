"""What operators' lists need from the store: found by index, whatever the size of the tables."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from watchword.domain.audit import AuditEvent
from watchword.domain.lockout import Standing
from watchword.services.ports import Account
from watchword.services.ports_tokens import TokenFacts

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
class AccountFacts:
    """How an account stands; `tokens` by rank."""

    standing: Standing
    tokens: list[TokenFacts]


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An audit event and the number of its row."""

    row: int
    event: AuditEvent


class Search(Protocol):
    """Lists that never read a whole table."""

    def account(self, name: str) -> AccountFacts | None:
        """Find an account and its tokens."""

    def accounts_like(self, prefixes: Sequence[str], after: str, limit: int) -> list[Account]:
        """List accounts whose names begin with any of these, by name, from the first beyond `after`."""

    def serials_like(self, prefixes: Sequence[str], after: str, limit: int) -> list[FoundToken]:
        """List tokens whose serials begin with any of these, by serial, from the first beyond `after`."""

    def kinds_of(self, names: Collection[str]) -> Mapping[str, list[str]]:
        """Answer the kinds of each account's tokens; accounts without any are left out."""

    def shut(self, now_seconds: int, after: str, limit: int) -> list[Account]:
        """List accounts that are locked now, by an operator or by failures, by name, beyond `after`."""

    def events_before(self, sorts: Sequence[EventSort], before: int | None, limit: int) -> list[NumberedEvent]:
        """List events of these sorts, newest first, from the newest or from below a row; so many of each sort."""

    def events_since(self, sorts: Sequence[EventSort], after: int, limit: int) -> list[NumberedEvent]:
        """List events of these sorts, oldest first, beyond a row."""

    def story(self, account: str, before: int | None, limit: int) -> list[NumberedEvent]:
        """List an account's events, newest first, from the newest or from below a row."""

    def story_of(
        self, kinds: Sequence[str], account: str, before: int | None, limit: int, *, within: int
    ) -> tuple[list[NumberedEvent], int | None]:
        """List an account's events of some kinds as `story` does, among its newest `within` rows; and their last row.

        The row is None if there are no more of that account's.
        """

    def newest_row(self) -> int:
        """Answer the number of the audit log's newest row, 0 for none."""

    def newest_event_at(self) -> int:
        """Answer the time of the audit log's newest row, in milliseconds since 1970; 0 for none."""
