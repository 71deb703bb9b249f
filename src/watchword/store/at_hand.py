"""The connection of the last piece of work, kept at hand for the next.

A batch of logins would spend a tenth of its own steps on taking one from the pool and putting it back.
"""

import contextlib
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.pool import QueuePool

from watchword.clock import monotonic_seconds

OLDEST_CONNECTION_SECONDS = 3600
"""A server, or a firewall on the way, may have forgotten what is older."""


class _Kept(NamedTuple):
    connection: Connection
    since: float


class ConnectionAtHand:
    """One connection at most, for whichever thread comes first; the others have theirs from the pool."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: deque[_Kept] = deque()

    @contextlib.contextmanager
    def take(self) -> Iterator[Connection]:
        """Have a connection for a piece of work. What goes wrong sends it back to the pool, and so does its age."""
        try:
            connection, since = self._kept.pop()
        except IndexError:
            connection, since = self._engine.connect(), monotonic_seconds()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if self._kept or self._somebody_may_wait() or monotonic_seconds() - since > OLDEST_CONNECTION_SECONDS:
            connection.close()
        else:
            self._kept.append(_Kept(connection, since))

    def let_go(self) -> None:
        """Send back what is kept."""
        with contextlib.suppress(IndexError):
            self._kept.pop().connection.close()

    def _somebody_may_wait(self) -> bool:
        """Whether the pool has none left, or is one that keeps none for other threads."""
        pool = self._engine.pool
        return not isinstance(pool, QueuePool) or pool.checkedout() >= pool.size()
