"""Access-Requests of one account's login, composed by the bench's own hand: ours must not be what measures ours."""

import hashlib
import hmac
import os
from dataclasses import dataclass, field

from tests.bench.people import name_of

ACCEPT, CHALLENGE = 2, 11
USER_NAME, USER_PASSWORD, STATE, CALLING_STATION_ID, NAS_IDENTIFIER, MESSAGE_AUTHENTICATOR = 1, 2, 24, 31, 32, 80
HEADER_OCTETS = 20
PROOF = bytes([MESSAGE_AUTHENTICATOR, 18])


class LoadError(AssertionError):
    """Not every request was granted: what was measured is not what was meant."""


@dataclass(frozen=True)
class Target:
    """A RADIUS server that is asked."""

    port: int
    secret: str = field(repr=False)

    def request(self, number: int, code: bytes = b"", state: bytes = b"") -> bytes:
        """Compose a request's authenticator and attributes; what depends on the identifier comes when it is sent."""
        authenticator = os.urandom(16)
        mask = hashlib.md5(self.secret.encode("ascii") + authenticator).digest()
        hidden = bytes(a ^ b for a, b in zip(code.ljust(16, b"\0"), mask, strict=True))
        said = ((USER_NAME, name_of(number).encode("ascii")), (NAS_IDENTIFIER, b"login1"), (USER_PASSWORD, hidden))
        attributes = [*said, (CALLING_STATION_ID, b"192.0.2.7"), *([(STATE, state)] if state else [])]
        return authenticator + b"".join(bytes([kind, len(value) + 2]) + value for kind, value in attributes)

    def signed(self, identifier: int, request: bytes) -> bytes:
        """Put the header and the Message-Authenticator (RFC 3579, section 3.2) before the rest."""
        authenticator, attributes = request[:16], request[16:]
        header = bytes([1, identifier]) + (HEADER_OCTETS + 18 + len(attributes)).to_bytes(2, "big") + authenticator
        signature = hmac.digest(self.secret.encode("ascii"), header + PROOF + bytes(16) + attributes, "md5")
        return header + PROOF + signature + attributes


def state_of(reply: bytes) -> bytes:
    """Find the State of a challenge."""
    at = HEADER_OCTETS
    while at < len(reply):
        if reply[at] == STATE:
            return reply[at + 2 : at + reply[at + 1]]
        at += reply[at + 1]
    raise LoadError("a challenge without a State")
