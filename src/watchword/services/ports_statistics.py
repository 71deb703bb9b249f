"""What the charts need from the store: the audit log, counted by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

Counts = Mapping[tuple[date, str], int]
"""How many, by day and by what was counted."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One writer's events: how far they have been counted, and how far they go."""

    writer: str
    counted: int
    newest: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What counting reads of an event."""

    at_milliseconds: int
    kind: str
    result: str
    account: str
    serial: str
    address: str
    reason: str
    detail: str


class DayCounts(Protocol):
    """The rows of what was counted."""

    def chains(self) -> list[Chain]:
        """List every writer's chain, by name."""

    def events(self, writer: str, after: int, through: int) -> list[Counted]:
        """Read those of a chain's events that can count, beyond one sequence number and through another."""

    def advance(self, chain: Chain, through: int) -> bool:
        """Record how far a chain has been counted; False if that is not where it stands any more.

        Whoever counts waits here for whoever else does, so that what follows is one counter's at a time.
        """

    def add(self, counts: Counts) -> None:
        """Add to what was counted."""

    def add_people(self, day: date, factor: str, accounts: Sequence[str]) -> int:
        """Record who logged in on a day; answers how many of them were not on record yet."""

    def add_pairings(self, more: Mapping[tuple[str, date], int]) -> dict[str, dict[date, int]]:
        """Record how many tokens accounts gained on a day; answers all that is on record of these accounts, with it."""

    def begin_clearing(self) -> None:
        """Forget everything that was counted; nothing is counted until `clear_some` has come to its end."""

    def is_clearing(self) -> bool:
        """Tell whether there is still something to be forgotten."""

    def clear_some(self) -> None:
        """Forget a part of it, of a size that takes no long."""

    def days(self, first: date, last: date) -> dict[tuple[date, str], int]:
        """Answer what was counted on these days."""

    def before(self, first: date) -> dict[str, int]:
        """Answer, by what was counted, how many there were on all days before."""

    def still_unpaired(self, days: Sequence[date], factor: str) -> int:
        """Count the accounts that logged in with this factor on one of these days, and have no token now."""
