"""Count the audit log by day, so that no chart ever has to read it.

Rule 1. Each writer's chain is counted by itself, from the sequence number where counting last ended. A chain's events
        become visible in their order and without a gap, since its head's row is locked until each commit; row numbers
        of different writers do not, so a place in those would miss what commits late.
Rule 2. How far a chain was counted is written with what was counted, in one transaction, and only if it still stands
        where it was read from: two counters at once count nothing twice, and one that dies leaves nothing half done.
Rule 3. What comes of a batch does not depend on what was counted before it: the order of chains does not matter.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from watchword.services.day_tally import ACCOUNTS, Network, Tally, people, steps
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports_statistics import Chain

EVENTS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many events are still to be counted; and whose chains end before what was counted of them."""

    events: int
    gone_back: tuple[str, ...] = ()


class DayCounter:
    """Keeps what the charts show up to date."""

    def __init__(self, store: PortalStore, *, internal_networks: Sequence[Network]) -> None:
        self._store = store
        self._internal_networks = internal_networks

    def backlog(self) -> Backlog:
        """Look how much there is to count."""
        return _backlog(self._chains())

    def catch_up(self, *, most: int | None = None, progress: Callable[[int], None] = lambda _count: None) -> Backlog:
        """Count what has not been counted, or about so many events of it; answers what is left.

        `progress` is told how many events were counted since it was last told.
        """
        left = most
        while True:
            self._finish_clearing()
            chains = self._chains()
            waiting = [chain for chain in chains if chain.newest > chain.counted]
            if not waiting or (left is not None and left <= 0):
                return _backlog(chains)
            for chain in waiting:
                counted = self._count_some(chain, EVENTS_AT_ONCE if left is None else min(left, EVENTS_AT_ONCE))
                progress(counted)
                left = left if left is None else left - counted
                if left is not None and left <= 0:
                    break

    def _chains(self) -> list[Chain]:
        return self._store.read(lambda rows: rows.day_counts.chains())

    def recount(self) -> None:
        """Forget what was counted: after `internal_networks` or the time zone changed, or a backup was put back."""
        self._store.write(lambda rows: rows.day_counts.begin_clearing())
        self._finish_clearing()

    def _finish_clearing(self) -> None:
        """Forget what is left of what was to be forgotten: whoever began it may have been killed."""
        while self._store.read(lambda rows: rows.day_counts.is_clearing()):
            self._store.write(lambda rows: rows.day_counts.clear_some())

    def _count_some(self, chain: Chain, most: int) -> int:
        """Count a batch of one chain's events; answers how many there were, 0 if somebody else counted them."""
        through = min(chain.newest, chain.counted + most)
        # Read and added up before anything is locked: logins of a SQLite store wait for whoever writes.
        events = self._store.read(lambda rows: rows.day_counts.events(chain.writer, chain.counted, through))
        tally = Tally(self._internal_networks)
        tally.take(chain.writer, events)
        return self._store.write(lambda rows: self._settle(rows, chain, through, tally))

    def _settle(self, rows: PortalWork, chain: Chain, through: int, tally: Tally) -> int:
        if not rows.day_counts.advance(chain, through):
            return 0
        counts = Counter(tally.counts)
        for (day, factor), accounts in tally.people.items():
            counts[day, people(factor)] += rows.day_counts.add_people(day, factor, sorted(accounts))
        if tally.pairings:
            counts.update(_changed_steps(rows.day_counts.add_pairings(tally.pairings), tally))
        rows.day_counts.add(counts)
        return through - chain.counted


def _backlog(chains: Sequence[Chain]) -> Backlog:
    gone_back = tuple(chain.writer for chain in chains if chain.newest < chain.counted)
    return Backlog(sum(max(chain.newest - chain.counted, 0) for chain in chains), gone_back)


def _changed_steps(now: Mapping[str, Mapping[date, int]], tally: Tally) -> Counter[tuple[date, str]]:
    """Say how a batch's pairings change on which day how many accounts became paired."""
    changed: Counter[tuple[date, str]] = Counter()
    for account, more in now.items():
        before = {day: number - tally.pairings[account, day] for day, number in more.items()}
        for day, step in steps(more).items():
            changed[day, ACCOUNTS] += step
        for day, step in steps(before).items():
            changed[day, ACCOUNTS] -= step
    return changed
