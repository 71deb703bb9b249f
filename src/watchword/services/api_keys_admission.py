"""Who may use the REST API: a bearer key (RFC 6750), or one shown by HTTP Digest (RFC 7616).

Whoever is refused reads the same words, whether the key is unknown, wrong, expired, revoked or used from elsewhere; the
audit log has the reason.
"""

import hmac
from dataclasses import dataclass, field

from watchword.clock import Clock
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.errors import WatchwordError
from watchword.services.api_keys import ApiKey, Scope, hash_key, key_id_of, read_key
from watchword.services.digest_access import (
    NONCE_SECONDS,
    DigestCredentials,
    Freshness,
    Nonces,
    is_right,
    mark_of,
    parse_credentials,
)
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports import Seal
from watchword.services.ports_api import ApiKeyRow
from watchword.services.throttle import Limit, TooMany, place_of

REFUSALS_BY_ADDRESS = Limit("api/refused/address", 60, 60)
"""Refusals beyond these are no longer written down, one by one, in the audit log."""

TOUCH_SECONDS = 60
"""A key's last use is written down no more often than this."""

NODE = "api"


class KeyRefused(WatchwordError):
    """No key, or none that is good here and now; `stale`: only the nonce was too old, or used before."""

    def __init__(self, *, stale: bool = False) -> None:
        super().__init__("this needs an API key that is good here and now")
        self.stale = stale


class ScopeMissing(WatchwordError):
    """The key is good, and not for this."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"this needs a key with the scope {scope}")
        self.scope = scope


@dataclass(frozen=True, slots=True)
class Knock:
    """A request at the door: `target` is its path and query as they were sent."""

    method: str
    target: str
    address: str
    authorization: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Quota:
    """How many requests a key has left, and for how long."""

    limit: int
    window_seconds: int
    left: int
    ends_in_seconds: int


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever holds a key."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    expires_at: int
    address: str
    quota: Quota

    @property
    def actor(self) -> str:
        """What the audit log calls them."""
        return f"api key {self.key_id} ({self.name})"

    def require(self, scope: Scope) -> None:
        """Raise ScopeMissing if the key is not for this."""
        if scope not in self.scopes:
            raise ScopeMissing(scope)


class Doorkeeper:
    """Lets keys in, each `requests_per_minute` at most."""

    def __init__(self, store: PortalStore, seal: Seal, *, clock: Clock, requests_per_minute: int) -> None:
        self._store = store
        self._clock = clock
        self._nonces = Nonces(seal)
        self._limit = Limit("api/key", requests_per_minute, 60)

    def new_nonce(self) -> str:
        """Make a nonce for a Digest challenge."""
        return self._nonces.make(self._clock())

    def admit(self, knock: Knock) -> Caller:
        """Let a key in; raises KeyRefused, TooMany, StoreUnavailable."""
        scheme, _, rest = (knock.authorization or "").partition(" ")
        match scheme.lower():
            case "bearer":
                return self._admit_bearer(knock, rest.strip())
            case "digest":
                return self._admit_digest(knock, rest)
        raise KeyRefused

    def _admit_bearer(self, knock: Knock, key: str) -> Caller:
        key_id = key_id_of(key)
        row = self._find(key_id)
        if row is None or not hmac.compare_digest(row.secret_hash, hash_key(key)):
            raise self._refusal(knock, row, "wrong_secret")
        return self._admit(knock, row, mark=None)

    def _admit_digest(self, knock: Knock, header: str) -> Caller:
        credentials = parse_credentials(header)
        if credentials is None or credentials.uri != knock.target:
            raise KeyRefused
        row = self._find(credentials.username)
        if row is None or not row.digest or not is_right(credentials, row.digest, knock.method):
            raise self._refusal(knock, row, "wrong_secret")
        if self._nonces.examine(credentials.nonce, self._clock()) is not Freshness.FRESH:
            raise KeyRefused(stale=True)
        return self._admit(knock, row, mark=credentials)

    def _find(self, key_id: str | None) -> ApiKeyRow | None:
        if key_id is None or len(key_id) > 16:
            return None
        return self._store.read(lambda rows: rows.api_keys.find(key_id))

    def _admit(self, knock: Knock, row: ApiKeyRow, *, mark: DigestCredentials | None) -> Caller:
        key, now = read_key(row), int(self._clock())
        if fault := _fault(key, knock.address, now):
            raise self._refusal(knock, row, fault)

        def work(rows: PortalWork) -> tuple[int, int] | None:
            if mark is not None and not rows.used_once.spend(mark_of(mark), now + 2 * NONCE_SECONDS):
                return None
            if row.last_used_at is None or now - row.last_used_at >= TOUCH_SECONDS:
                rows.api_keys.touch(row.key_id, now)
            return rows.throttles.take(self._limit.bucket(row.key_id), now, self._limit.window_seconds)

        counted = self._store.write(work)
        if counted is None:
            # Somebody repeats a request that was seen on the way; or a client does that honestly, and may ask anew.
            raise KeyRefused(stale=True)
        used, ends_at = counted
        if used > self._limit.tries:
            raise TooMany(max(1, ends_at - now))
        quota = Quota(self._limit.tries, self._limit.window_seconds, self._limit.tries - used, max(1, ends_at - now))
        return Caller(key.key_id, key.name, key.scopes, key.expires_at, knock.address, quota)

    def _refusal(self, knock: Knock, row: ApiKeyRow | None, why: str) -> WatchwordError:
        """Count a refusal, and write it down if the key is one of ours; answers what to raise."""
        now = int(self._clock())

        def work(rows: PortalWork) -> tuple[int, int]:
            bucket = REFUSALS_BY_ADDRESS.bucket(place_of(knock.address))
            used, ends_at = rows.throttles.take(bucket, now, REFUSALS_BY_ADDRESS.window_seconds)
            if row is not None and used <= REFUSALS_BY_ADDRESS.tries:
                rows.audit.record([self._event(knock, row, why)])
            return used, ends_at

        used, ends_at = self._store.write(work)
        return TooMany(max(1, ends_at - now)) if used > REFUSALS_BY_ADDRESS.tries else KeyRefused()

    def _event(self, knock: Knock, row: ApiKeyRow, why: str) -> AuditEvent:
        return AuditEvent(
            at_milliseconds=int(self._clock() * 1000),
            kind=EventKind.SIGN_IN,
            result=Result.DENIED,
            address=knock.address[:64],
            node=NODE,
            reason=why,
            detail=f"api key {row.key_id} ({row.name})",
        )


def _fault(key: ApiKey, address: str, now_seconds: int) -> str:
    """Say why a key that was shown rightly is not good here and now; empty if it is."""
    if key.revoked_at is not None:
        return "revoked"
    if not key.is_live(now_seconds):
        return "expired"
    return "" if key.is_good_from(address) else "wrong_network"
