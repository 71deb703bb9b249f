"""Logins of two exchanges, begun when their time has come, whether or not the ones before have been answered.

A generator that waits for answers asks less of a slow server, and measures less of its slowness (coordinated omission).
Here a login's time counts from the moment it was due, so that whatever makes it late, this generator too, counts.
"""

import gc
import random
import select
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.bench.requests import ACCEPT, CHALLENGE, LoadError, Target, state_of
from tests.harness.ports import LOOPBACK

SOCKETS = 8
LEAD_SECONDS = 0.1
IDENTIFIERS = 256
LONGEST_WAIT_SECONDS = 5.0


@dataclass(slots=True)
class Login:
    """One login, and when (seconds of perf_counter) it was due, challenged and accepted."""

    number: int
    code: str
    due: float
    challenged: float = 0.0
    accepted: float = 0.0


def run(target: Target, people: Iterable[tuple[int, str]], per_second: float) -> list[Login]:
    """Run logins that begin at random, so many a second on average; raises LoadError if one is not granted."""
    logins = _planned(people, per_second)
    generator = _Generator(target, logins)
    start = time.perf_counter() + LEAD_SECONDS
    for login in logins:
        login.due += start
    # The garbage of this process is not the server's slowness.
    gc.disable()
    try:
        generator.run()
    finally:
        gc.enable()
    if any(not login.accepted for login in logins):
        raise LoadError(f"{sum(not login.accepted for login in logins)} of {len(logins)} logins were not granted")
    return logins


def _planned(people: Iterable[tuple[int, str]], per_second: float) -> list[Login]:
    """Draw when each login is due, in seconds from the start."""
    chance = random.Random(per_second)
    due = 0.0
    logins = []
    for number, code in people:
        due += chance.expovariate(per_second)
        logins.append(Login(number, code, due))
    return logins


class _Generator:
    """Sends what is due, and answers challenges the moment they come."""

    def __init__(self, target: Target, logins: Sequence[Login]) -> None:
        self._target = target
        self._logins = logins
        self._requests = [target.request(login.number) for login in logins]  # made before anything is timed
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOCKETS)]
        self._by_descriptor = {one.fileno(): one for one in self._sockets}
        self._waiting: dict[tuple[int, int], Login] = {}
        self._turn = 0
        for one in self._sockets:
            one.connect((LOOPBACK, target.port))
            one.setblocking(False)

    def run(self) -> None:
        poller = select.epoll()
        for one in self._sockets:
            poller.register(one, select.EPOLLIN)
        begun = 0
        deadline = self._logins[-1].due + LONGEST_WAIT_SECONDS
        while (now := time.perf_counter()) < deadline and (begun < len(self._logins) or self._waiting):
            while begun < len(self._logins) and self._logins[begun].due <= now:
                self._send(self._logins[begun], self._requests[begun])
                begun += 1
            until = self._logins[begun].due if begun < len(self._logins) else deadline
            for descriptor, _ in poller.poll(max(0.0, until - time.perf_counter())):
                self._receive(self._by_descriptor[descriptor])
        poller.close()
        for one in self._sockets:
            one.close()

    def _send(self, login: Login, request: bytes) -> None:
        """Send a request from a socket and with an identifier that are free."""
        for _ in range(SOCKETS * IDENTIFIERS):
            self._turn += 1
            one, identifier = self._sockets[self._turn % SOCKETS], self._turn // SOCKETS % IDENTIFIERS
            if (one.fileno(), identifier) not in self._waiting:
                break
        else:
            raise LoadError(f"{SOCKETS * IDENTIFIERS} requests wait for an answer: the server does not keep up")
        self._waiting[one.fileno(), identifier] = login
        one.send(self._target.signed(identifier, request))

    def _receive(self, one: socket.socket) -> None:
        """Take every reply that lies in a socket."""
        while True:
            try:
                reply = one.recv(4096)
            except BlockingIOError:
                return
            login = self._waiting.pop((one.fileno(), reply[1]))
            now = time.perf_counter()
            if reply[0] == CHALLENGE and not login.challenged:
                login.challenged = now
                self._send(login, self._target.request(login.number, login.code.encode("ascii"), state_of(reply)))
            elif reply[0] == ACCEPT and login.challenged:
                login.accepted = now
