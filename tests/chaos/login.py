"""One login, taken through the very code that runs inside sshd."""

import ipaddress
import itertools
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.chaos.people import Try
from watchword_pam.clock import boot_seconds
from watchword_pam.conversation import ConversationAborted
from watchword_pam.exchange import Person, answer
from watchword_pam.servers import NobodyAnswers, Servers
from watchword_pam.settings import Settings
from watchword_pam.token_login import TokenLogin
from watchword_pam.verdict import Granted, Refused, Verdict

# Each login comes from an address of its own (RFC 3849): so each row of the audit log tells its login.
_ADDRESSES = ipaddress.IPv6Network("2001:db8::/32")
_numbers = itertools.count(1)
_numbering = threading.Lock()


class Outcome(StrEnum):
    """What the node made of it."""

    GRANTED = "granted"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


@dataclass(frozen=True)
class Attempt:
    """A login that has ended. Times are monotonic."""

    tried: Try
    address: str
    outcome: Outcome
    server: str
    began: float
    ended: float


class Typist:
    """Stands in for the conversation with a person: types one code, if there is one, and then hangs up."""

    def __init__(self, account: str, address: str, code: str) -> None:
        self.account = account
        self.origin = address
        self.prompts: list[str] = []
        self._code = code

    def ask(self, prompt: str, *, echo: bool) -> str:
        """Type the code."""
        self.prompts.append(prompt)
        code, self._code = self._code, ""
        if not code:
            raise ConversationAborted
        return code


def log_in(tried: Try, settings: Settings, *, one_shot: bool = False) -> Attempt:
    """Take a login to its end: as our PAM module does, or in one shot as other RADIUS clients do."""
    address = next_address()
    began = time.monotonic()
    if one_shot:
        outcome, server = _one_shot(tried, address, settings)
    else:
        typist: Any = Typist(tried.person.account, address, tried.code)
        outcome, server = _read(TokenLogin(typist, settings).verdict())
    return Attempt(tried, address, outcome, server, began, time.monotonic())


def next_address() -> str:
    """Return an address that no login had before."""
    with _numbering:
        return str(_ADDRESSES[next(_numbers)])


def _one_shot(tried: Try, address: str, settings: Settings) -> tuple[Outcome, str]:
    servers = Servers(settings, boot_seconds() + settings.budget_seconds)
    person = Person(tried.person.account, address, settings.node)
    try:
        reply = servers.ask(answer(person, tried.code.encode(), []))
    except NobodyAnswers:
        return Outcome.UNANSWERED, "-"
    return Outcome.GRANTED if reply.accepts else Outcome.REFUSED, servers.last


def _read(verdict: Verdict) -> tuple[Outcome, str]:
    match verdict:
        case Granted():
            return Outcome.GRANTED, str(verdict.fields.get("server", "-"))
        case Refused(reason="no-server" | "too-slow"):
            return Outcome.UNANSWERED, "-"
        case Refused():
            return Outcome.REFUSED, str(verdict.fields.get("server", "-"))
