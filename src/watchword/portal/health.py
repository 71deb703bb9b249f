"""What a load balancer asks: whether this portal could write a pairing now."""

import threading
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse

from watchword.clock import Clock
from watchword.domain.errors import StoreUnavailable

GOOD_FOR_SECONDS = 1.0
"""Anybody may ask, as often as they like; the database is asked no more often than this."""


class Health:
    """Asks the database, and remembers for a moment what it said."""

    def __init__(self, ping: Callable[[], None], *, monotonic: Clock) -> None:
        self._ping = ping
        self._monotonic = monotonic
        self._asking = threading.Lock()
        self._asked_at = float("-inf")
        self._is_well = False

    def is_well(self) -> bool:
        """Tell whether the database took a write just now; nobody waits for an answer that somebody else waits for."""
        if self._monotonic() - self._asked_at < GOOD_FOR_SECONDS or not self._asking.acquire(blocking=False):
            return self._is_well
        try:
            self._ping()
            self._is_well = True
        except StoreUnavailable:
            self._is_well = False
        finally:
            self._asked_at = self._monotonic()
            self._asking.release()
        return self._is_well

    def respond(self, _request: Request) -> PlainTextResponse:
        """Answer 200 or 503."""
        if self.is_well():
            return PlainTextResponse("well\n")
        return PlainTextResponse("the database does not answer\n", 503)
