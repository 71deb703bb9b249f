"""What Watchword asks of others: a carrier of text messages, a directory."""

import itertools
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.chaos.centre import Centre, Story, pair, services_of
from tests.chaos.load import quiet_nodes, wait_until
from tests.chaos.login import Attempt, Outcome, Typist, log_in
from tests.chaos.people import Crowd, Intent, Person, Try
from tests.harness.ports import LOOPBACK
from tests.twilio_server import ACCOUNT_SID, AUTH_TOKEN, TwilioServer
from watchword_pam.settings import Settings
from watchword_pam.token_login import TokenLogin

BEHAVIOURS = ("silent", "internal error", "too many requests", "rubbish", "cut", "proxy refuses", "endless")
TOLD = "A code was sent to"
BUDGET_SECONDS = 15
# Accounts that every Debian has: a node asks LDAP only about those that it knows.
SYSTEM_ACCOUNTS = ("daemon", "bin", "sys", "games", "man", "lp", "mail", "news", "uucp", "proxy", "backup", "list")


def twilio_toml(twilio: TwilioServer) -> str:
    """Return the [sms] of a centre whose carrier is a server of the tests."""
    return (
        f'[sms]\ncarrier = "twilio"\naccount_sid = "{ACCOUNT_SID}"\nauth_token = "{AUTH_TOKEN}"\n'
        f'sender = "+15005550006"\napi_url = "{twilio.url}"\ntimeout_seconds = 2\n'
    )


class Carrier:
    """The carrier of text messages, in all its moods."""

    def __init__(self, twilio: TwilioServer) -> None:
        self._twilio = twilio
        self._numbers = itertools.count()

    def moody(self, centre: Centre) -> Story:
        """Twilio is slow, refuses, or answers rubbish, while most people log in with an app; then it works again."""
        node = centre.nodes.settings(-1, centre.ports)
        attempts: list[Attempt] = []
        with centre.load() as load:
            for behaviour in BEHAVIOURS:
                self._twilio.behaviour = behaviour
                account, _ = self._pair(centre)
                _ask(account, node)
                attempts.append(log_in(Try(Person(account), Intent.WRONG, "000000"), node))
                assert attempts[-1].outcome is Outcome.REFUSED, f"{account} got {attempts[-1].outcome}"
                load.wait_for_grants(5)
            self._twilio.behaviour = "accept"
            account, phone = self._pair(centre)
            _ask(account, node)
            attempts.append(log_in(Try(Person(account), Intent.RIGHT, self._code_sent_to(phone)), node))
            assert attempts[-1].outcome is Outcome.GRANTED, "the code that was sent opened nothing"
        return Story([*load.attempts, *attempts])

    def _pair(self, centre: Centre) -> tuple[str, str]:
        """Give somebody new a telephone."""
        number = next(self._numbers)
        account, phone = f"caller{number}", f"+1512555{number:04d}"
        with services_of(centre.servers[0]) as services:
            services.pairer.add_sms(account, phone, country_code="1")
        return account, phone

    def _code_sent_to(self, phone: str) -> str:
        def texts() -> list[str]:
            return [form["Body"] for form in self._twilio.forms if form.get("To") == phone]

        wait_until(lambda: bool(texts()), 30, "a text message")
        return texts()[0][:6]


def _ask(account: str, node: Settings) -> None:
    """Begin a login, and hang up; raises AssertionError if the person is not told that a code is under way."""
    typist: Any = Typist(account, "", "")
    with quiet_nodes():
        TokenLogin(typist, node).verdict()
    assert TOLD in typist.prompts[0], typist.prompts


def directory_hangs(centre: Centre) -> Story:
    """Nodes look pairings up in an LDAP server that takes connections and says nothing."""
    people = [Person(account) for account in SYSTEM_ACCOUNTS]
    pair(centre.servers[0], people)
    with black_hole() as url:
        ldap = {"uri": [url], "base": "dc=example,dc=org", "attribute": "token", "timeout_seconds": 1}
        options: dict[str, Any] = {
            "pairing_from": "ldap",
            "ldap": ldap,
            "budget_seconds": BUDGET_SECONDS,
            "mode": "paired",
        }
        crowd = Crowd(people, [], random.Random(3))
        with centre.load(people=crowd, one_shot_share=0.0, **options) as load:
            time.sleep(centre.pace.harm)
    longest = max(attempt.ended - attempt.began for attempt in load.attempts)
    assert longest < BUDGET_SECONDS, f"a login took {longest} s"
    return Story(load.attempts, f"the longest login took {longest:.1f} s of its {BUDGET_SECONDS} s")


@contextmanager
def black_hole() -> Iterator[str]:
    """Give the URL of an LDAP server that takes connections and never says a word."""
    with socket.create_server((LOOPBACK, 0), backlog=512) as listener:
        # Never accepted: the kernel takes the connection and what is sent, and nobody reads it.
        yield f"ldap://{LOOPBACK}:{listener.getsockname()[1]}"
