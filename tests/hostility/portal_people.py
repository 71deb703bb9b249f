"""A portal, and people at its door who are to be refused, each for a reason of their own."""

import secrets
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.harness.accounts import temporary_account
from tests.harness.portal import UNUSED_PORT, running_bare_portal
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.radius_server import ServerSettings
from tests.harness.watchword_command import Watchword
from tests.hostility.strangers import LOCKOUT
from tests.slapd import BASE_DN, READER_DN, READER_PASSWORD, Slapd, slapd
from watchword.settings import read_settings
from watchword.wiring.portal import Desk, open_desk

FrontDoor = Literal["pam", "ldap"]

UNKNOWN = "unknown"
KINDS = (UNKNOWN, "unpaired", "paired", "held")
"""Whose names are typed: nobody's; somebody's without a token; with one; and one whom an operator holds."""

PASSWORD = "the right one for all: nobody types it"


@dataclass(frozen=True)
class Door:
    """A portal, how it knows passwords, and who is at it: names by kind."""

    front: FrontDoor
    url: str
    watchword: Watchword
    desk: Desk
    names: Mapping[str, list[str]]
    passwords: Mapping[str, str]
    """Of those whom the portal knows."""


@contextmanager
def running_door(
    directory: Path, database_url: str, front: FrontDoor, *, names_of_each: int, refusal_seconds: float
) -> Iterator[Door]:
    """Give a portal that reads passwords by PAM or LDAP, and so many names of each kind; no mail server answers it."""
    with ExitStack() as undo:
        more = LOCKOUT + _mail_nowhere(undo.enter_context(silent_server()))
        people = undo.enter_context(slapd(_made(directory / "slapd"))) if front == "ldap" else None
        passwords, names = _make_people(undo, people, names_of_each)
        more += _ldap_table(people, directory) if people else ""
        settings = ServerSettings(directory, database_url, more=more)
        settings.write("owner", UNUSED_PORT).do("init")
        port = free_tcp_port()
        url = f"http://{LOOPBACK}:{port}"
        keys = {"sign_in": front, "refusal_seconds": refusal_seconds, "api_requests_per_minute": 100_000}
        portal = undo.enter_context(running_bare_portal(settings, port, url, keys=keys))
        desk = open_desk(read_settings(portal.watchword.config))
        undo.callback(desk.close)
        for name in names["paired"] + names["held"]:
            desk.pairer().add_soft(name)
        for name in names["held"]:
            desk.administrator(actor="test").lock(name)
        yield Door(front, url, portal.watchword, desk, names, passwords)


def _make_people(
    undo: ExitStack, people: Slapd | None, names_of_each: int
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Make them, in LDAP or, without it, in this system; answer their passwords, and the names by kind."""
    passwords: dict[str, str] = {}
    names: dict[str, list[str]] = {kind: [] for kind in KINDS}
    hashed = _hash(PASSWORD) if people else ""
    for kind in KINDS * names_of_each:
        if kind == UNKNOWN:
            name = _new_name()  # as long as the others' are
        elif people is not None:
            name = _new_name()
            people.add_person(name, userPassword=hashed, mail=f"{name}@example.org")
            passwords[name] = PASSWORD
        else:
            account = undo.enter_context(temporary_account())
            name, passwords[account.name] = account.name, account.password
        names[kind].append(name)
    return passwords, names


def _new_name() -> str:
    return f"ww{secrets.token_hex(4)}"


def _hash(password: str) -> str:
    """Hash a password slowly, as a directory does that is worth its name."""
    argv = ["openssl", "passwd", "-6", "-stdin"]
    done = subprocess.run(argv, input=password, check=True, capture_output=True, text=True)
    return "{CRYPT}" + done.stdout.strip()


def _ldap_table(people: Slapd, directory: Path) -> str:
    password = directory / "reader-password"
    password.write_text(READER_PASSWORD, encoding="ascii")
    password.chmod(0o600)
    return (
        f'[ldap]\nservers = ["{people.url}"]\nbase_dn = "{BASE_DN}"\nbind_dn = "{READER_DN}"\n'
        f'bind_password_file = "{password}"\n'
    )


def _mail_nowhere(port: int) -> str:
    return f'[mail]\nserver = "{LOOPBACK}"\nport = {port}\nsender = "mfa@example.org"\ntimeout_seconds = 25\n'


@contextmanager
def silent_server() -> Iterator[int]:
    """Give the port of a server that takes connections, and says nothing: whoever waits for it waits long."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        yield int(listening.getsockname()[1])


def _made(path: Path) -> Path:
    path.mkdir()
    return path
