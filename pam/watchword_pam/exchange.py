"""One RADIUS request and its verified reply."""

from __future__ import annotations

import _socket as socket  # the C half: the other half takes 4 ms to load
import os

from watchword_pam import radius_packet as radius
from watchword_pam.clock import boot_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchword_pam.settings import Server

AUTHORIZE_ONLY = (17).to_bytes(4, "big")  # a Service-Type of RFC 5176
SENDINGS = 3  # the same bytes again at one and two thirds of the timeout: the server knows a duplicate


class Silent(Exception):
    """A server gave no valid answer in time, or its machine said that it isn't there."""


class Person:
    """Who logs in, from where, on which node."""

    __slots__ = ("account", "address", "node")

    def __init__(self, account: str, address: str, node: str) -> None:
        self.account = account
        self.address = address
        self.node = node


class Reply:
    """A verified reply, decoded."""

    def __init__(self, code: int, attributes: dict[int, list[bytes]]) -> None:
        self.accepts = code == radius.ACCESS_ACCEPT
        self.challenges = code == radius.ACCESS_CHALLENGE
        self.state = attributes.get(radius.STATE, [])
        self.text = "\n".join(_readable(line) for line in attributes.get(radius.REPLY_MESSAGE, []))
        self.filter_ids = [_readable(value) for value in attributes.get(radius.FILTER_ID, [])]
        self.echo = attributes.get(radius.PROMPT, [])[:1] != [bytes(4)]  # 0 is No-Echo (RFC 2869 section 5.10)


def pairing_query(person: Person) -> list[tuple[int, bytes]]:
    """Ask which kind of token the account has."""
    return [*_about(person), (radius.SERVICE_TYPE, AUTHORIZE_ONLY)]


def begin(person: Person) -> list[tuple[int, bytes]]:
    """Begin a login: an empty password and no State."""
    return [*_about(person), (radius.USER_PASSWORD, b"")]


def answer(person: Person, typed: bytes, state: list[bytes]) -> list[tuple[int, bytes]]:
    """Answer a challenge; without a State this is the one shot that any RADIUS client sends."""
    return [*_about(person), (radius.USER_PASSWORD, typed), *((radius.STATE, value) for value in state)]


def exchange(server: Server, attributes: list[tuple[int, bytes]], until: float) -> Reply:
    """Send a request, and return the first valid reply. Whatever isn't one is passed over.

    `until` is in boot_seconds() and cuts the server's own timeout short. Raises Silent.
    """
    # A fresh Identifier and Request Authenticator: no reply to another request can pass for this one's.
    request = radius.encode_request(os.urandom(1)[0], os.urandom(16), attributes, server.secret)
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    start = boot_seconds()
    until = min(until, start + server.timeout_seconds)
    pauses = [start + (until - start) * part / SENDINGS for part in range(1, SENDINGS + 1)]
    peer = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        peer.connect((server.host, server.port))
        for pause in pauses:
            peer.send(request)
            reply = _valid_reply(peer, request, server.secret, pause)
            if reply is not None:
                return reply
    except OSError as error:  # no route, or ICMP said that nobody listens: there is nothing to wait for
        raise Silent from error
    finally:
        peer.close()
    raise Silent


def _about(person: Person) -> list[tuple[int, bytes]]:
    attributes = [
        (radius.USER_NAME, person.account.encode("utf-8")),
        (radius.NAS_IDENTIFIER, person.node.encode("utf-8")),
    ]
    if person.address:
        attributes.append((radius.CALLING_STATION_ID, person.address.encode("ascii")))
    return attributes


def _valid_reply(peer: socket.socket, request: bytes, secret: bytes, until: float) -> Reply | None:
    """Wait for a valid reply; None when the time is up."""
    while (left := until - boot_seconds()) > 0:
        peer.settimeout(left)
        try:
            data = peer.recv(radius.LARGEST_PACKET)
        except TimeoutError:
            return None
        decoded = radius.decode_reply(data, request, secret)
        if decoded is not None:
            return Reply(*decoded)
    return None


def _readable(value: bytes) -> str:
    """Return a text for a terminal: no control characters but the newline."""
    text = value.decode("utf-8", "replace")
    return "".join(c if c.isprintable() or c == "\n" else " " if c == "\t" else "" for c in text)
