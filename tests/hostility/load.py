"""A real load: people who log in through the very code that runs on a node, and what they met."""

import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.harness.radius_server import RadiusServer
from watchword.wiring import Services
from watchword_pam.clock import boot_seconds
from watchword_pam.exchange import Person, Silent, answer, begin, exchange
from watchword_pam.settings import Server

PEOPLE = 40
AT_ONCE = 8
"""Nodes that each let one person after the other log in."""

EVERY_WRONG_ONE = 5
"""One login in so many is with a wrong code."""

NO_CODE = "not a code"

TIMEOUT_SECONDS = 3.0
BUDGET_SECONDS = 90.0


@dataclass(frozen=True)
class Login:
    """One login as a person met it."""

    right: bool
    outcome: str
    """`granted`, `refused` or `unanswered`."""
    seconds: float


@dataclass
class Load:
    """Everything that people met."""

    logins: list[Login] = field(default_factory=list)

    def count(self, outcome: str, *, right: bool) -> int:
        """Count the logins that ended so."""
        return sum(login.outcome == outcome and login.right is right for login in self.logins)

    def __str__(self) -> str:
        granted = sorted(login.seconds * 1000 for login in self.logins if login.outcome == "granted")
        quantiles = statistics.quantiles(granted, n=100) if len(granted) > 1 else [0.0] * 99
        return (
            f"{len(self.logins)} logins; right codes: {self.count('granted', right=True)} granted, "
            f"{self.count('refused', right=True)} refused, {self.count('unanswered', right=True)} unanswered; "
            f"wrong codes: {self.count('granted', right=False)} granted, {self.count('refused', right=False)} refused, "
            f"{self.count('unanswered', right=False)} unanswered; a granted one took {quantiles[49]:.0f} ms in the "
            f"median, {quantiles[98]:.0f} ms at the 99th percentile"
        )


def pair_people(services: Services) -> dict[str, str]:
    """Give people codes that do not change, so that they can log in without end; return code by name."""
    names = [f"load{number:03}" for number in range(PEOPLE)]
    return {name: services.pairer.add_static(name).code for name in names}


@contextmanager
def real_load(server: RadiusServer, codes: dict[str, str], at_once: int = AT_ONCE) -> Iterator[Load]:
    """Have people log in, as fast as each gets an answer, as long as the block."""
    load, stop = Load(), threading.Event()
    at = Server(host="127.0.0.1", port=server.port, secret=server.secret.encode(), timeout_seconds=TIMEOUT_SECONDS)
    turns = itertools.cycle(range(PEOPLE * EVERY_WRONG_ONE))
    names = list(codes)

    def go_on() -> None:
        while not stop.is_set():
            turn = next(turns)
            name = names[turn % PEOPLE]
            right = (turn // PEOPLE + turn) % EVERY_WRONG_ONE != 0  # each person's turn to be wrong, not always one's
            load.logins.append(log_in(at, name, codes[name] if right else NO_CODE, right=right))

    threads = [threading.Thread(target=go_on) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def log_in(at: Server, name: str, code: str, *, right: bool) -> Login:
    """Begin, and answer once."""
    person = Person(name, "192.0.2.7", "login1")
    start = time.monotonic()
    try:
        challenge = exchange(at, begin(person), boot_seconds() + BUDGET_SECONDS)
        reply = exchange(at, answer(person, code.encode(), challenge.state), boot_seconds() + BUDGET_SECONDS)
    except Silent:
        outcome = "unanswered"
    else:
        outcome = "granted" if reply.accepts else "refused"
    return Login(right, outcome, time.monotonic() - start)


def await_logins(load: Load, count: int, patience: Callable[[], bool]) -> None:
    """Wait until so many more logins have ended, while `patience` lasts."""
    wanted = len(load.logins) + count
    while len(load.logins) < wanted and patience():
        time.sleep(0.01)
