"""What the portal and the keeper say to each other, on a socket of this machine.

A connection carries one request and one reply. Each is four octets of length (big-endian), and so many of JSON:

    {"version": 1, "verb": "check", "arguments": {"account": "alice", "code": "…", "address": "…", "node": "portal"}}
    {"version": 1, "result": {"outcome": "granted", "serial": "SOFT-7F3A19C2"}}
    {"version": 1, "error": {"name": "Conflict", "message": "…", "hint": "…"}}

Rule 1. What does not parse, is too long, or is of another version, is a WireError: nothing is guessed.
Rule 2. An error of our own tree travels by its name. Any other says nothing of itself but that it happened.
"""

import base64
import binascii
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from watchword.domain import errors
from watchword.domain.errors import InvalidValue, KeeperUnavailable, WatchwordError
from watchword.domain.outcome import Challenge, Denied, Granted, Outcome, Pairing, Reason

VERSION = 1

MOST_REQUEST_OCTETS = 16 * 1024
MOST_REPLY_OCTETS = 64 * 1024

_LENGTH = struct.Struct(">I")
LENGTH_OCTETS = _LENGTH.size

Receive = Callable[[int], bytes]
"""Receives exactly so many octets; raises OSError if they do not come."""

YES, NO = "yes", "no"

VERBS: Mapping[str, tuple[str, ...]] = {
    "check": ("account", "code", "address", "node"),
    "begin": ("account", "address", "node"),
    "answer": ("account", "handle", "code", "address", "node"),
    "assign_proved": ("account", "serial", "code", "address", "as_first"),
    "assign": ("account", "serial", "actor", "why", "address"),
    "unassign": ("serial", "actor", "why", "address"),
    "resync": ("serial", "first", "second", "actor", "why", "address"),
    "masked_phones": ("account",),
}
"""Each verb's arguments, all of them text."""

_OURS = {
    name: error for name, error in vars(errors).items() if isinstance(error, type) and issubclass(error, WatchwordError)
}


class WireError(Exception):
    """What came is no message of this protocol."""


@dataclass(frozen=True, slots=True)
class Request:
    """A verb, and its arguments by name."""

    verb: str
    arguments: Mapping[str, str] = field(repr=False)


def write_request(request: Request) -> bytes:
    """Compose the octets of a request; raises InvalidValue for what is no text, or far too long."""
    body = {"version": VERSION, "verb": request.verb, "arguments": dict(request.arguments)}
    if not all(_is_text(value) for value in request.arguments.values()):
        raise InvalidValue("what was given is not text")
    try:
        return _frame(body, MOST_REQUEST_OCTETS)
    except WireError:
        raise InvalidValue("what was given is too long") from None


def read_request(receive: Receive) -> Request:
    """Read a request; raises WireError, OSError."""
    message = _read(receive, MOST_REQUEST_OCTETS)
    verb, arguments = message.get("verb"), message.get("arguments")
    if not isinstance(verb, str) or verb not in VERBS or not isinstance(arguments, dict):
        raise WireError("no such verb")
    if set(arguments) != set(VERBS[verb]) or not all(_is_text(value) for value in arguments.values()):
        raise WireError(f"{verb} has other arguments")
    return Request(verb, arguments)


def is_whole(octets: bytes | bytearray) -> bool:
    """Tell whether nothing more is to come of a request: it is all there, or can't be one."""
    if len(octets) < LENGTH_OCTETS:
        return False
    length: int = _LENGTH.unpack_from(octets)[0]
    return length > MOST_REQUEST_OCTETS or len(octets) >= LENGTH_OCTETS + length


def receive_from(octets: bytes) -> Receive:
    """Make what receives what came already; raises OSError where it ends."""
    rest = memoryview(octets)

    def receive(count: int) -> bytes:
        nonlocal rest
        if len(rest) < count:
            raise ConnectionResetError("the other side hung up")
        some, rest = bytes(rest[:count]), rest[count:]
        return some

    return receive


def write_result(result: object) -> bytes:
    """Compose the octets of what a verb answered: JSON, or an outcome."""
    plain = _plain_outcome(result) if isinstance(result, Granted | Denied | Challenge | Pairing) else result
    return _frame({"version": VERSION, "result": plain}, MOST_REPLY_OCTETS)


def write_error(error: WatchwordError) -> bytes:
    """Compose the octets of an error of ours."""
    body = {"name": type(error).__name__, "message": str(error), "hint": error.hint}
    return _frame({"version": VERSION, "error": body}, MOST_REPLY_OCTETS)


def read_reply(receive: Receive) -> Any:
    """Read a reply and answer its result; raises the error that it brings, WireError, OSError."""
    message = _read(receive, MOST_REPLY_OCTETS)
    if "error" in message:
        raise _error(message["error"])
    if "result" not in message:
        raise WireError("neither a result nor an error")
    return message["result"]


def read_outcome(plain: object) -> Outcome:
    """Make an outcome of what `write_result` made of it; raises WireError."""
    match plain:
        case {"outcome": "granted", "serial": str(serial)}:
            return Granted(serial)
        case {"outcome": "denied", "text": str(text), "reason": str(reason)} if reason in set(Reason):
            return Denied(text, Reason(reason))
        case {
            "outcome": "challenge",
            "text": str(text),
            "handle": str(handle),
            "echo": bool(echo),
            "message_waits": bool(message_waits),
        }:
            return Challenge(text, read_octets(handle), echo, message_waits)
    raise WireError("no outcome")


def write_octets(octets: bytes) -> str:
    """Write octets as text."""
    return base64.b64encode(octets).decode("ascii")


def read_octets(text: str) -> bytes:
    """Read what `write_octets` wrote; raises WireError."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise WireError("not base64") from None


def _plain_outcome(outcome: Outcome) -> dict[str, Any]:
    match outcome:
        case Granted(serial):
            return {"outcome": "granted", "serial": serial}
        case Denied(text, reason):
            return {"outcome": "denied", "text": text, "reason": reason.value}
        case Challenge(text, handle, echo, message_waits):
            return {
                "outcome": "challenge",
                "text": text,
                "handle": write_octets(handle),
                "echo": echo,
                "message_waits": message_waits,
            }
        case Pairing():
            raise WireError("nobody asks the keeper how an account is paired")


def _error(plain: object) -> WatchwordError:
    match plain:
        case {"name": str(name), "message": str(message), "hint": str(hint)}:
            return _OURS.get(name, KeeperUnavailable)(message, hint=hint)
    raise WireError("no error either")


def _frame(body: Mapping[str, object], most_octets: int) -> bytes:
    octets = json.dumps(body, ensure_ascii=True).encode("ascii")
    if len(octets) > most_octets:
        raise WireError(f"a message of more than {most_octets} octets")
    return _LENGTH.pack(len(octets)) + octets


def _read(receive: Receive, most_octets: int) -> dict[str, Any]:
    (length,) = _LENGTH.unpack(receive(LENGTH_OCTETS))
    if length > most_octets:
        raise WireError(f"a message of more than {most_octets} octets")
    try:
        message = json.loads(receive(length).decode("ascii"))
    except (ValueError, RecursionError):
        raise WireError("not JSON") from None
    if not isinstance(message, dict) or message.get("version") != VERSION:
        raise WireError(f"not version {VERSION} of this protocol")
    return message


def _is_text(value: object) -> bool:
    """Tell whether this is text that a database can take: JSON can bring half a character."""
    if not isinstance(value, str):
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
