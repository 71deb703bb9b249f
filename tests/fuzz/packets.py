"""RADIUS packets and their parts, as the server and the node read them."""

import functools
import hashlib
import hmac
import ipaddress
import os
import struct

from tests.radius_peer import Answer as PeerAnswer
from tests.radius_peer import encode_answer
from watchword.domain.outcome import Challenge, Denied, Granted, Pairing, Reason
from watchword.domain.tokens import Kind
from watchword.services.attempts import Answer, Attempt, OneShot
from watchword.services.handles import Handles
from watchword.store.keyring import Key, KeyState, new_key
from watchword.store.sealing import Sealer
from watchword_pam.radius_packet import decode_reply, encode_request
from watchword_radius.clients import Client
from watchword_radius.handler import (
    StatusQuery,
    read_packet,
    read_request,
    write_refusal,
    write_reply,
    write_status_reply,
)
from watchword_radius.packets import Dropped

SECRET = b"a secret of the fuzzer"
ANY_NETWORK = ipaddress.ip_network("0.0.0.0/0")
CLIENT = Client("login nodes", ANY_NETWORK, SECRET)
EXCUSED = Client("old", ANY_NETWORK, SECRET, require_message_authenticator=False)
AUTHENTICATOR = bytes(range(16))
LARGEST_PACKET = 4096

USER_NAME, USER_PASSWORD, SERVICE_TYPE, STATE, PROXY_STATE = 1, 2, 6, 24, 33

OUTCOMES = (
    Granted("SOFT-1"),
    Pairing(Kind.SOFT),
    Denied("Access refused.", Reason.WRONG_CODE),
    Challenge("A line.\nToken code: ", bytes(42)),
)


def attribute(kind: int, value: bytes) -> bytes:
    """Encode one attribute."""
    return bytes([kind, len(value) + 2]) + value


def hidden(password: bytes, secret: bytes = SECRET) -> bytes:
    """Hide a User-Password of at most 16 octets (RFC 2865, section 5.2)."""
    mask = hashlib.md5(secret + AUTHENTICATOR).digest()
    return bytes(a ^ b for a, b in zip(password.ljust(16, b"\0"), mask, strict=True))


def signed(
    body: bytes, code: int = 1, identifier: int = 7, *, secret: bytes = SECRET, authenticator: bytes = AUTHENTICATOR
) -> bytes:
    """Put a header and a right Message-Authenticator before any attributes."""
    head = struct.pack("!BBH", code, identifier, 38 + len(body)) + authenticator
    return head + b"\x50\x12" + hmac.digest(secret, head + b"\x50\x12" + bytes(16) + body, "md5") + body


_PERSON = attribute(USER_NAME, b"alice") + attribute(31, b"192.0.2.7") + attribute(32, b"login1")
BODIES = (
    b"",
    _PERSON,
    _PERSON + attribute(SERVICE_TYPE, b"\0\0\0\x11"),
    _PERSON + attribute(USER_PASSWORD, hidden(b"")),
    _PERSON + attribute(USER_PASSWORD, hidden(b"123456")),
    _PERSON + attribute(USER_PASSWORD, hidden(b"123456")) + attribute(STATE, bytes(range(42))),
    _PERSON + attribute(PROXY_STATE, b"one") + attribute(PROXY_STATE, b"two") + attribute(26, b"\0\0\0\x09\1\6abcd"),
)
DATAGRAMS = (*(signed(body) for body in BODIES), signed(b"", code=12), signed(_PERSON, secret=b"another"))
ATTRIBUTES = (
    *(attribute(kind, b"") for kind in (1, 2, 3, 6, 24, 26, 33, 79, 80)),
    attribute(80, bytes(16)),
    attribute(PROXY_STATE, b"p" * 253),
    attribute(STATE, b"s" * 253),
    attribute(USER_NAME, "\u202ealice\u0085".encode()),
    attribute(USER_PASSWORD, bytes(128)),
    attribute(3, bytes(17)),
    attribute(79, bytes(4)),
    b"\x1a\x00",
    b"\xf1\x01",
)


def check_datagram(octets: bytes) -> None:
    """Read octets that came from a client's address, one that must sign and one that is excused."""
    for client in (CLIENT, EXCUSED):
        _read(octets, client)


def check_attributes(octets: bytes) -> None:
    """Read any attributes that a client signed: its secret is in the wrong hands."""
    body = octets[: LARGEST_PACKET - 38]
    for code in (1, 12):
        _read(signed(body, code), CLIENT)


def _read(octets: bytes, client: Client) -> None:
    try:
        packet = read_packet(octets, client)
        ask = read_request(packet, client)
    except Dropped:
        return
    if isinstance(ask, StatusQuery):
        replies = [write_status_reply(packet)]
    else:
        _check_attempt(ask)
        replies = [write_refusal(packet), *(write_reply(packet, outcome) for outcome in OUTCOMES)]
    for reply in replies:
        assert reply[20:22] == b"\x50\x12"
        assert int.from_bytes(reply[2:4], "big") == len(reply)


def _check_attempt(attempt: Attempt) -> None:
    for text in (attempt.account, attempt.address, attempt.node, attempt.client):
        assert text.isprintable()
        text.encode("utf-8")
    if isinstance(attempt.request, OneShot | Answer):
        attempt.request.typed.encode("utf-8")


REQUEST = encode_request(7, AUTHENTICATOR, [(USER_NAME, b"alice"), (USER_PASSWORD, b"")], SECRET)
REPLIES = tuple(
    encode_answer(PeerAnswer(code, attributes), REQUEST, SECRET)
    for code, attributes in (
        (2, ()),
        (2, ((11, b"watchword:soft"),)),
        (3, ((18, b"Access refused."),)),
        (11, ((18, b"Token code: "), (24, bytes(42)), (76, bytes(4)))),
    )
)
_GENUINE = {reply: decode_reply(reply, REQUEST, SECRET) for reply in REPLIES}


def check_reply(octets: bytes) -> None:
    """Read what came back to a node: nothing but the very reply of the server counts, padding aside."""
    found = decode_reply(octets, REQUEST, SECRET)
    whole = octets[: int.from_bytes(octets[2:4], "big")]
    assert found == _GENUINE.get(whole)


@functools.cache
def _handles() -> tuple[Handles, Sealer]:
    key = new_key(KeyState.PRIMARY, 1)
    sealer = Sealer(_OneKey(key))
    return Handles(sealer, 600), sealer


class _OneKey:
    """A keyring that holds one key, and no others."""

    def __init__(self, key: Key) -> None:
        self.primary = key

    def derived(self, key_id: str, purpose: str) -> bytes:
        """Answer octets for any key: a handle that names another must fail as well."""
        return hashlib.sha256(f"{key_id}/{purpose}/{self.primary.key_id}".encode()).digest()


NOW = 1_800_000_000.0
HANDLES = (
    _handles()[0].make("alice", 3, NOW),
    _handles()[0].make("alice", 1, NOW - 599),
    _handles()[0].make("bob", 3, NOW),
    _handles()[0].make("alice", 3, NOW - 600),
    _handles()[1].seal(bytes(20), "tokens.sealed_secret/SOFT-1"),
    os.urandom(42),
)


def check_handle(octets: bytes) -> None:
    """Read a State: only one that was made for this account, lately, and not altered, leaves a try."""
    left = _handles()[0].tries_left("alice", octets, NOW)
    assert left == {HANDLES[0]: 3, HANDLES[1]: 1}.get(octets)
