"""How far the move to a second factor has come, from what was counted by day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from watchword.services.day_tally import Factor
from watchword.services.portal_ports import PortalStore, PortalWork

UNPAIRED_DAYS = 14
"""How long ago somebody may have logged in, and still be missed among the paired."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted on some days, from the first through the last.

    `before` has the sums of all days before the first; `still_unpaired` is how many accounts were let in without a code
    in the last UNPAIRED_DAYS of these days, and have no token now.
    """

    first: date
    last: date
    counts: Mapping[tuple[date, str], int]
    before: Mapping[str, int]
    still_unpaired: int

    @property
    def days(self) -> list[date]:
        """List the days."""
        return days_between(self.first, self.last)

    def by_day(self, what: str) -> tuple[int, ...]:
        """Answer how many there were on each day."""
        return tuple(self.counts.get((day, what), 0) for day in self.days)

    def total(self, what: str) -> int:
        """Answer how many there were until the last day, from the beginning."""
        return self.before.get(what, 0) + sum(self.by_day(what))


class Statistics:
    """Reads what DayCounter counted."""

    def __init__(self, store: PortalStore) -> None:
        self._store = store

    def figures(self, first: date, last: date) -> Figures:
        """Read what was counted on these days."""

        def work(rows: PortalWork) -> Figures:
            counts = rows.day_counts.days(first, last)
            lately = days_between(last - timedelta(days=UNPAIRED_DAYS - 1), last)
            unpaired = rows.day_counts.still_unpaired(lately, Factor.NONE)
            return Figures(first, last, counts, rows.day_counts.before(first), unpaired)

        return self._store.read(work)


def days_between(first: date, last: date) -> list[date]:
    """List the days from the first through the last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
