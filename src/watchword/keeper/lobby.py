"""Where connections wait until the whole of their question has come: whoever says nothing takes nobody's turn.

One thread looks at all of them. A question is whole when it has the length that it says, or can't become one of ours.
"""

import contextlib
import selectors
import socket

from watchword.clock import Clock
from watchword.keeper.wire import is_whole

MOST_SILENT = 128
"""Past these, whoever has been silent for longest is hung up on: the portal asks as soon as it has connected."""

_SOME_OCTETS = 4096


class _Visitor:
    """A connection, what came of its question so far, and when it has to be whole."""

    def __init__(self, connection: socket.socket, ends_at: float) -> None:
        self.connection = connection
        self.ends_at = ends_at
        self.octets = bytearray()


class Lobby:
    """The connections that have not asked yet, oldest first, each for `seconds` at most."""

    def __init__(self, selector: selectors.BaseSelector, seconds: float, monotonic: Clock) -> None:
        self._selector = selector
        self._seconds = seconds
        self._monotonic = monotonic
        self._visitors: dict[socket.socket, _Visitor] = {}

    def enter(self, connection: socket.socket) -> None:
        """Let somebody wait."""
        if len(self._visitors) >= MOST_SILENT:
            self._leave(next(iter(self._visitors))).close()
        connection.setblocking(False)
        self._visitors[connection] = _Visitor(connection, self._monotonic() + self._seconds)
        self._selector.register(connection, selectors.EVENT_READ)

    def is_waiting(self, connection: socket.socket) -> bool:
        """Tell whether a connection is still here: somebody who came since may have cost it its place."""
        return connection in self._visitors

    def hear(self, connection: socket.socket) -> bytes | None:
        """Take what came; answers the question once it is whole, and the connection is the caller's then."""
        visitor = self._visitors[connection]
        try:
            some = connection.recv(_SOME_OCTETS)
        except BlockingIOError:
            return None
        except OSError:
            some = b""
        visitor.octets += some
        if some and not is_whole(visitor.octets):
            return None
        self._leave(connection)
        if some:
            return bytes(visitor.octets)
        connection.close()
        return None

    def seconds_left(self) -> float | None:
        """Answer when to look again, in seconds; None while nobody waits."""
        oldest = next(iter(self._visitors.values()), None)
        return None if oldest is None else max(0.0, oldest.ends_at - self._monotonic())

    def show_out(self) -> None:
        """Hang up on whoever has been silent for too long."""
        now = self._monotonic()
        for visitor in [one for one in self._visitors.values() if one.ends_at <= now]:
            self._leave(visitor.connection).close()

    def close(self) -> None:
        """Hang up on everybody."""
        for connection in list(self._visitors):
            self._leave(connection).close()

    def _leave(self, connection: socket.socket) -> socket.socket:
        del self._visitors[connection]
        with contextlib.suppress(KeyError):
            self._selector.unregister(connection)
        return connection
