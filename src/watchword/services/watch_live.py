"""What operators watch: refusals, messages that did not leave, reports, acts of others; as they happen."""

import enum
from collections import deque
from dataclasses import dataclass

from watchword.domain.audit import EventKind, Result
from watchword.services.portal_ports import PortalStore
from watchword.services.ports_search import EventSort, NumberedEvent

SHOWN = 50
"""Events on one page, and in one look."""

LATE_ROWS = 200
"""Rows get their numbers when they are written and show when they are committed: a number may come late, but not
later than so many others."""


class Feed(enum.StrEnum):
    """A list that can be watched."""

    REFUSALS = "refusals"
    DELIVERIES = "deliveries"
    REPORTS = "reports"
    ACTS = "acts"


SORTS: dict[Feed, tuple[EventSort, ...]] = {
    # A challenged login: the code was not accepted, and there is another try.
    Feed.REFUSALS: (
        (EventKind.LOGIN, Result.DENIED),
        (EventKind.LOGIN, Result.CHALLENGED),
        (EventKind.SIGN_IN, Result.DENIED),
    ),
    Feed.DELIVERIES: ((EventKind.TEXT, Result.FAILED), (EventKind.MAIL, Result.FAILED)),
    Feed.REPORTS: ((EventKind.REPORTED, Result.DONE),),
    Feed.ACTS: ((EventKind.ADMINISTRATION, Result.DONE), (EventKind.KEYS, Result.DONE)),
}

_FEED_OF: dict[EventSort, Feed] = {sort: feed for feed, sorts in SORTS.items() for sort in sorts}


@dataclass(frozen=True, slots=True)
class Seen:
    """An event in the feed that it belongs to."""

    feed: Feed
    numbered: NumberedEvent


class Watcher:
    """Reads feeds a page at a time."""

    def __init__(self, store: PortalStore) -> None:
        self._store = store

    def page(self, feed: Feed, before: int | None = None, limit: int = SHOWN) -> tuple[list[NumberedEvent], int | None]:
        """List a feed's events, newest first, below a row; and below which row the next page begins, or None."""
        found = self._store.read(lambda rows: rows.search.events_before(SORTS[feed], before, limit + 1))
        return _page(found, limit)

    def newest(self, limit: int) -> dict[Feed, tuple[list[NumberedEvent], int | None]]:
        """List the newest events of every feed, as `page` does, in one look."""
        found = self._store.read(lambda rows: rows.search.events_before(list(_FEED_OF), None, limit + 1))
        return {feed: _page([each for each in found if _feed_of(each) is feed], limit) for feed in Feed}

    def begin(self, after: int | None = None) -> "Look":
        """Begin to watch every feed, from now on or from beyond a row that was seen."""
        newest = self._store.read(lambda rows: rows.search.newest_row())
        # Whoever was away for long is told of what is new now; the rest is on the pages.
        return Look(self._store, newest if after is None else min(max(after, newest - LATE_ROWS), newest))


class Look:
    """Looks again and again at what is new. Each event is answered once, also one whose row came late."""

    def __init__(self, store: PortalStore, newest: int) -> None:
        self._store = store
        self._newest = newest
        self._answered: deque[int] = deque(maxlen=LATE_ROWS * 4)
        # What came before the watching began is not news, though it lies within the rows that are read again.
        self._known = newest

    @property
    def newest(self) -> int:
        """The newest row that was looked at."""
        return self._newest

    def look(self) -> list[Seen]:
        """Answer what came since the last look, oldest first; raises StoreUnavailable."""
        sorts = list(_FEED_OF)
        from_row = max(self._newest - LATE_ROWS, 0)
        found = self._store.read(lambda rows: rows.search.events_since(sorts, from_row, LATE_ROWS + SHOWN))
        fresh = [numbered for numbered in found if numbered.row > self._known and numbered.row not in self._answered]
        for numbered in fresh:
            self._answered.append(numbered.row)
            self._newest = max(self._newest, numbered.row)
        return [Seen(_feed_of(numbered), numbered) for numbered in fresh]


def _feed_of(numbered: NumberedEvent) -> Feed:
    return _FEED_OF[numbered.event.kind, numbered.event.result]


def _page(found: list[NumberedEvent], limit: int) -> tuple[list[NumberedEvent], int | None]:
    return found[:limit], found[limit - 1].row if len(found) > limit else None
