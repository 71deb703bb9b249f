"""The same question as over ssh, asked of the RADIUS server itself: there, no sshd blurs the time."""

import random
import secrets
import time
from collections import defaultdict

from tests.harness.radius_server import RadiusServer
from tests.hostility.strangers import PAST_THE_KEY, WRONG_CODE, make_history
from watchword.wiring import Services
from watchword_pam.clock import boot_seconds
from watchword_pam.exchange import Person, Reply, answer, begin, exchange, pairing_query
from watchword_pam.settings import Server

ROUNDS_WITH_ONE_NAME = 10
PATIENCE_SECONDS = 30

Measured = dict[str, dict[str, list[float]]]
"""Times by what was waited for, then by kind of stranger."""


def measure_at_the_server(server: RadiusServer, services: Services, rounds: int) -> Measured:
    """Ask about each kind of account in turn, one request after the other: pairing, begin, answer."""
    measured: Measured = defaultdict(lambda: defaultdict(list))
    at = Server(host="127.0.0.1", port=server.port, secret=server.secret.encode(), timeout_seconds=PATIENCE_SECONDS)
    for begun in range(-ROUNDS_WITH_ONE_NAME, rounds, ROUNDS_WITH_ONE_NAME):
        names = {kind: f"wire-{secrets.token_hex(4)}" for kind in PAST_THE_KEY}
        make_history(services, names)
        turns = list(PAST_THE_KEY) * ROUNDS_WITH_ONE_NAME
        random.shuffle(turns)
        for kind in turns:
            spans = _three_questions(at, names[kind])
            for what, seconds in spans.items() if begun >= 0 else ():
                measured[what][kind].append(seconds)
    return measured


def _three_questions(at: Server, name: str) -> dict[str, float]:
    person = Person(name, "192.0.2.7", "login1")
    spans: dict[str, float] = {}
    _timed(spans, "pairing query, at the server", at, pairing_query(person))
    challenge = _timed(spans, "begin, at the server", at, begin(person))
    _timed(spans, "answer, at the server", at, answer(person, WRONG_CODE.encode(), challenge.state))
    return spans


def _timed(spans: dict[str, float], what: str, at: Server, request: list[tuple[int, bytes]]) -> Reply:
    start = time.perf_counter()
    reply = exchange(at, request, boot_seconds() + PATIENCE_SECONDS)
    spans[what] = time.perf_counter() - start
    return reply
