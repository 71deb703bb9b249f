"""Connections that ask nothing, or not all of it: they keep neither a place nor a socket from others.

uvicorn counts connections, asking or not, and answers 503 to all once there are too many; and it waits for ever for the
rest of a request. A proxy in front reads requests whole before it passes them on; whoever reaches the port does not.

Rule 1. A request's head comes within seconds, and its body within two minutes, or the connection is closed.
Rule 2. Where there is no place for one more connection, one that waits for its client goes: first those that have asked
        nothing, then those whose request has no end yet, in each case the longest waiting. One in work never does.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_SECONDS = 10.0

BODY_SECONDS = 120.0
"""A file of seeds of 16 MB on 1 Mbit/s takes as long."""

GRACE_SECONDS = 0.05
"""So long nobody has to go who has just come, or was just answered: their request may be on the way."""


class BoundedConnection(H11Protocol):
    """One connection; `limit_concurrency` is how many there may be."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._waits_for = ""
        self._timer: asyncio.TimerHandle | None = None
        self.waiting_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a place, somebody idle's if there is no other."""
        self.waiting_since = self.loop.time()
        super().connection_made(transport)
        self._make_room()
        self._wait_for("head")

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Go on to the next request, or be idle; uvicorn's own time for that runs."""
        self.waiting_since = self.loop.time()
        self._wait_for("")
        super().on_response_complete()
        if self.is_in_work:
            self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Be gone."""
        self._wait_for("")
        super().connection_lost(exc)

    @property
    def is_in_work(self) -> bool:
        """Whether a request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn does not say that there may be none
        return cycle is not None and not cycle.response_complete

    @property
    def is_waiting(self) -> bool:
        """Whether it is the client's turn, and has been for a moment."""
        is_theirs = self.has_half_a_request or not self.is_in_work
        return is_theirs and self.loop.time() - self.waiting_since >= GRACE_SECONDS

    @property
    def has_half_a_request(self) -> bool:
        """Whether a request's head came, and not all of its body."""
        return self._waits_for == "body"

    def hang_up(self) -> None:
        """Close the connection."""
        if not self.transport.is_closing():
            self.transport.close()

    def _look(self) -> None:
        if not self.is_in_work:
            self._wait_for("head")
        else:
            self._wait_for("body" if self.cycle.more_body else "")

    def _wait_for(self, part: str) -> None:
        """Begin to wait for a part of a request, or for none; octet by octet gains no time."""
        if part == self._waits_for:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waits_for = part
        if part == "body":
            self.waiting_since = self.loop.time()
        if part:
            seconds = HEAD_SECONDS if part == "head" else BODY_SECONDS
            self._timer = self.loop.call_later(seconds, self.hang_up)

    def _make_room(self) -> None:
        limit = self.limit_concurrency
        if limit is None or len(self.connections) < limit:
            return
        others = [
            one for one in self.connections if one is not self and isinstance(one, BoundedConnection) and one.is_waiting
        ]
        others.sort(key=lambda one: (one.has_half_a_request, one.waiting_since))
        for other in others[: len(self.connections) - limit + 1]:
            self.connections.discard(other)
            other.hang_up()
