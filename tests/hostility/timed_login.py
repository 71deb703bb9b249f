"""One login over ssh, with a stopwatch: how long until a prompt shows, how long until an answer is refused."""

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import paramiko

from tests.harness.ports import LOOPBACK

PATIENCE_SECONDS = 90


@dataclass(frozen=True)
class Stranger:
    """Somebody who tries: under which name, with which key, and what they type at every prompt."""

    kind: str
    name: str
    key: Path | None
    typed: str = field(repr=False)


@dataclass(frozen=True)
class Timings:
    """What an outsider sees; times in seconds from what was sent to what came back."""

    kind: str
    prompt: float
    """From asking for keyboard-interactive to its first prompt."""
    refusals: tuple[float, ...]
    """From each answer to the next prompt, or to the end."""
    words: tuple[str, ...]
    """Everything that was shown."""


class _Watch:
    """Answers prompts, and notes when they came."""

    def __init__(self, typed: str) -> None:
        self._typed = typed
        self._sent_at: list[float] = []
        self._heard_at: list[float] = []
        self.words: list[str] = []

    def begin(self) -> None:
        self._sent_at.append(time.perf_counter())

    def answer(self, title: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
        now = time.perf_counter()
        self.words += [text for text in (title, instructions, *(prompt for prompt, _ in prompts)) if text]
        # What sshd shows as it refuses comes as a request without a question: the refusal was heard with it.
        self._hear(now)
        if prompts:
            self._sent_at.append(time.perf_counter())
        return [self._typed] * len(prompts)

    def end(self) -> None:
        self._hear(time.perf_counter())

    def _hear(self, now: float) -> None:
        if len(self._heard_at) < len(self._sent_at):
            self._heard_at.append(now)

    def timings(self, kind: str) -> Timings:
        spans = [heard - sent for sent, heard in zip(self._sent_at, self._heard_at, strict=True)]
        return Timings(kind, spans[0], tuple(spans[1:]), tuple(self.words))


def time_refusal(port: int, stranger: Stranger) -> Timings:
    """Log in as somebody who is to be refused; raises AssertionError if they are let in."""
    with socket.create_connection((LOOPBACK, port)) as connection:
        transport = paramiko.Transport(connection)
        transport.banner_timeout = transport.auth_timeout = PATIENCE_SECONDS
        try:
            transport.start_client(timeout=PATIENCE_SECONDS)
            if stranger.key is not None:
                transport.auth_publickey(stranger.name, paramiko.Ed25519Key.from_private_key_file(str(stranger.key)))
            return _refused(transport, stranger)
        finally:
            transport.close()


def _refused(transport: paramiko.Transport, stranger: Stranger) -> Timings:
    watch = _Watch(stranger.typed)
    watch.begin()
    try:
        transport.auth_interactive(stranger.name, watch.answer)
    except paramiko.AuthenticationException:
        watch.end()
        return watch.timings(stranger.kind)
    raise AssertionError(f"{stranger.kind} was let in")
