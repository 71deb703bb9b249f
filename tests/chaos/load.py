"""A steady load of real logins, from many nodes."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.chaos.login import Attempt, Outcome, log_in
from tests.chaos.people import Crowd, Try
from tests.harness.ports import LOOPBACK
from watchword_pam import system_log
from watchword_pam.settings import Settings, settings_from

PAUSE_SECONDS = 0.05


class Nodes:
    """The login nodes: each has a pam.toml, and remembers by itself which servers were silent."""

    def __init__(self, directory: Path, secret: str, timeout_seconds: float, dead_seconds: float) -> None:
        self._directory = directory
        self._secret = secret
        self._timeout_seconds = timeout_seconds
        self._dead_seconds = dead_seconds

    def settings(
        self, number: int, ports: Sequence[int], *, timeout_seconds: float | None = None, **more: Any
    ) -> Settings:
        """Return what the pam.toml of a node says, `more` being further keys; raises ValueError if it were wrong."""
        timeout = timeout_seconds or self._timeout_seconds
        servers = [
            {"host": LOOPBACK, "port": port, "secret": self._secret, "timeout_seconds": timeout} for port in ports
        ]
        document = {
            "mode": "full",
            "info_url": "https://mfa.example.org",
            "dead_seconds": self._dead_seconds,
            "state_dir": str(self._directory / f"node{number}"),
            "server": servers,
            **more,
        }
        settings = settings_from(document, f"node{number}")
        if settings.mistakes:
            raise ValueError(f"pam.toml is wrong: {settings.mistakes}")
        return settings


class Load:
    """Logs people in, so many a second, until told to stop."""

    def __init__(self, crowd: Crowd, *, rate: float, reach_steps: int, bad_share: float, one_shot_share: float) -> None:
        self.attempts: list[Attempt] = []
        self._crowd = crowd
        self._pause = 1 / rate
        self._reach_steps = reach_steps
        self._bad_share = bad_share
        self._one_shot_share = one_shot_share
        self._turn = threading.Lock()
        self._next_at = time.monotonic()
        self._stopping = threading.Event()

    @contextmanager
    def running(self, nodes: Sequence[Settings]) -> Iterator["Load"]:
        """Let each of these nodes log people in, one after the other, as long as the block; then wait for the last."""
        threads = [threading.Thread(target=self._work, args=(node,), name=node.node) for node in nodes]
        with quiet_nodes():
            for thread in threads:
                thread.start()
            try:
                yield self
            finally:
                self._stopping.set()
                for thread in threads:
                    thread.join()

    def wait_for_grants(self, count: int, seconds: float = 30) -> None:
        """Wait until so many more logins were granted; raises AssertionError if they are not."""
        wanted = self.granted + count
        wait_until(lambda: self.granted >= wanted, seconds, f"{count} more logins to be granted")

    def expect_nobody(self, seconds: float, under_way: int) -> None:
        """Wait for a while; raises AssertionError if more are let in than were under way already."""
        before = self.granted
        time.sleep(seconds)
        granted = self.granted - before
        assert granted <= under_way, f"{granted} were let in while nobody could be"

    @property
    def granted(self) -> int:
        """How many logins were granted so far."""
        return sum(attempt.outcome is Outcome.GRANTED for attempt in list(self.attempts))

    def _work(self, node: Settings) -> None:
        chance = random.Random(node.node)
        while not self._stopping.wait(self._wait_seconds()):
            tried = self._crowd.next_try(self._reach_steps, self._bad_share)
            if tried is not None:
                self._try(tried, node, one_shot=chance.random() < self._one_shot_share)

    def _try(self, tried: Try, node: Settings, *, one_shot: bool) -> None:
        try:
            attempt = log_in(tried, node, one_shot=one_shot)
            match attempt.outcome:
                case Outcome.GRANTED:
                    tried.person.was_granted(tried)
                case Outcome.UNANSWERED:
                    tried.person.was_unanswered(tried)
            self.attempts.append(attempt)
        finally:
            self._crowd.done(tried.person)

    def _wait_seconds(self) -> float:
        """Take the next moment at which somebody logs in; moments that all nodes missed are gone."""
        with self._turn:
            now = time.monotonic()
            self._next_at = max(self._next_at + self._pause, now)
            return self._next_at - now


@contextmanager
def quiet_nodes() -> Iterator[None]:
    """Keep what the nodes would log, thousands of silences, out of this machine's syslog."""
    with patch.object(system_log, "write"):
        yield


def wait_until(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for something; raises AssertionError that names it."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(PAUSE_SECONDS)
