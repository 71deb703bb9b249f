"""The CPU that a PAM stack adds to a login."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Ratio, Series, ratio
from tests.bench.one_person import GooglePerson, OurPerson
from tests.bench.pam_logins import ACCOUNT, PamLogins
from tests.bench.report import Aim, Row
from tests.bench.stage import SECRET, Stage
from tests.harness.ports import LOOPBACK
from tests.harness.radius_server import RadiusServer
from tests.pam_layout import PAM_PYTHON, PamLayout

ROUNDS = 50
WHAT = "CPU that the whole PAM stack adds"
AIM_TIMES = 2

SOURCE_ADDRESS = "127.0.0.2"
EXCUSED = f"""
[[radius.client]]
name = "pam_radius_auth"
network = "{SOURCE_ADDRESS}/32"
secret = "{SECRET}"
require_message_authenticator = false
"""
"""Debian 12's pam_radius_auth is older than the Message-Authenticator: its address is excused from sending one."""

BARE = """\
def pam_sm_authenticate(pamh, flags, argv):
    return pamh.PAM_SUCCESS


def pam_sm_setcred(pamh, flags, argv):
    return pamh.PAM_SUCCESS
"""

PERMIT, BARE_MODULE, OURS = "pam_permit", "a bare pam_python module", "ours: pubkey, exemption, token"
GOOGLE, PAM_RADIUS = "pam_google_authenticator", "pam_radius_auth against our server"

NOTES = """\
- Each figure is the user and system time of one pamtester process, from exec to exit, on a node in a directory of its
  own, without Debian's own Python packages, as on a bare Debian; stacks in turns. "Adds" means less what pam_permit
  alone takes.
- Ours is all three modules as `conf/pam.d/sshd` has them, after a key: an exemption file of three lines that does not
  match, mode `full`, two exchanges with our server on MariaDB, a right code. pam_radius_auth sends one shot.
- Logins as they come all day: what pam.toml says is remembered under `/run/watchword`. The first one after an edit or
  a boot loads Python's TOML parser, and with it `typing`: about 9 ms more.
- pam_google_authenticator has the options that its program writes if every question is answered with yes.
"""


@dataclass(frozen=True)
class Stack:
    """A PAM service, and what is typed at it."""

    service: str
    typed: Callable[[], str] = str


def measure(stage: Stage) -> Row:
    """Run each stack in turns."""
    logins = PamLogins(stage, "pam-cpu")
    stacks = _stacks(stage, logins.layout)
    samples: dict[str, list[float]] = {name: [] for name in stacks}
    stage.say(f"in turns: {', '.join(stacks)}")
    for turn in range(10 if stage.quick else ROUNDS):
        if turn % 10 == 0:
            stage.calibrate()
        for name, stack in stacks.items():
            samples[name].append(logins.log_in(stack.service, stack.typed()).cpu_ms)
    series = [Series(name, "ms CPU", tuple(values)) for name, values in samples.items()]
    compared = _added(samples, OURS, BARE_MODULE)
    aims = [
        Aim(WHAT, BARE_MODULE, f"at most {AIM_TIMES} times", f"{compared} times", compared.middle <= AIM_TIMES),
        *(Aim(WHAT, other, "none", f"{_added(samples, OURS, other)} times", None) for other in (GOOGLE, PAM_RADIUS)),
    ]
    return Row("CPU of the PAM stack", aims, series, NOTES)


def _added(samples: dict[str, list[float]], ours: str, other: str) -> Ratio:
    """Compare what two stacks add to pam_permit, turn by turn."""
    added = [
        [mine - permit for mine, permit in zip(samples[name], samples[PERMIT], strict=True)] for name in (ours, other)
    ]
    return ratio(*added)


def _stacks(stage: Stage, layout: PamLayout) -> dict[str, Stack]:
    """Write a service for each."""
    store = stage.store("pam-cpu-store", more=EXCUSED)
    server = stage.radius_server(store, "pam-cpu-radius")
    ours = OurPerson(store, server.watchword, ACCOUNT)
    google = GooglePerson(layout.home)
    _write_ours(layout, server)
    layout.write_service("permit", "auth required pam_permit.so")
    (layout.home / "bare.py").write_text(BARE, encoding="ascii")
    layout.write_service("bare", f"auth required {PAM_PYTHON} {layout.home}/bare.py")
    layout.write_service("google", google.line)
    layout.write_service("radius", f"auth required pam_radius_auth.so conf={_radius_auth_file(layout.home, server)}")
    return {
        PERMIT: Stack("permit"),
        BARE_MODULE: Stack("bare"),
        OURS: Stack("ours", ours.code),
        GOOGLE: Stack("google", google.code),
        PAM_RADIUS: Stack("radius", ours.code),
    }


def _write_ours(layout: PamLayout, server: RadiusServer) -> None:
    layout.write_config('mode = "full"\ninfo_url = "https://mfa.example.org"\nnode = "login1"\n', server.pam_toml)
    layout.exemptions.write_text("+ : gateway01 : 192.0.2.10\n+ : bob : 198.51.100.0/24 : 2199-12-31\n- : ALL : ALL\n")
    key = layout.line("pubkey", "[success=1 default=ignore]")
    layout.write_service("ours", key, "auth requisite pam_deny.so", layout.exemption(), layout.token())


def _radius_auth_file(directory: Path, server: RadiusServer) -> Path:
    file = directory / "pam_radius_auth.conf"
    file.write_text(f"{LOOPBACK}:{server.port} {server.secret} 3 {SOURCE_ADDRESS}\n", encoding="ascii")
    file.chmod(0o600)
    return file
