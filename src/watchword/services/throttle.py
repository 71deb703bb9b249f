"""How often something may be tried. The counts are rows, so every portal counts together."""

import hashlib
from dataclasses import dataclass

from watchword.clock import Clock
from watchword.domain.errors import WatchwordError
from watchword.services.portal_ports import PortalStore


class TooMany(WatchwordError):
    """Tried too often; it may be tried again in `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("too many tries", hint=f"try again in {retry_after_seconds} seconds")
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `tries` in each window of `window_seconds`."""

    name: str
    tries: int
    window_seconds: int

    def bucket(self, *whose: str) -> bytes:
        """Name one count, such as of an account from an address: 32 octets."""
        return hashlib.sha256("\0".join((self.name, *whose)).encode("utf-8", "surrogatepass")).digest()


class Throttle:
    """Counts tries."""

    def __init__(self, store: PortalStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def take(self, limit: Limit, *whose: str) -> None:
        """Count one try, in a transaction of its own; raises TooMany once there were too many."""
        now = int(self._clock())
        bucket = limit.bucket(*whose)
        used, ends_at = self._store.write(lambda rows: rows.throttles.take(bucket, now, limit.window_seconds))
        if used > limit.tries:
            raise TooMany(max(1, ends_at - now))

    def forget(self, limit: Limit, *whose: str) -> None:
        """Begin a new count: whoever tried has shown who they are."""
        bucket = limit.bucket(*whose)
        self._store.write(lambda rows: rows.throttles.forget(bucket))

    def prune(self) -> int:
        """Drop counts whose windows have ended; answers how many."""
        now = int(self._clock())
        return self._store.write(lambda rows: rows.throttles.prune(now))
