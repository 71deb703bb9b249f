"""RADIUS packets as octets: what every login costs, so it is said in the fewest steps. No sockets.

With pyrad, reading and writing them took a quarter of a worker's time (docs/benchmarks.md). pyrad still reads what is
rare, the packets of clients that are excused from our rules. The tests hold these octets against pyrad's, both ways.
"""

import functools
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pyrad.packet import Packet as PyradPacket
from pyrad.packet import PacketError

try:
    from _md5 import md5  # type: ignore[import-not-found]  # typeshed leaves it out
except ImportError:  # Red Hat's Python has only OpenSSL's, which takes half as long again
    from hashlib import md5

ACCESS_REQUEST, ACCESS_ACCEPT, ACCESS_REJECT, ACCESS_CHALLENGE, STATUS_SERVER = 1, 2, 3, 11, 12

# RFC 2865, section 5; RFC 2869, sections 5.10 and 5.14
USER_NAME, USER_PASSWORD, CHAP_PASSWORD, SERVICE_TYPE, FILTER_ID, REPLY_MESSAGE, STATE = 1, 2, 3, 6, 11, 18, 24
CALLING_STATION_ID, NAS_IDENTIFIER, PROXY_STATE, PROMPT, EAP_MESSAGE, MESSAGE_AUTHENTICATOR = 31, 32, 33, 76, 79, 80

HEADER_OCTETS = 20
LARGEST_PACKET = 4096
"""RFC 2865, section 3. What is longer comes cut, and with a wrong signature."""

LONGEST_VALUE = 253
LONGEST_PASSWORD = 128

PROOF_OCTETS = 16
PROOF_HEADER = bytes([MESSAGE_AUTHENTICATOR, 2 + PROOF_OCTETS])
PROOF_BEGINS = HEADER_OCTETS + len(PROOF_HEADER)
PROOF_ENDS = PROOF_BEGINS + PROOF_OCTETS
BLANK_PROOF = PROOF_HEADER + bytes(PROOF_OCTETS)
WRONG_PROOF = "a wrong Message-Authenticator: is the secret the same on both sides?"

SECRETS_REMEMBERED = 1000

Attributes = dict[int, list[bytes]]


class Dropped(Exception):
    """The datagram gets no answer; says why, for the log, quoting nothing of it."""


@dataclass(slots=True)
class Packet:
    """A packet as it was read; `is_proven`: whoever sent it has the secret."""

    code: int
    identifier: int
    authenticator: bytes
    attributes: Attributes = field(repr=False)
    secret: bytes = field(repr=False)
    is_proven: bool


def read_proven(datagram: bytes, secret: bytes) -> Packet:
    """Read a packet that begins with a right Message-Authenticator (RFC 3579, section 3.2); raises Dropped."""
    length = int.from_bytes(datagram[2:4], "big")
    if not HEADER_OCTETS <= length <= len(datagram):
        raise Dropped("not a RADIUS packet")
    signed = datagram[:length]  # what follows is padding (RFC 2865, section 3)
    if signed[HEADER_OCTETS:PROOF_BEGINS] != PROOF_HEADER or length < PROOF_ENDS:
        raise Dropped("the Message-Authenticator is not the first attribute, or there is none")
    proof = sign(secret, signed[:HEADER_OCTETS], signed[PROOF_ENDS:])
    if not hmac.compare_digest(proof, signed[PROOF_BEGINS:PROOF_ENDS]):
        raise Dropped(WRONG_PROOF)
    attributes = split_attributes(signed, PROOF_ENDS)
    if MESSAGE_AUTHENTICATOR in attributes:
        raise Dropped("a malformed Message-Authenticator")
    return Packet(signed[0], signed[1], signed[4:HEADER_OCTETS], attributes, secret, is_proven=True)


def read_excused(datagram: bytes, secret: bytes) -> Packet:
    """Read a packet that needs no Message-Authenticator; one that is there, in any place, is right. Raises Dropped."""
    try:
        packet = PyradPacket(packet=datagram, secret=secret)
    except PacketError:
        raise Dropped("not a RADIUS packet") from None
    attributes: Attributes = dict(dict.items(packet))  # by number: pyrad's own way would look for names
    proofs = attributes.pop(MESSAGE_AUTHENTICATOR, [])
    if proofs and (len(proofs) != 1 or len(proofs[0]) != PROOF_OCTETS):
        raise Dropped("a malformed Message-Authenticator")
    if proofs and not packet.verify_message_authenticator():
        raise Dropped(WRONG_PROOF)
    return Packet(packet.code, packet.id, packet.authenticator, attributes, secret, is_proven=bool(proofs))


def split_attributes(packet: bytes, start: int) -> Attributes:
    """Split what follows `start` into attributes, whose lengths must add up; raises Dropped."""
    attributes: Attributes = {}
    end = len(packet)
    while start < end:
        kind, length = packet[start], packet[start + 1] if start + 1 < end else 0
        if length < 2 or start + length > end:
            raise Dropped("not a RADIUS packet")
        value = packet[start + 2 : start + length]
        if kind in attributes:
            attributes[kind].append(value)
        else:
            attributes[kind] = [value]
        start += length
    return attributes


def reveal_password(hidden: bytes, secret: bytes, authenticator: bytes) -> bytes:
    """Undo the hiding of User-Password (RFC 2865, section 5.2), without its padding; raises Dropped.

    pyrad's own PwDecrypt leaves out octets that are not UTF-8, and so makes another code of a wrong one.
    """
    if len(hidden) > LONGEST_PASSWORD or len(hidden) % 16:
        raise Dropped("a User-Password of an impossible length")
    revealed = b""
    previous = authenticator
    for start in range(0, len(hidden), 16):
        block = hidden[start : start + 16]
        mask = _digest(secret + previous)
        revealed += (int.from_bytes(block, "big") ^ int.from_bytes(mask, "big")).to_bytes(16, "big")
        previous = block
    return revealed.rstrip(b"\0")


def write_packet(request: Packet, code: int, attributes: Iterable[tuple[int, bytes]]) -> bytes:
    """Write the reply to a request: Message-Authenticator, the request's Proxy-State, then these attributes.

    Raises ValueError if it would be larger than a packet may be.
    """
    body = b""
    for value in request.attributes.get(PROXY_STATE, ()):
        body += bytes((PROXY_STATE, 2 + len(value))) + value
    for kind, value in attributes:
        body += bytes((kind, 2 + len(value))) + value
    length = PROOF_ENDS + len(body)
    if length > LARGEST_PACKET:
        raise ValueError("a reply is too long")
    head = bytes((code, request.identifier, length >> 8, length & 0xFF))
    signed = PROOF_HEADER + sign(request.secret, head + request.authenticator, body) + body
    return head + _digest(head + request.authenticator + signed + request.secret) + signed


def sign(secret: bytes, header: bytes, attributes: bytes) -> bytes:
    """Compute the Message-Authenticator of a packet in which it stands first, from what is before and after it.

    A reply is signed with its request's authenticator in the header.
    """
    begin_inner, begin_outer = _hmac_begun(secret)
    inner, outer = begin_inner(), begin_outer()
    inner.update(header + BLANK_PROOF + attributes)
    outer.update(inner.digest())
    return bytes(outer.digest())


@functools.lru_cache(SECRETS_REMEMBERED)
def _hmac_begun(secret: bytes) -> tuple[Any, Any]:
    """Begin HMAC-MD5 (RFC 2104) with a secret: what makes copies of the inner and the outer hash, the key taken in.

    That is a third of what `hmac.digest` takes, which does this for each packet, and looks MD5 up in OpenSSL as well.
    """
    block = (_digest(secret) if len(secret) > 64 else secret).ljust(64, b"\0")
    inner = md5(bytes(octet ^ 0x36 for octet in block), usedforsecurity=False)
    outer = md5(bytes(octet ^ 0x5C for octet in block), usedforsecurity=False)
    return inner.copy, outer.copy


def _digest(octets: bytes) -> bytes:
    # RADIUS knows no other hash. Said like this, a machine in FIPS mode lets us.
    return bytes(md5(octets, usedforsecurity=False).digest())
