"""Ask a RADIUS server for a sign of life (RFC 5997), as a login would ask it for a code."""

import errno
import hashlib
import hmac
import os
import socket
from dataclasses import dataclass, field

from watchword.clock import Clock
from watchword_pam.radius_packet import LARGEST_PACKET, SIGNED_HEADER, decode_reply

STATUS_SERVER = 12
TIMEOUT_SECONDS = 2.0
SENDINGS = 3
MESSAGE_AUTHENTICATOR = 80


@dataclass(frozen=True, slots=True)
class Peer:
    """A RADIUS server, by numeric address, and the secret that this machine shares with it."""

    host: str
    port: int
    secret: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """Write the address and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answered:
    """A verified reply came, so long after the first question."""

    milliseconds: float


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No verified reply came; `forged` tells that something came which the secret does not verify."""

    reason: str = ""
    forged: bool = False


def ask_status(peer: Peer, clock: Clock) -> Answered | Unanswered:
    """Send Status-Server up to three times within two seconds. Raises nothing that the network can cause."""
    request = _status_request(peer.secret)
    family = socket.AF_INET6 if ":" in peer.host else socket.AF_INET
    begun = clock()
    forged = False
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        try:
            link.connect((peer.host, peer.port))
            for sending in range(1, SENDINGS + 1):
                link.send(request)
                end = begun + TIMEOUT_SECONDS * sending / SENDINGS
                while (left := end - clock()) > 0:
                    reply = _receive(link, left)
                    if reply is None:
                        break
                    if decode_reply(reply, request, peer.secret) is not None:
                        return Answered((clock() - begun) * 1000)
                    forged = True
        except OSError as error:
            return Unanswered(_why(error))
    return Unanswered(forged=forged)


def _receive(link: socket.socket, seconds: float) -> bytes | None:
    link.settimeout(seconds)
    try:
        return link.recv(LARGEST_PACKET)
    except TimeoutError:
        return None


def _why(error: OSError) -> str:
    match error.errno:
        case errno.ECONNREFUSED:
            return "its machine says that nothing listens on that port"
        case errno.ENETUNREACH | errno.EHOSTUNREACH:
            return "there is no route to it"
        case _:
            return error.strerror or type(error).__name__


def _status_request(secret: bytes) -> bytes:
    """Encode a Status-Server whose only attribute is the Message-Authenticator (RFC 5997, section 3)."""
    head = bytes([STATUS_SERVER, os.urandom(1)[0]]) + SIGNED_HEADER.to_bytes(2, "big") + os.urandom(16)
    attribute = bytes([MESSAGE_AUTHENTICATOR, 18])
    return head + attribute + hmac.new(secret, head + attribute + bytes(16), _md5).digest()


def _md5(data: bytes = b"") -> "hashlib._Hash":
    # RADIUS knows no other hash. Said like this, a machine in FIPS mode lets us.
    return hashlib.md5(data, usedforsecurity=False)
