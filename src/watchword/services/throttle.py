"""How often something may be tried. The counts are rows, so every portal counts together."""

import hashlib
import ipaddress
from dataclasses import dataclass

from watchword.clock import Clock
from watchword.domain.errors import WatchwordError
from watchword.services.portal_ports import PortalStore


class TooMany(WatchwordError):
    """Tried too often; it may be tried again in `retry_after_seconds`.

    `is_first` says that nothing was refused in this window before.
    """

    def __init__(self, retry_after_seconds: int, *, is_first: bool = False) -> None:
        super().__init__("too many tries", hint=f"try again in {retry_after_seconds} seconds")
        self.retry_after_seconds = retry_after_seconds
        self.is_first = is_first


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `tries` in each window of `window_seconds`."""

    name: str
    tries: int
    window_seconds: int

    def bucket(self, *whose: str) -> bytes:
        """Name one count, such as of an account from an address: 32 octets."""
        return hashlib.sha256("\0".join((self.name, *whose)).encode("utf-8", "surrogatepass")).digest()


def place_of(address: str) -> str:
    """Answer what is counted for an address: itself, or the network that an IPv6 one is in.

    RFC 6177, section 2: even a home has 2^64 addresses.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


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
            raise TooMany(max(1, ends_at - now), is_first=used == limit.tries + 1)

    def has_counted(self, limit: Limit, *whose: str) -> bool:
        """Tell whether anything was counted in this window; counts nothing."""
        now = int(self._clock())
        bucket = limit.bucket(*whose)
        return self._store.read(lambda rows: rows.throttles.used(bucket, now)) > 0

    def forget(self, limit: Limit, *whose: str) -> None:
        """Begin a new count: whoever tried has shown who they are."""
        bucket = limit.bucket(*whose)
        self._store.write(lambda rows: rows.throttles.forget(bucket))

    def prune(self) -> int:
        """Drop counts whose windows have ended; answers how many."""
        now = int(self._clock())
        return self._store.write(lambda rows: rows.throttles.prune(now))
