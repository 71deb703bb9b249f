"""A node with an sshd, and people on it who are to be refused, each for a reason of their own."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.accounts import Account, temporary_account
from tests.harness.node import Node, installed_modules
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.sshd import Sshd, running_sshd
from tests.hostility.centre import services_of
from tests.hostility.timed_login import Stranger
from watchword.services.attempts import Attempt, OneShot
from watchword.wiring import Services

FAILURES = 100
"""The most that settings allow, so that whoever tries wrong codes is not locked out by them."""

LOCKOUT = f"[lockout]\nfailures = {FAILURES}\nrelease_after_minutes = 0\n"
WRONG_CODE = "000000"
WRONG_PASSWORD = "not the password"

PAST_THE_KEY = ("wrong code", "unpaired", "unknown", "locked out")
"""What a stranger with somebody's key may meet. `unknown` is an account of the node that no server has heard of."""

BEFORE_THE_CODE = ("wrong password", "no such account")
"""What a stranger without anything may meet: the second factor is never reached."""


@dataclass(frozen=True)
class Place:
    """Where strangers try."""

    server: RadiusServer
    sshd: Sshd
    services: Services
    directory: Path


@contextmanager
def running_place(directory: Path, settings: ServerSettings) -> Iterator[Place]:
    """Give a node in mode full with its server; `settings` must have LOCKOUT in them."""
    with ExitStack() as undo:
        server = undo.enter_context(running_radius_server(settings))
        node = Node(installed_modules(_made(directory / "modules")), _made(directory / "node"))
        node.write_exemptions()
        node.write_settings(server.pam_toml)
        services = undo.enter_context(services_of(server))
        sshd = undo.enter_context(running_sshd(_made(directory / "sshd"), node.stack()))
        yield Place(server, sshd, services, _made(directory / "keys"))


def _made(path: Path) -> Path:
    path.mkdir()
    return path


@contextmanager
def strangers(place: Place) -> Iterator[dict[str, Stranger]]:
    """Give a stranger of each kind, under names that nobody had before."""
    with ExitStack() as undo:
        accounts = {kind: undo.enter_context(temporary_account()) for kind in PAST_THE_KEY}
        make_history(place.services, {kind: account.name for kind, account in accounts.items()})
        with_key = {kind: _with_key(kind, account, place.directory) for kind, account in accounts.items()}
        # As long as the others' names are.
        names = {"wrong password": accounts["wrong code"].name, "no such account": f"ww{secrets.token_hex(4)}"}
        without = {kind: Stranger(kind, names[kind], None, WRONG_PASSWORD) for kind in BEFORE_THE_CODE}
        yield with_key | without


def _with_key(kind: str, account: Account, keys: Path) -> Stranger:
    return Stranger(kind, account.name, account.authorize_key(keys), WRONG_CODE)


def make_history(services: Services, names: dict[str, str]) -> None:
    """Pair everybody but `unknown`; then make each what its kind says."""
    for kind in ("wrong code", "locked out"):
        services.pairer.add_soft(names[kind])
    services.pairer.remove(services.pairer.add_soft(names["unpaired"]).serial)
    services.answer([Attempt(names["locked out"], OneShot(WRONG_CODE))] * FAILURES)
