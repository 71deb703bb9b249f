"""RADIUS packets as bytes: just what a login needs of RFC 2865 and RFC 3579, and no networking.

pyrad, which the server uses, takes 14 ms to load: with it a login would cost more than twice a bare pam_python
module. The tests hold these bytes against pyrad's.

Rule 1. Every request carries a Message-Authenticator, as its first attribute.
Rule 2. A reply counts only if it carries one too, first and right, beside a right Response Authenticator
        (CVE-2024-3596, "Blast-RADIUS"). Whatever else comes is nothing.
"""

from __future__ import annotations

# The comparison that hmac uses; hmac and hashlib themselves load OpenSSL, which takes 5 ms.
from _operator import _compare_digest as are_equal

try:
    from _md5 import md5  # type: ignore[import-not-found]  # typeshed leaves it out
except ImportError:  # Red Hat's Python has only OpenSSL's
    from hashlib import md5

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Attributes = Iterable[tuple[int, bytes]]

ACCESS_REQUEST = 1
ACCESS_ACCEPT = 2
ACCESS_REJECT = 3
ACCESS_CHALLENGE = 11

USER_NAME = 1
USER_PASSWORD = 2
SERVICE_TYPE = 6
FILTER_ID = 11
REPLY_MESSAGE = 18
STATE = 24
CALLING_STATION_ID = 31
NAS_IDENTIFIER = 32
PROXY_STATE = 33
PROMPT = 76
MESSAGE_AUTHENTICATOR = 80

HEADER = 20  # code, identifier, length, authenticator
SIGNATURE = bytes([MESSAGE_AUTHENTICATOR, 18])
SIGNED_HEADER = HEADER + 18
LARGEST_PACKET = 4096
LONGEST_VALUE = 253
LONGEST_PASSWORD = 128


def encode_request(identifier: int, authenticator: bytes, attributes: Attributes, secret: bytes) -> bytes:
    """Return a signed Access-Request; User-Password comes in the clear and is hidden here."""
    body = b""
    for kind, plain in attributes:
        value = _hidden(plain, authenticator, secret) if kind == USER_PASSWORD else plain
        if len(value) > LONGEST_VALUE:
            raise ValueError("an attribute is too long")
        body += bytes([kind, len(value) + 2]) + value
    head = bytes([ACCESS_REQUEST, identifier]) + (SIGNED_HEADER + len(body)).to_bytes(2, "big")
    return head + authenticator + SIGNATURE + _signature(head, authenticator, body, secret) + body


def decode_reply(data: bytes, request: bytes, secret: bytes) -> tuple[int, dict[int, list[bytes]]] | None:
    """Return the code and the attributes of a reply to this request; None for whatever the server did not send."""
    length = int.from_bytes(data[2:4], "big")
    if not SIGNED_HEADER <= length <= min(len(data), LARGEST_PACKET):
        return None
    data = data[:length]  # what follows is padding (RFC 2865 section 3)
    if data[0] not in (ACCESS_ACCEPT, ACCESS_REJECT, ACCESS_CHALLENGE) or not _is_genuine(data, request, secret):
        return None
    attributes = _attributes(data[SIGNED_HEADER:])
    # We send no Proxy-State: one that comes back is the mark of a forger.
    if attributes is None or MESSAGE_AUTHENTICATOR in attributes or PROXY_STATE in attributes:
        return None
    return data[0], attributes


def _is_genuine(data: bytes, request: bytes, secret: bytes) -> bool:
    """Check both signatures of a reply, and that it is one to this request."""
    head, asked, body = data[:4], request[4:HEADER], data[SIGNED_HEADER:]
    return (
        data[1] == request[1]
        and are_equal(data[4:HEADER], _digest(head + asked + data[HEADER:] + secret))
        and data[HEADER : HEADER + 2] == SIGNATURE
        and are_equal(data[HEADER + 2 : SIGNED_HEADER], _signature(head, asked, body, secret))
    )


def _attributes(body: bytes) -> dict[int, list[bytes]] | None:
    """Split attributes; None if their lengths don't add up."""
    attributes: dict[int, list[bytes]] = {}
    while body:
        if len(body) < 2 or not 2 <= body[1] <= len(body):
            return None
        attributes.setdefault(body[0], []).append(body[2 : body[1]])
        body = body[body[1] :]
    return attributes


def _hidden(password: bytes, authenticator: bytes, secret: bytes) -> bytes:
    """Hide a password (RFC 2865 section 5.2). An empty one, too, takes a block of 16 octets."""
    if len(password) > LONGEST_PASSWORD:
        raise ValueError("a password is too long")
    padded = password + bytes(-len(password) % 16 if password else 16)
    hidden, last = b"", authenticator
    for start in range(0, len(padded), 16):
        mask = int.from_bytes(_digest(secret + last), "big")
        last = (int.from_bytes(padded[start : start + 16], "big") ^ mask).to_bytes(16, "big")
        hidden += last
    return hidden


def _signature(head: bytes, authenticator: bytes, body: bytes, secret: bytes) -> bytes:
    """Return the Message-Authenticator (RFC 3579 section 3.2) of a packet in which it stands first."""
    return _hmac_md5(secret, head + authenticator + SIGNATURE + bytes(16) + body)


def _hmac_md5(key: bytes, data: bytes) -> bytes:
    """HMAC with MD5 (RFC 2104)."""
    block = (_digest(key) if len(key) > 64 else key).ljust(64, b"\0")
    inner = _digest(bytes(octet ^ 0x36 for octet in block) + data)
    return _digest(bytes(octet ^ 0x5C for octet in block) + inner)


def _digest(data: bytes) -> bytes:
    # RADIUS knows no other hash. Said like this, a machine in FIPS mode lets us.
    return bytes(md5(data, usedforsecurity=False).digest())
