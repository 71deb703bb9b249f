"""HTTP Digest access authentication (RFC 7616) with SHA-256 and qop=auth; nothing weaker.

No MD5. No qop=auth-int: that a body was not changed is TLS's work. The response is computed from H(user:realm:secret),
which opens the API as well as the secret does: so that hash is kept sealed, unlike the hash of a bearer key.
"""

import base64
import binascii
import enum
import hashlib
import hmac
import re
import struct
from dataclasses import dataclass, field

from watchword.domain.errors import KeyringError, SealError
from watchword.services.ports import Seal

REALM = "watchword-api"
"""It is part of what each key's hash was computed from: it can never change."""

NONCE_SECONDS = 300

LONGEST_HEADER = 4096

_CLOCKS_APART_SECONDS = 60
"""How far ahead the clock of the portal that made a nonce may be."""

_MADE_AT = struct.Struct(">Q")
_PLACE = "digest nonce"

# RFC 9110, section 11.2: token = ( token / quoted-string ), separated by commas.
_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = re.compile(rf'\s*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))\s*(?:,|$)')

_ONLY_ONCE = {"username", "realm", "nonce", "uri", "response", "algorithm", "qop", "nc", "cnonce", "userhash"}


class Freshness(enum.Enum):
    """What a nonce is worth."""

    FRESH = "fresh"
    STALE = "stale"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class DigestCredentials:
    """What an `Authorization: Digest` header says; `nc` as it was written, eight hex digits."""

    username: str
    nonce: str
    uri: str
    nc: str
    cnonce: str
    response: str = field(repr=False)


def parse_credentials(header: str, *, realm: str = REALM) -> DigestCredentials | None:
    """Read what follows `Digest `; None for anything that RFC 7616, section 3.4, does not allow or we do not offer."""
    found = _parameters(header)
    if found is None or not _names_our_terms(found, realm):
        return None
    nc, response, cnonce = found.get("nc", ""), found.get("response", ""), found.get("cnonce", "")
    if not re.fullmatch(r"[0-9a-f]{8}", nc) or not re.fullmatch(r"[0-9a-f]{64}", response) or not cnonce:
        return None
    return DigestCredentials(
        found.get("username", ""), found.get("nonce", ""), found.get("uri", ""), nc, cnonce, response
    )


def _names_our_terms(found: dict[str, str], realm: str) -> bool:
    return (
        found.get("realm") == realm
        and found.get("algorithm", "").upper() == "SHA-256"
        and found.get("qop") == "auth"
        and found.get("userhash", "false").lower() == "false"
    )


def _parameters(header: str) -> dict[str, str] | None:
    if len(header) > LONGEST_HEADER:
        return None
    found: dict[str, str] = {}
    position = 0
    while position < len(header):
        match = _PARAMETER.match(header, position)
        if match is None:
            return None
        name = match[1].lower()
        if name in found and name in _ONLY_ONCE:
            return None
        found[name] = re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
        position = match.end()
    return found


def hash_for_digest(username: str, secret: str, *, realm: str = REALM) -> bytes:
    """Compute H(user:realm:secret), 64 octets of hex (RFC 7616, section 3.4.2)."""
    return _hash(f"{username}:{realm}:{secret}".encode()).encode("ascii")


def is_right(credentials: DigestCredentials, hashed_secret: bytes, method: str) -> bool:
    """Tell whether the response was computed with the secret (RFC 7616, sections 3.4.1 and 3.4.3)."""
    given = f"{credentials.nonce}:{credentials.nc}:{credentials.cnonce}:auth"
    asked = _hash(f"{method}:{credentials.uri}".encode("utf-8", "surrogatepass"))
    expected = _hash(hashed_secret + b":" + f"{given}:{asked}".encode("utf-8", "surrogatepass"))
    return hmac.compare_digest(expected, credentials.response)


def mark_of(credentials: DigestCredentials) -> bytes:
    """Name this one use of a nonce: 32 octets."""
    return hashlib.sha256(f"digest\0{credentials.nonce}\0{credentials.nc}".encode("utf-8", "surrogatepass")).digest()


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


class Nonces:
    """Makes and reads nonces: sealed by the keyring, so any portal knows them and no row stands behind them."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def make(self, now_seconds: float) -> str:
        """Seal the time at which it was made."""
        sealed = self._seal.seal(_MADE_AT.pack(int(now_seconds)), _PLACE)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")

    def examine(self, nonce: str, now_seconds: float) -> Freshness:
        """Tell whether a nonce is ours, and made within the last `NONCE_SECONDS`."""
        try:
            padded = nonce.encode("ascii") + b"=" * (-len(nonce) % 4)
            sealed = base64.b64decode(padded, altchars=b"-_", validate=True)
            (made_at,) = _MADE_AT.unpack(self._seal.unseal(sealed, _PLACE))
        except (UnicodeEncodeError, binascii.Error, struct.error, SealError, KeyringError):
            return Freshness.FOREIGN
        # The same octets can be written in more than one way in base64: only ours counts as this nonce.
        if base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii") != nonce:
            return Freshness.FOREIGN
        fresh = -_CLOCKS_APART_SECONDS <= now_seconds - made_at < NONCE_SECONDS
        return Freshness.FRESH if fresh else Freshness.STALE
