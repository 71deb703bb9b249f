"""How long a whole ssh login takes: ours, pam_google_authenticator, and no second factor at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bare_node import AS_ON_A_BARE_NODE
from tests.bench.figures import Series, difference, ratio
from tests.bench.one_person import GooglePerson, OurPerson
from tests.bench.report import Aim, Row
from tests.bench.ssh_clock import login_milliseconds
from tests.bench.stage import Stage
from tests.harness.accounts import Account, temporary_account
from tests.harness.node import Node, installed_modules
from tests.harness.pam_service import ACCOUNT_AND_SESSION
from tests.harness.sshd import Sshd, running_sshd

ROUNDS = 60
PEOPLE = 20
AIM_TIMES = 1.25
OURS, GOOGLE, NOTHING = "ours: pubkey, exemption, token", "pam_google_authenticator", "a key alone"

NOTES = """\
- From the start of OpenSSH's client to its end: a key, then the code, typed the moment it is asked for, then `true`.
  The same sshd with the same settings three times, in turns; "a key alone" asks no second factor.
- 20 people, in turns. sshd makes whoever is not in yet wait until a time of the name's own is over, 5 to 10 ms by a
  hash, doubled until it exceeds what the request took (`ensure_minimum_time_since` in its source). It does so after it
  has sent the prompt, so that a person who types notices nothing; but here the code is typed at once, and waits. So
  what a module takes before its prompt counts up to twice: with one account, a run would measure its name.
- All three are on a node without Debian's own Python packages, as in *CPU of the PAM stack*.
- Ours is the stack of `conf/pam.d/sshd` in mode `full`: two exchanges with our server, on MariaDB with durable
  commits, all on this machine. pam_google_authenticator reads a file.
"""


@dataclass(frozen=True)
class Door:
    """An sshd, and the codes that it wants; no name: it wants none."""

    sshd: Sshd
    codes: Mapping[str, Callable[[], str]]

    def log_in(self, account: Account, key: Path) -> float:
        """Log in once; return how long that took, in ms."""
        return login_milliseconds(self.sshd, account, key, self.codes.get(account.name))


def measure(stage: Stage) -> Row:
    """Log in at each in turns."""
    accounts = [stage.undo.enter_context(temporary_account()) for _ in range(2 if stage.quick else PEOPLE)]
    folder = stage.folder("ssh-keys")
    keys = {account: account.authorize_key(folder) for account in accounts}
    names = [account.name for account in accounts]
    doors = {OURS: _ours(stage, names), GOOGLE: _google(stage, names), NOTHING: _nothing(stage)}
    for door in doors.values():
        door.log_in(accounts[0], keys[accounts[0]])
    samples: dict[str, list[float]] = {name: [] for name in doors}
    for turn in range(10 if stage.quick else ROUNDS):
        if turn % 10 == 0:
            stage.calibrate()
        account = accounts[turn % len(accounts)]
        for name, door in doors.items():
            samples[name].append(door.log_in(account, keys[account]))
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


def _ours(stage: Stage, names: Sequence[str]) -> Door:
    store = stage.store("ssh-store")
    server = stage.radius_server(store, "ssh-radius")
    home = stage.folder("ssh-node")
    node = Node(installed_modules(home), home)
    node.write_settings(server.pam_toml)
    node.write_exemptions("+ : gateway01 : 192.0.2.10", "+ : bob : 198.51.100.0/24 : 2199-12-31", "- : ALL : ALL")
    codes = {name: OurPerson(store, server.watchword, name).code for name in names}
    return Door(_sshd(stage, "ours", node.stack()), codes)


def _google(stage: Stage, names: Sequence[str]) -> Door:
    person = GooglePerson(stage.folder("ssh-google-file"))
    return Door(_sshd(stage, "google", f"{person.line}\n{ACCOUNT_AND_SESSION}"), dict.fromkeys(names, person.code))


def _nothing(stage: Stage) -> Door:
    stack = f"auth required pam_deny.so\n{ACCOUNT_AND_SESSION}"
    return Door(_sshd(stage, "key-alone", stack, {"AuthenticationMethods": "publickey"}), {})


def _sshd(stage: Stage, name: str, stack: str, settings: dict[str, str] | None = None) -> Sshd:
    directory = stage.folder(f"ssh-{name}")
    door = running_sshd(directory, stack, settings, name=f"bench-{name}", starter=AS_ON_A_BARE_NODE)
    return stage.undo.enter_context(door)
