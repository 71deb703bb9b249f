"""From a datagram to an attempt, and from an outcome to a reply. No sockets, no store.

Rule 1. A packet that does not prove that it comes from the client is dropped without a word, and before it is read: a
        flood of them must not take from the logins more than it has to.
Rule 2. Text from the network is decoded strictly: octets that are not UTF-8 make a wrong code, never another code.
Rule 3. Every reply carries a Message-Authenticator, and carries it first (CVE-2024-3596).
"""

import functools
import hashlib
import hmac
import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

from pyrad.packet import (
    AccessAccept,
    AccessChallenge,
    AccessReject,
    AccessRequest,
    Packet,
    PacketError,
    StatusServer,
)

from watchword.domain.accounts import is_account_name
from watchword.domain.outcome import Challenge, Denied, Granted, Outcome, Pairing
from watchword.services.attempts import Answer, Attempt, Begin, OneShot, PairingQuery
from watchword_radius.clients import Client

# RFC 2865, section 5; RFC 2869, sections 5.10 and 5.14
USER_NAME, USER_PASSWORD, SERVICE_TYPE, FILTER_ID, REPLY_MESSAGE, STATE = 1, 2, 6, 11, 18, 24
CHAP_PASSWORD, CALLING_STATION_ID, NAS_IDENTIFIER = 3, 31, 32
PROMPT, EAP_MESSAGE, MESSAGE_AUTHENTICATOR = 76, 79, 80

AUTHORIZE_ONLY = (17).to_bytes(4, "big")
"""Service-Type, RFC 5176, section 3.6."""

LONGEST_PASSWORD = 128
LONGEST_TEXT = 253
HEADER_OCTETS = 20

PROOF_OCTETS = 16
PROOF_HEADER = bytes([MESSAGE_AUTHENTICATOR, 2 + PROOF_OCTETS])
PROOF_BEGINS = HEADER_OCTETS + len(PROOF_HEADER)
PROOF_ENDS = PROOF_BEGINS + PROOF_OCTETS
WRONG_PROOF = "a wrong Message-Authenticator: is the secret the same on both sides?"

ADDRESSES_REMEMBERED = 10_000


class Dropped(Exception):
    """The datagram gets no answer; says why, for the log, quoting nothing of it."""


@dataclass(frozen=True, slots=True)
class StatusQuery:
    """Asks whether we are alive (RFC 5997)."""


@dataclass(frozen=True, slots=True)
class Request:
    """A datagram that a client is known to have sent, and what it asks."""

    packet: Packet
    ask: Attempt | StatusQuery


def read_request(datagram: bytes, client: Client) -> Request:
    """Decode a datagram and check that the client sent it; raises Dropped."""
    if client.require_message_authenticator:
        _check_first_attribute(datagram, client.secret)
    try:
        packet = Packet(packet=datagram, secret=client.secret)
    except PacketError:
        raise Dropped("not a RADIUS packet") from None
    if packet.code not in (AccessRequest, StatusServer):
        raise Dropped(f"code {packet.code} is not ours")
    _check_proofs(packet, client)
    if packet.code == StatusServer:
        return Request(packet, StatusQuery())
    return Request(packet, _read_attempt(packet, client))


def _check_first_attribute(datagram: bytes, secret: bytes) -> None:
    """Check that a datagram begins with a right Message-Authenticator (RFC 3579, section 3.2); raises Dropped."""
    length = int.from_bytes(datagram[2:4], "big")
    if not HEADER_OCTETS <= length <= len(datagram):
        raise Dropped("not a RADIUS packet")
    signed = datagram[:length]  # what follows is padding (RFC 2865, section 3)
    if signed[HEADER_OCTETS:PROOF_BEGINS] != PROOF_HEADER or length < PROOF_ENDS:
        raise Dropped("the Message-Authenticator is not the first attribute, or there is none")
    blank = signed[:PROOF_BEGINS] + bytes(PROOF_OCTETS) + signed[PROOF_ENDS:]
    if not hmac.compare_digest(hmac.digest(secret, blank, "md5"), signed[PROOF_BEGINS:PROOF_ENDS]):
        raise Dropped(WRONG_PROOF)


def _check_proofs(packet: Packet, client: Client) -> None:
    """Check that there is one proof and, where it need not come first, that it is right; raises Dropped."""
    proofs = _values(packet, MESSAGE_AUTHENTICATOR)
    if not proofs:
        # RFC 5997, section 3: a Status-Server always has one.
        if packet.code == StatusServer:
            raise Dropped("no Message-Authenticator")
        return
    if len(proofs) != 1 or len(proofs[0]) != PROOF_OCTETS:
        raise Dropped("a malformed Message-Authenticator")
    if not client.require_message_authenticator and not packet.verify_message_authenticator():
        raise Dropped(WRONG_PROOF)


def _read_attempt(packet: Packet, client: Client) -> Attempt:
    account = _text(packet, USER_NAME)
    return Attempt(
        # What cannot be an account's name is nobody's; it must not reach a log or a column in its own words.
        account=account if is_account_name(account) else "",
        request=_read_ask(packet),
        address=_numeric_address(_text(packet, CALLING_STATION_ID)),
        node=_node(_text(packet, NAS_IDENTIFIER)) or client.name,
        client=client.name,
    )


def _read_ask(packet: Packet) -> PairingQuery | Begin | Answer | OneShot:
    passwords, states = _values(packet, USER_PASSWORD), _values(packet, STATE)
    if len(passwords) > 1 or len(states) > 1:
        raise Dropped("more than one User-Password or State")
    if _values(packet, CHAP_PASSWORD) or _values(packet, EAP_MESSAGE):
        raise Dropped("CHAP and EAP carry no token code: let the client use PAP")
    if not passwords and _values(packet, SERVICE_TYPE) == [AUTHORIZE_ONLY]:
        # Whoever could take the password out of a client's request would turn it into a question that is accepted.
        if not _values(packet, MESSAGE_AUTHENTICATOR):
            raise Dropped("a pairing query without a Message-Authenticator, which no client is excused from")
        return PairingQuery()
    # FreeRADIUS leaves an empty attribute out, so no password is an empty one.
    hidden = passwords[0] if passwords else b""
    typed = _decode_strictly(reveal_password(hidden, packet.secret, packet.authenticator))
    if states:
        return Answer(typed, states[0])
    return OneShot(typed) if typed else Begin()


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
        mask = hashlib.md5(secret + previous, usedforsecurity=False).digest()
        revealed += (int.from_bytes(block, "big") ^ int.from_bytes(mask, "big")).to_bytes(16, "big")
        previous = block
    return revealed.rstrip(b"\0")


def _decode_strictly(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return "\ufffd"  # no code is this


def _values(packet: Packet, attribute: int) -> list[bytes]:
    """List an attribute's values. By its number: pyrad's own way would look for a name first."""
    values: list[bytes] = OrderedDict.get(packet, attribute, [])
    return values


def _text(packet: Packet, attribute: int) -> str:
    values = _values(packet, attribute)
    if len(values) != 1:
        return ""
    try:
        text = str(values[0].decode("utf-8"))
    except UnicodeDecodeError:
        return ""
    return text


def _node(text: str) -> str:
    return text if text.isprintable() and len(text) <= 128 else ""


@functools.lru_cache(ADDRESSES_REMEMBERED)
def _numeric_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))  # a scope says nothing to anybody else
    except ValueError:
        return ""


def write_reply(request: Request, outcome: Outcome) -> bytes:
    """Compose the reply to a request."""
    match outcome:
        case Granted():
            return _encode(request, AccessAccept)
        case Pairing(kind):
            name = kind.value if kind is not None else "unpaired"
            return _encode(request, AccessAccept, (FILTER_ID, [f"watchword:{name}".encode("ascii")]))
        case Denied(text):
            return _encode(request, AccessReject, (REPLY_MESSAGE, _lines(text)))
        case Challenge(text, handle, echo):
            prompt = (1 if echo else 0).to_bytes(4, "big")
            return _encode(
                request, AccessChallenge, (REPLY_MESSAGE, _lines(text)), (STATE, [handle]), (PROMPT, [prompt])
            )


def write_status_reply(request: Request) -> bytes:
    """Compose the reply to a Status-Server: we are alive, and so is the store."""
    return _encode(request, AccessAccept)


def _lines(text: str) -> list[bytes]:
    """Cut a text into Reply-Message attributes, one a line, each short enough for an attribute."""
    return [line.encode("utf-8")[:LONGEST_TEXT].decode("utf-8", "ignore").encode("utf-8") for line in text.split("\n")]


def _encode(request: Request, code: int, *attributes: tuple[int, list[bytes]]) -> bytes:
    reply = request.packet.CreateReply(code=code)  # with the Proxy-State of the request
    for attribute, values in attributes:
        reply[attribute] = values
    reply.add_message_authenticator()
    return bytes(reply.ReplyPacket())
