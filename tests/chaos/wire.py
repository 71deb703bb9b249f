"""What the RADIUS servers were asked and what they said, read from the wire with none of our own code.

Rule 1. Two packets are the same request if port, server, Identifier and Request Authenticator are (RFC 5080, 2.2.2).
Rule 2. A reply belongs to the request that its Response Authenticator proves, and to no other.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.harness.wiretap import Datagram

ACCESS_REQUEST, ACCESS_ACCEPT = 1, 2
USER_NAME, USER_PASSWORD, CALLING_STATION_ID = 1, 2, 31
HEADER = 20


class RequestKey(NamedTuple):
    """What makes two packets the same request."""

    client_port: int
    server_port: int
    identifier: int
    authenticator: bytes


@dataclass(frozen=True)
class Asked:
    """A request that carries a code."""

    key: RequestKey
    account: str
    code: str
    address: str


@dataclass(frozen=True)
class Accepted:
    """A request that a server accepted, and when its answer was on the wire."""

    asked: Asked
    at: float


@dataclass(frozen=True)
class Heard:
    """All that was accepted; `unexplained` counts Access-Accepts to no request that was seen."""

    accepted: list[Accepted]
    unexplained: int


def listen(datagrams: Iterable[Datagram], server_ports: Collection[int], secret: bytes) -> Heard:
    """Match what servers accepted with what they were asked. An Accept that was sent again counts once."""
    requests: dict[tuple[int, int, int], dict[bytes, Asked | None]] = defaultdict(dict)
    accepted: dict[RequestKey, Accepted] = {}
    unexplained = 0
    for datagram in datagrams:
        data = datagram.data
        if datagram.target_port in server_ports and data[:1] == bytes([ACCESS_REQUEST]) and _is_whole(data):
            key = RequestKey(datagram.source_port, datagram.target_port, data[1], data[4:HEADER])
            requests[key[:3]].setdefault(key.authenticator, _asked(key, data, secret))
        elif datagram.source_port in server_ports and data[:1] == bytes([ACCESS_ACCEPT]):
            candidates = requests[datagram.target_port, datagram.source_port, data[1]]
            proven = [who for who in candidates if is_reply_to(data, who, secret)]
            asked = candidates[proven[0]] if proven else None
            if not proven:
                unexplained += 1
            elif asked is not None:
                accepted.setdefault(asked.key, Accepted(asked, datagram.at))
    return Heard(list(accepted.values()), unexplained)


def _is_whole(data: bytes) -> bool:
    """Whether nothing was cut off on the way."""
    return HEADER <= int.from_bytes(data[2:4], "big") <= len(data)


def is_reply_to(reply: bytes, authenticator: bytes, secret: bytes) -> bool:
    """Check a Response Authenticator (RFC 2865, section 3)."""
    return hashlib.md5(reply[:4] + authenticator + reply[HEADER:] + secret).digest() == reply[4:HEADER]


def _asked(key: RequestKey, data: bytes, secret: bytes) -> Asked | None:
    """Read a request; None if it carries no code, such as a pairing query, or cannot be read."""
    try:
        attributes = dict(_attributes(data[HEADER:]))
    except ValueError:
        return None
    code = reveal(attributes.get(USER_PASSWORD, b""), key.authenticator, secret)
    if not code:
        return None
    account, address = attributes.get(USER_NAME, b"").decode(), attributes.get(CALLING_STATION_ID, b"").decode()
    return Asked(key, account, code.decode("utf-8", "replace"), address)


def _attributes(body: bytes) -> Iterator[tuple[int, bytes]]:
    while body:
        if len(body) < 2 or not 2 <= body[1] <= len(body):
            raise ValueError("the attributes are cut")
        yield body[0], body[2 : body[1]]
        body = body[body[1] :]


def reveal(hidden: bytes, authenticator: bytes, secret: bytes) -> bytes:
    """Undo the hiding of User-Password (RFC 2865, section 5.2)."""
    plain, last = b"", authenticator
    for start in range(0, len(hidden), 16):
        block = hidden[start : start + 16]
        plain += bytes(a ^ b for a, b in zip(block, hashlib.md5(secret + last).digest(), strict=False))
        last = block
    return plain.rstrip(b"\0")
