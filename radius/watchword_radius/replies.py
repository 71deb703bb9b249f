"""Duplicate detection (RFC 5080, section 2.2.2).

A client that hears nothing sends the same packet again. While the first is in work the second is dropped; afterwards it
gets the very octets of the first one's reply. What is settled is never settled twice because a packet was.
"""

from collections import OrderedDict
from enum import Enum
from typing import NamedTuple

KEPT_SECONDS = 30.0
"""RFC 5080 asks for 5 to 30 seconds."""

MOST_KEPT = 50_000
"""About 25 MB. A flood beyond this loses the oldest replies, and the database still refuses a code twice."""


class RequestKey(NamedTuple):
    """What makes two packets the same request.

    RFC 5080 names the sender's port as well. Left out, a packet that was caught and is sent again from elsewhere on the
    client's address is not settled again either; its 16 random octets tell it from all others.
    """

    address: str
    code: int
    identifier: int
    authenticator: bytes


class InWork(Enum):
    """Stands for the reply to a request that is still being settled."""

    IN_WORK = "in work"


IN_WORK = InWork.IN_WORK


class Replies:
    """The replies of the last half minute, by request."""

    def __init__(self) -> None:
        self._replies: OrderedDict[RequestKey, tuple[float, bytes | InWork]] = OrderedDict()
        self._none_is_old_before = 0.0

    def find(self, key: RequestKey, now_seconds: float) -> bytes | InWork | None:
        """Find the reply to a request seen before, or that it is in work; None for a new one."""
        if now_seconds >= self._none_is_old_before:
            self._forget_old(now_seconds)
        seen = self._replies.get(key)
        return seen[1] if seen is not None else None

    def begin(self, key: RequestKey, now_seconds: float) -> None:
        """Record that a request is in work."""
        self._replies[key] = (now_seconds, IN_WORK)
        while len(self._replies) > MOST_KEPT:
            self._replies.popitem(last=False)

    def finish(self, key: RequestKey, reply: bytes, now_seconds: float) -> None:
        """Record the reply to a request."""
        self._replies[key] = (now_seconds, reply)
        self._replies.move_to_end(key)

    def forget(self, key: RequestKey) -> None:
        """Let a request that came to nothing be tried again."""
        self._replies.pop(key, None)

    def _forget_old(self, now_seconds: float) -> None:
        self._none_is_old_before = now_seconds + KEPT_SECONDS
        while self._replies:
            key, (seen_at, _) = next(iter(self._replies.items()))
            if now_seconds - seen_at < KEPT_SECONDS:
                self._none_is_old_before = seen_at + KEPT_SECONDS
                return
            del self._replies[key]
