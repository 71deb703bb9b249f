"""Keys of the REST API: made, listed and ended. What opens the API is shown once and kept only as hashes.

A key is `ww_<id>_<secret>`. The secret is 32 random octets, so SHA-256 of it is enough: a slow hash (argon2, scrypt)
makes up for passwords that can be guessed, and 2**256 guesses cannot be made at any speed. It would only let whoever
sends rubbish burn our time.
"""

import base64
import enum
import hashlib
import ipaddress
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from watchword.clock import Clock
from watchword.domain.audit import AuditEvent, EventKind
from watchword.domain.errors import InvalidValue, NotFound
from watchword.services.actor import Actor
from watchword.services.digest_access import hash_for_digest
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports_api import ApiKeyRow

KEY_ID_OCTETS = 6
SECRET_OCTETS = 32

LONGEST_DAYS = 3650
SECONDS_PER_DAY = 86400

_KEY = re.compile(r"ww_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


class Scope(enum.StrEnum):
    """What a key may do."""

    VALIDATE = "validate"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    TOKENS_READ = "tokens:read"
    TOKENS_WRITE = "tokens:write"
    SEEDS_IMPORT = "seeds:import"
    CLASSES_WRITE = "classes:write"
    AUDIT_READ = "audit:read"
    STATISTICS_READ = "statistics:read"


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as people may see it; times are seconds since 1970. No networks: it is good from anywhere."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    networks: tuple[Network, ...]
    for_digest: bool
    created_at: int
    created_by: str
    expires_at: int
    revoked_at: int | None
    last_used_at: int | None

    def is_live(self, now_seconds: float) -> bool:
        """Tell whether it has neither expired nor been revoked."""
        return self.revoked_at is None and now_seconds < self.expires_at

    def is_good_from(self, address: str) -> bool:
        """Tell whether it may be used from an address."""
        if not self.networks:
            return True
        try:
            here = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = here.ipv4_mapped if isinstance(here, ipaddress.IPv6Address) else None
        return any((mapped or here) in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just made; `key` is shown once."""

    facts: ApiKey
    key: str = field(repr=False)


class ApiKeys:
    """Makes, lists and ends keys, in somebody's name, for a reason of theirs."""

    def __init__(
        self,
        store: PortalStore,
        *,
        clock: Clock,
        random_octets: Callable[[int], bytes],
        actor: str,
        why: str = "",
        address: str = "",
    ) -> None:
        """Take the ports and who acts; raises InvalidValue for a reason that cannot be written down."""
        self._store = store
        self._clock = clock
        self._random_octets = random_octets
        self._actor = Actor(actor, why, address)

    def add(
        self,
        name: str,
        *,
        scopes: Collection[Scope],
        days: int,
        networks: Sequence[str] = (),
        for_digest: bool = False,
    ) -> NewApiKey:
        """Make a key, good for so many days; raises InvalidValue."""
        _check(name, scopes, days)
        now = int(self._clock())
        key_id, key = self._draw()
        row = ApiKeyRow(
            key_id=key_id,
            name=name,
            secret_hash=hash_key(key),
            digest=hash_for_digest(key_id, key) if for_digest else b"",
            scopes=" ".join(sorted(scopes)),
            networks=" ".join(str(network) for network in parse_networks(networks)),
            created_at=now,
            created_by=self._actor.name,
            expires_at=now + days * SECONDS_PER_DAY,
        )

        def work(rows: PortalWork) -> None:
            rows.api_keys.add(row)
            rows.audit.record([self._event("api key made", row)])

        self._store.write(work)
        return NewApiKey(read_key(row), key)

    def _draw(self) -> tuple[str, str]:
        """Draw a key; answers its id, and the whole of it."""
        key_id = self._random_octets(KEY_ID_OCTETS).hex()
        secret = base64.urlsafe_b64encode(self._random_octets(SECRET_OCTETS)).rstrip(b"=").decode("ascii")
        return key_id, f"ww_{key_id}_{secret}"

    def list_all(self) -> list[ApiKey]:
        """List every key, oldest first."""
        return [read_key(row) for row in self._store.read(lambda rows: rows.api_keys.list_all())]

    def revoke(self, key_id: str) -> ApiKey:
        """End a key for good, from the next request on; raises NotFound."""
        now = int(self._clock())

        def work(rows: PortalWork) -> ApiKeyRow:
            row = rows.api_keys.find(key_id)
            if row is None:
                raise NotFound("there is no such API key", hint="`watchword api-key list` shows them")
            if rows.api_keys.revoke(key_id, now):
                rows.audit.record([self._event("api key revoked", row)])
            return rows.api_keys.find(key_id) or row

        return read_key(self._store.write(work))

    def _event(self, what: str, row: ApiKeyRow) -> AuditEvent:
        about = f"key {row.key_id} ({row.name}) for {row.scopes}"
        return self._actor.event(self._clock(), EventKind.ADMINISTRATION, what, detail=about)


def hash_key(key: str) -> bytes:
    """Hash a whole key: 32 octets."""
    return hashlib.sha256(key.encode("ascii")).digest()


def key_id_of(key: str) -> str | None:
    """Answer the id that is written in a key; None if this can be no key of ours."""
    match = _KEY.fullmatch(key)
    return match[1] if match else None


def read_key(row: ApiKeyRow) -> ApiKey:
    """Read a row; scopes that this version does not know count for nothing."""
    known = {scope.value: scope for scope in Scope}
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        scopes=frozenset(known[word] for word in row.scopes.split() if word in known),
        networks=parse_networks(row.networks.split()),
        for_digest=bool(row.digest),
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Read networks such as 192.0.2.0/24; raises InvalidValue."""
    try:
        networks = tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError:
        raise InvalidValue(
            "a network is written 192.0.2.0/24 or 2001:db8::/32, with no bit set after its length"
        ) from None
    if len(networks) > 20:
        raise InvalidValue("a key has at most 20 networks")
    return networks


def _check(name: str, scopes: Collection[Scope], days: int) -> None:
    if not 1 <= len(name) <= 60 or not name.isprintable():
        raise InvalidValue("a key's name has 1 to 60 printable characters")
    if not scopes:
        raise InvalidValue("a key without a scope can do nothing", hint=", ".join(Scope))
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidValue(f"a key is good for 1 to {LONGEST_DAYS} days")
