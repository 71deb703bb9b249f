"""How long a whole ssh login takes: ours, pam_google_authenticator, and no second factor at all."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.figures import Series, difference, ratio
from tests.bench.one_person import GooglePerson, OurPerson
from tests.bench.report import Aim, Row
from tests.bench.ssh_clock import login_milliseconds
from tests.bench.stage import Stage
from tests.harness.accounts import Account, temporary_account
from tests.harness.node import Node, installed_modules
from tests.harness.pam_service import ACCOUNT_AND_SESSION
from tests.harness.sshd import Sshd, running_sshd

ROUNDS = 50
AIM_TIMES = 1.25
OURS, GOOGLE, NOTHING = "ours: pubkey, exemption, token", "pam_google_authenticator", "a key alone"

NOTES = """\
- From the start of OpenSSH's client to its end: a key, then the code, typed the moment it is asked for, then `true`.
  The same sshd with the same settings three times, in turns; "a key alone" asks no second factor.
- Ours is the stack of `conf/pam.d/sshd` in mode `full`: two exchanges with our server, on MariaDB with durable
  commits, all on this machine. pam_google_authenticator reads a file.
"""


@dataclass(frozen=True)
class Door:
    """An sshd, and the code that it wants."""

    sshd: Sshd
    code: Callable[[], str] | None


def measure(stage: Stage) -> Row:
    """Log in at each in turns."""
    account = stage.undo.enter_context(temporary_account())
    key = account.authorize_key(stage.folder("ssh-key"))
    doors = {OURS: _ours(stage, account), GOOGLE: _google(stage), NOTHING: _nothing(stage)}
    for door in doors.values():
        login_milliseconds(door.sshd, account, key, door.code)
    samples: dict[str, list[float]] = {name: [] for name in doors}
    for turn in range(10 if stage.quick else ROUNDS):
        if turn % 10 == 0:
            stage.calibrate()
        for name, door in doors.items():
            samples[name].append(login_milliseconds(door.sshd, account, key, door.code))
    return _row([Series(name, "ms", tuple(values)) for name, values in samples.items()])


def _row(series: list[Series]) -> Row:
    ours, google, nothing = series
    compared = ratio(ours.values, google.values)
    what = "wall time of a whole ssh login, all three modules, MariaDB"
    measured = f"{compared} times: {ours.median:.0f} ms, {google.median:.0f} ms"
    added = difference(ours.values, nothing.values)
    aims = [
        Aim(what, GOOGLE, f"at most {AIM_TIMES} times", measured, compared.middle <= AIM_TIMES),
        Aim(what, NOTHING, "none", f"{added} ms more than {nothing.median:.0f} ms", None),
    ]
    return Row("A whole ssh login", aims, series, NOTES)


def _ours(stage: Stage, account: Account) -> Door:
    store = stage.store("ssh-store")
    server = stage.radius_server(store, "ssh-radius")
    home = stage.folder("ssh-node")
    node = Node(installed_modules(home), home)
    node.write_settings(server.pam_toml)
    node.write_exemptions("+ : gateway01 : 192.0.2.10", "+ : bob : 198.51.100.0/24 : 2199-12-31", "- : ALL : ALL")
    return Door(_sshd(stage, "ours", node.stack()), OurPerson(store, server.watchword, account.name).code)


def _google(stage: Stage) -> Door:
    person = GooglePerson(stage.folder("ssh-google-file"))
    return Door(_sshd(stage, "google", f"{person.line}\n{ACCOUNT_AND_SESSION}"), person.code)


def _nothing(stage: Stage) -> Door:
    stack = f"auth required pam_deny.so\n{ACCOUNT_AND_SESSION}"
    return Door(_sshd(stage, "key-alone", stack, {"AuthenticationMethods": "publickey"}), None)


def _sshd(stage: Stage, name: str, stack: str, settings: dict[str, str] | None = None) -> Sshd:
    directory = stage.folder(f"ssh-{name}")
    return stage.undo.enter_context(running_sshd(directory, stack, settings, name=f"bench-{name}"))
