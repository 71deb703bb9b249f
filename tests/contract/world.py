"""The core on a real database, with a clock that the test moves."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness.one_time_codes import oathtool_code
from watchword.delivery.recorder import Recorder
from watchword.domain.lockout import LockoutPolicy
from watchword.domain.outcome import Challenge, Outcome
from watchword.services.administer import Administrator
from watchword.services.attempts import Answer, Attempt, Begin, OneShot
from watchword.services.authenticate import Authenticator
from watchword.services.deliver import Postman
from watchword.services.pair import Pairer
from watchword.services.policy import LoginPolicy
from watchword.services.report import Reporter
from watchword.services.rotate import Rotator
from watchword.store import migrate
from watchword.store.anchors import Anchors
from watchword.store.database import Database
from watchword.store.keyring import Keyring, KeyState, new_key, write_keys
from watchword.store.sealing import Sealer
from watchword.store.store import Store

SECRET = bytes(range(20))
START = 1_800_000_000.0


@dataclass
class MovingClock:
    """A clock that stands still until a test moves it."""

    seconds: float = START

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Server:
    """One server's services on the common database."""

    url: str
    directory: Path
    name: str
    clock: MovingClock
    policy: LoginPolicy
    role: str = "test"
    carrier: Recorder = field(default_factory=Recorder)

    def __post_init__(self) -> None:
        anchors = self.directory / f"anchors-{self.name}"
        anchors.mkdir(exist_ok=True)
        self.database = Database(self.url)
        self.keyring = Keyring(self.directory / "keyring")
        sealer = Sealer(self.keyring)
        self.store = Store(
            self.database, sealer, self.keyring, writer=f"{self.name}/{self.role}", anchors=Anchors(anchors)
        )
        self.authenticator = Authenticator(self.store, sealer, self.policy, clock=self.clock, random_octets=os.urandom)
        self.pairer = Pairer(self.store, clock=self.clock, random_octets=os.urandom, issuer="Test", actor="olga")
        self.administrator = Administrator(
            self.store, clock=self.clock, random_octets=os.urandom, lockout=self.policy.lockout, actor="olga"
        )
        self.reporter = Reporter(self.store, self.keyring, self.store.recall_anchors)
        self.rotator = Rotator(self.store, clock=self.clock)
        self.postman = Postman(self.store, self.carrier, clock=self.clock)

    def answer(self, *attempts: Attempt) -> list[Outcome]:
        """Answer attempts in one batch."""
        return self.authenticator.answer(attempts)

    def one_shot(self, account: str, code: str) -> Outcome:
        """Bring a code unasked."""
        (outcome,) = self.answer(Attempt(account, OneShot(code)))
        return outcome

    def begin(self, account: str) -> Challenge:
        """Ask to be asked."""
        (outcome,) = self.answer(Attempt(account, Begin()))
        assert isinstance(outcome, Challenge)
        return outcome

    def reply(self, account: str, typed: str, challenge: Challenge) -> Outcome:
        """Answer a challenge."""
        (outcome,) = self.answer(Attempt(account, Answer(typed, challenge.handle)))
        return outcome

    def reasons(self, account: str) -> Sequence[str]:
        """What the audit log says of an account's logins, oldest first."""
        events = (chained.event for _, chained in self.reporter.newest(1000, account=account))
        return [event.reason for event in events if event.kind in ("login", "challenge")]


@dataclass
class World:
    """A database, a keyring, a clock; and servers on them."""

    url: str
    directory: Path
    clock: MovingClock = field(default_factory=MovingClock)
    policy: LoginPolicy = field(default_factory=lambda: LoginPolicy(lockout=LockoutPolicy(20, 1800)))
    role: str = "test"
    """What the servers that begin from now on call themselves in the audit log."""

    def __post_init__(self) -> None:
        write_keys(self.directory / "keyring", [new_key(KeyState.PRIMARY, 1)])
        database = Database(self.url)
        migrate.upgrade(database)
        database.close()
        self._servers: list[Server] = []
        self.server = self.another_server("one")

    def another_server(self, name: str) -> Server:
        """Begin another server on the same database."""
        server = Server(self.url, self.directory, name, self.clock, self.policy, self.role)
        self._servers.append(server)
        return server

    def code(self, *, offset_seconds: float = 0, secret: bytes = SECRET, period_seconds: int = 30) -> str:
        """Answer the code of SECRET, as oathtool has it, on a phone that is so far off."""
        return oathtool_code(secret.hex(), self.clock.seconds + offset_seconds, period_seconds=period_seconds)

    def close(self) -> None:
        """Close every connection."""
        for server in self._servers:
            server.database.close()
