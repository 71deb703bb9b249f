"""From a datagram to an attempt, and from an outcome to a reply. No sockets, no store.

Rule 1. A packet that does not prove that it comes from the client is dropped without a word, and before it is read: a
        flood of them must not take from the logins more than it has to.
Rule 2. Text from the network is decoded strictly: octets that are not UTF-8 make a wrong code, never another code.
Rule 3. Every reply carries a Message-Authenticator, and carries it first (CVE-2024-3596).
"""

import functools
import ipaddress
from dataclasses import dataclass

from watchword.domain.accounts import is_account_name
from watchword.domain.outcome import Challenge, Denied, Granted, Outcome, Pairing
from watchword.services.attempts import Answer, Attempt, Begin, OneShot, PairingQuery
from watchword_radius.clients import Client
from watchword_radius.packets import (
    ACCESS_ACCEPT,
    ACCESS_CHALLENGE,
    ACCESS_REJECT,
    ACCESS_REQUEST,
    CALLING_STATION_ID,
    CHAP_PASSWORD,
    EAP_MESSAGE,
    FILTER_ID,
    LONGEST_VALUE,
    NAS_IDENTIFIER,
    PROMPT,
    REPLY_MESSAGE,
    SERVICE_TYPE,
    STATE,
    STATUS_SERVER,
    USER_NAME,
    USER_PASSWORD,
    Dropped,
    Packet,
    read_excused,
    read_proven,
    reveal_password,
    write_packet,
)

AUTHORIZE_ONLY = (17).to_bytes(4, "big")
"""Service-Type, RFC 5176, section 3.6."""

ADDRESSES_REMEMBERED = 10_000
NODES_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class StatusQuery:
    """Asks whether we are alive (RFC 5997)."""


def read_packet(datagram: bytes, client: Client) -> Packet:
    """Read a datagram as far as to know that the client sent it; raises Dropped."""
    read = read_proven if client.require_message_authenticator else read_excused
    packet = read(datagram, client.secret)
    if packet.code not in (ACCESS_REQUEST, STATUS_SERVER):
        raise Dropped(f"code {packet.code} is not ours")
    # RFC 5997, section 3: a Status-Server always has one.
    if packet.code == STATUS_SERVER and not packet.is_proven:
        raise Dropped("no Message-Authenticator")
    return packet


def read_request(packet: Packet, client: Client) -> Attempt | StatusQuery:
    """Read what a packet asks; raises Dropped."""
    if packet.code == STATUS_SERVER:
        return StatusQuery()
    attributes = packet.attributes
    account = _text(_single(attributes.get(USER_NAME)))
    return Attempt(
        # What cannot be an account's name is nobody's; it must not reach a log or a column in its own words.
        account if is_account_name(account) else "",
        _read_ask(packet),
        address=_numeric_address(_single(attributes.get(CALLING_STATION_ID))),
        node=_node(_single(attributes.get(NAS_IDENTIFIER))) or client.name,
        client=client.name,
    )


def _read_ask(packet: Packet) -> PairingQuery | Begin | Answer | OneShot:
    attributes = packet.attributes
    passwords, states = attributes.get(USER_PASSWORD, ()), attributes.get(STATE, ())
    if len(passwords) > 1 or len(states) > 1:
        raise Dropped("more than one User-Password or State")
    if CHAP_PASSWORD in attributes or EAP_MESSAGE in attributes:
        raise Dropped("CHAP and EAP carry no token code: let the client use PAP")
    if not passwords and attributes.get(SERVICE_TYPE) == [AUTHORIZE_ONLY]:
        # Whoever could take the password out of a client's request would turn it into a question that is accepted.
        if not packet.is_proven:
            raise Dropped("a pairing query without a Message-Authenticator, which no client is excused from")
        return PairingQuery()
    # FreeRADIUS leaves an empty attribute out, so no password is an empty one.
    hidden = passwords[0] if passwords else b""
    typed = _decode_strictly(reveal_password(hidden, packet.secret, packet.authenticator))
    if states:
        return Answer(typed, states[0])
    return OneShot(typed) if typed else Begin()


def _decode_strictly(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return "\ufffd"  # no code is this


def _single(values: list[bytes] | None) -> bytes:
    return values[0] if values is not None and len(values) == 1 else b""


def _text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return ""


@functools.lru_cache(NODES_REMEMBERED)
def _node(octets: bytes) -> str:
    text = _text(octets)
    return text if text.isprintable() and len(text) <= 128 else ""


@functools.lru_cache(ADDRESSES_REMEMBERED)
def _numeric_address(octets: bytes) -> str:
    try:
        return str(ipaddress.ip_address(_text(octets).partition("%")[0]))  # a scope says nothing to anybody else
    except ValueError:
        return ""


def write_reply(request: Packet, outcome: Outcome) -> bytes:
    """Compose the reply to a request; raises ValueError if its Proxy-State leaves no room for it."""
    match outcome:
        case Granted():
            return write_packet(request, ACCESS_ACCEPT, ())
        case Pairing(kind):
            name = kind.value if kind is not None else "unpaired"
            return write_packet(request, ACCESS_ACCEPT, [(FILTER_ID, f"watchword:{name}".encode("ascii"))])
        case Denied(text):
            return write_packet(request, ACCESS_REJECT, _lines(text))
        case Challenge(text, handle, echo):
            prompt = (1 if echo else 0).to_bytes(4, "big")
            return write_packet(request, ACCESS_CHALLENGE, [*_lines(text), (STATE, handle), (PROMPT, prompt)])


def write_status_reply(request: Packet) -> bytes:
    """Compose the reply to a Status-Server: we are alive, and so is the store."""
    return write_packet(request, ACCESS_ACCEPT, ())


def write_refusal(request: Packet) -> bytes:
    """Compose a refusal without a word: it fits beside any Proxy-State that came with a Message-Authenticator."""
    return write_packet(request, ACCESS_REJECT, ())


def _lines(text: str) -> list[tuple[int, bytes]]:
    """Cut a text into Reply-Message attributes, one a line, each short enough for an attribute."""
    lines = (line.encode("utf-8")[:LONGEST_VALUE].decode("utf-8", "ignore") for line in text.split("\n"))
    return [(REPLY_MESSAGE, line.encode("utf-8")) for line in lines]
