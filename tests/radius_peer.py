"""A scripted RADIUS server on loopback: it says what a test wants, rightly signed or not, soon, late or never."""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from pyrad.packet import AuthPacket

SECRET = b"a secret of the tests"

ACCEPT, REJECT, CHALLENGE = 2, 3, 11
USER_NAME, USER_PASSWORD, SERVICE_TYPE, FILTER_ID, REPLY_MESSAGE, STATE, PROMPT = 1, 2, 6, 11, 18, 24, 76
MESSAGE_AUTHENTICATOR = 80


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    code: int
    attributes: dict[int, list[bytes]]
    order: tuple[int, ...]
    password: bytes | None
    raw: bytes = field(repr=False)
    signed: bool

    @property
    def account(self) -> str:
        return self.attributes[USER_NAME][0].decode()

    @property
    def kind(self) -> str:
        """Name the request in DESIGN.md's words."""
        if self.attributes.get(SERVICE_TYPE) == [b"\0\0\0\x11"]:
            return "pairing query"
        if STATE in self.attributes:
            return "answer"
        return "one shot" if self.password else "begin"


@dataclass(frozen=True)
class Answer:
    """What the peer says back, and how."""

    code: int
    attributes: tuple[tuple[int, bytes], ...] = ()
    delay_seconds: float = 0
    secret: bytes | None = None
    identifier_shift: int = 0
    signature: str = "first"  # or "last", "absent", "wrong", "short"
    response_authenticator: bool = True
    raw: bytes | None = None


SILENCE: tuple[Answer, ...] = ()


def accept(filter_id: str = "") -> Answer:
    return Answer(ACCEPT, ((FILTER_ID, filter_id.encode()),) if filter_id else ())


def reject(text: str = "") -> Answer:
    return Answer(REJECT, tuple((REPLY_MESSAGE, line.encode()) for line in text.splitlines()))


def challenge(text: str = "Token code: ", state: bytes = b"state", echo: int | None = None) -> Answer:
    attributes = [(REPLY_MESSAGE, line.encode()) for line in text.splitlines()]
    attributes.append((STATE, state))
    if echo is not None:
        attributes.append((PROMPT, struct.pack("!I", echo)))
    return Answer(CHALLENGE, tuple(attributes))


def unsigned(answer: Answer) -> Answer:
    """Leave the Message-Authenticator out, as servers did before Blast-RADIUS."""
    return replace(answer, signature="absent")


def forged(answer: Answer) -> Answer:
    """Sign with a secret that isn't the server's."""
    return replace(answer, secret=b"not the secret")


def late(answer: Answer, seconds: float) -> Answer:
    return replace(answer, delay_seconds=seconds)


Script = Callable[[Request], Answer | Iterable[Answer]]


class TokenServer:
    """A script that says what DESIGN.md has a server say: pairing query, begin, answer, one shot."""

    REFUSAL = "Access refused.\nTo see why, sign in at https://portal.example.org/mfa"

    def __init__(self, accounts: dict[str, tuple[str, str]]) -> None:
        self.accounts = accounts  # name -> (kind, code)

    def __call__(self, request: Request) -> Answer:
        kind, code = self.accounts.get(request.account, ("unpaired", ""))
        match request.kind:
            case "pairing query":
                return accept(f"watchword:{kind}")
            case "begin":
                return challenge("Token code: ", state=b"for " + request.account.encode())
        right = bool(code) and request.password == code.encode()
        if request.kind == "answer":
            right = right and request.attributes[STATE] == [b"for " + request.account.encode()]
        return accept() if right else reject(self.REFUSAL)


class RadiusPeer:
    """A server in a thread of the test. `requests` holds what came, resent packets included."""

    def __init__(self, script: Script, *, host: str = "127.0.0.1", secret: bytes = SECRET) -> None:
        self.script = script
        self.host = host
        self.secret = secret
        self.requests: list[Request] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with socket.socket(self._socket.family, socket.SOCK_DGRAM) as stop:
            stop.sendto(b"stop", (self.host, self.port))
        self._thread.join()
        self._socket.close()

    @property
    def kinds(self) -> list[str]:
        """Name each request, a resent one once."""
        once = {request.raw: request.kind for request in self.requests}
        return list(once.values())

    def table(self, timeout_seconds: float = 3) -> str:
        """Return the [[server]] of pam.toml for this peer."""
        return (
            f'[[server]]\nhost = "{self.host}"\nport = {self.port}\nsecret = "{self.secret.decode()}"\n'
            f"timeout_seconds = {timeout_seconds}\n"
        )

    def _serve(self) -> None:
        while (received := self._socket.recvfrom(4096))[0] != b"stop":
            data, sender = received
            request = _decoded(data, self.secret)
            self.requests.append(request)
            answers = self.script(request)
            for answer in [answers] if isinstance(answers, Answer) else answers:
                if answer.delay_seconds:
                    time.sleep(answer.delay_seconds)
                self._socket.sendto(encode_answer(answer, data, self.secret), sender)


def refusing_port() -> int:
    """Return a port of 127.0.0.1 at which nobody listens, so that the kernel answers with ICMP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as once:
        once.bind(("127.0.0.1", 0))
        return int(once.getsockname()[1])


def _decoded(data: bytes, secret: bytes) -> Request:
    packet = AuthPacket(packet=data, secret=secret)
    order = []
    rest = data[20:]
    while rest:
        order.append(rest[0])
        rest = rest[rest[1] :]
    attributes = {code: list(values) for code, values in packet.items()}
    password = _revealed(attributes[USER_PASSWORD][0], data[4:20], secret) if USER_PASSWORD in attributes else None
    signed = packet.message_authenticator is True and packet.verify_message_authenticator()
    return Request(packet.code, attributes, tuple(order), password, data, signed)


def _revealed(hidden: bytes, authenticator: bytes, secret: bytes) -> bytes:
    """Undo the hiding of User-Password (RFC 2865 section 5.2), without pyrad's loss of odd bytes."""
    assert len(hidden) in range(16, 129, 16)
    plain, last = b"", authenticator
    for start in range(0, len(hidden), 16):
        block = hidden[start : start + 16]
        plain += bytes(a ^ b for a, b in zip(block, hashlib.md5(secret + last).digest(), strict=True))
        last = block
    return plain.rstrip(b"\0")


def encode_answer(answer: Answer, request: bytes, secret: bytes) -> bytes:
    """Encode by hand: pyrad, which the client uses, must not be what proves the client."""
    if answer.raw is not None:
        return answer.raw
    secret = answer.secret or secret
    attributes = b"".join(struct.pack("!BB", code, len(value) + 2) + value for code, value in answer.attributes)
    blank = struct.pack("!BB16x", MESSAGE_AUTHENTICATOR, 18)
    attributes = {"first": blank + attributes, "last": attributes + blank, "wrong": blank + attributes}.get(
        answer.signature, attributes
    )
    identifier = (request[1] + answer.identifier_shift) % 256
    head = struct.pack("!BBH", answer.code, identifier, 20 + len(attributes))
    digest = hmac.new(secret, head + request[4:20] + attributes, "md5").digest()
    if answer.signature == "wrong":
        digest = os.urandom(16)
    attributes = attributes.replace(blank, blank[:2] + digest)
    authenticator = hashlib.md5(head + request[4:20] + attributes + secret).digest()
    return head + (authenticator if answer.response_authenticator else os.urandom(16)) + attributes
