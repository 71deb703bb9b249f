"""An sshd of one's own: own name, own PAM service, own keys, own log. The machine's is left alone."""

import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.accounts import Account
from tests.harness.namespace import with_own_log
from tests.harness.pam_service import PamService, pam_service
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.processes import Server, running
from tests.harness.ssh_client import Answer, Session, at_terminal
from tests.harness.syslog import Syslog

SSHD = Path("/usr/sbin/sshd")
LISTENING = "Server listening on"
PRIVILEGE_SEPARATION = Path("/run/sshd")

SHIPPED_SETTINGS = Path(__file__).resolve().parents[2] / "conf/sshd_config.d/00-watchword.conf"

# So that logs and transcripts hold what tests look for, and many tests at once are no attack.
QUIET = {
    "LogLevel": "VERBOSE",
    "UseDNS": "no",
    "PidFile": "none",
    "PrintMotd": "no",
    "PrintLastLog": "no",
    "MaxStartups": "200",
    "Subsystem": "sftp internal-sftp",
}


@dataclass(frozen=True)
class Sshd:
    """A running sshd, and how to log in to it."""

    directory: Path
    port: int
    service: PamService
    server: Server
    own_syslog: Syslog | None

    @property
    def syslog(self) -> Syslog:
        """What sshd and its PAM modules logged."""
        assert self.own_syslog is not None, "this one logs to the machine's syslog"
        return self.own_syslog

    @property
    def host_key(self) -> str:
        """The public host key, as in known_hosts without the name."""
        return " ".join((self.directory / "host_key.pub").read_text(encoding="utf-8").split()[:2])

    @property
    def client_options(self) -> list[str]:
        """Options for ssh, scp and sftp that touch nothing of the person who calls."""
        known = self.directory / "known_hosts"
        return [
            *("-F", "none", "-o", f"UserKnownHostsFile={known}", "-o", "GlobalKnownHostsFile=none"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"),
        ]

    def ssh_login(
        self,
        account: Account,
        answers: Sequence[Answer],
        command: str = "echo logged in as $(id -un)",
        *,
        key: Path | None = None,
        options: Sequence[str] = (),
        tries: int = 1,
    ) -> Session:
        """Log in with ssh and run `command`; `tries` is how often ssh begins keyboard-interactive."""
        destination = ["-p", str(self.port), f"{account.name}@{LOOPBACK}", command]
        return self._run("ssh", account, answers, key, [*_tries(tries), *options], destination)

    def scp(self, account: Account, answers: Sequence[Answer], source: Path, *, key: Path | None = None) -> Session:
        """Copy a file into the account's home with scp."""
        destination = ["-P", str(self.port), str(source), f"{account.name}@{LOOPBACK}:"]
        return self._run("scp", account, answers, key, _tries(1), destination)

    def sftp(self, account: Account, answers: Sequence[Answer], *, key: Path | None = None) -> Session:
        """Open sftp; the answers go on with what is typed at `sftp>`."""
        destination = ["-P", str(self.port), f"{account.name}@{LOOPBACK}"]
        return self._run("sftp", account, answers, key, _tries(1), destination)

    def plink(self, account: Account, answers: Sequence[Answer], command: str = "id -un") -> Session:
        """Log in with PuTTY's plink and run `command`."""
        listing = ["ssh-keygen", "-l", "-E", "sha256", "-f", str(self.directory / "host_key.pub")]
        fingerprint = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split()[1]
        options = ["-ssh", "-no-antispoof", "-noagent", "-hostkey", fingerprint, "-P", str(self.port)]
        return at_terminal(["plink", *options, f"{account.name}@{LOOPBACK}", command], answers, self.directory)

    def _run(
        self,
        client: str,
        account: Account,
        answers: Sequence[Answer],
        key: Path | None,
        options: Sequence[str],
        destination: Sequence[str],
    ) -> Session:
        identity = ["-o", "IdentityFile=none"] if key is None else ["-i", str(key)]
        return at_terminal([client, *self.client_options, *identity, *options, *destination], answers, account.home)


@contextmanager
def running_sshd(
    directory: Path,
    stack: str,
    settings: Mapping[str, str] | None = None,
    *,
    name: str = "watchword-test",
    log_file: Path | None = None,
    starter: Sequence[str] = (),
) -> Iterator[Sshd]:
    """Give an sshd with the PAM stack `stack`, whose syslog is kept from the machine's.

    `settings` go before ours. With `log_file`, the syslog is also written there, as rsyslog traditionally does.
    `starter` is a command that starts sshd, in a mount namespace of its own.
    """
    with ExitStack() as undo:
        syslog = Syslog(directory / "log", log_file)
        undo.callback(syslog.close)
        prefix = [*with_own_log(syslog.path, directory), *starter]
        sshd = undo.enter_context(_started(directory, stack, settings or {}, name, prefix, syslog))
        sshd.server.wait_until(lambda: bool(syslog.matching(LISTENING)))
        yield sshd


@contextmanager
def running_sshd_as_root(directory: Path, stack: str, settings: Mapping[str, str], name: str) -> Iterator[Sshd]:
    """Give an sshd that needs no more than root; what its PAM modules log goes to the machine's syslog."""
    PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    with _started(directory, stack, settings, name, (), None) as sshd:
        sshd.server.wait_until(lambda: LISTENING in sshd.server.log_text())
        yield sshd


@contextmanager
def _started(
    directory: Path,
    stack: str,
    settings: Mapping[str, str],
    name: str,
    prefix: Sequence[str | Path],
    syslog: Syslog | None,
) -> Iterator[Sshd]:
    name = f"{name}-{secrets.token_hex(3)}"
    # The PAM service is called as the program is.
    program = directory / name
    shutil.copy2(SSHD, program)
    port = free_tcp_port()
    _write_files(directory, port, settings)
    to_stderr = [] if syslog else ["-e"]
    argv = [*prefix, program, "-D", *to_stderr, "-f", directory / "sshd_config"]
    with pam_service(name, stack) as service, running(argv, directory / "sshd.out") as server:
        yield Sshd(directory, port, service, server, syslog)


def _write_files(directory: Path, port: int, settings: Mapping[str, str]) -> None:
    key = directory / "host_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = " ".join(key.with_suffix(".pub").read_text(encoding="utf-8").split()[:2])
    (directory / "known_hosts").write_text(f"[{LOOPBACK}]:{port} {public}\n", encoding="utf-8")
    fixed = {"Port": str(port), "ListenAddress": LOOPBACK, "HostKey": str(key)}
    ours = {**fixed, **QUIET, **settings}
    # The first value of a setting counts, so what is asked for here goes before what we ship.
    lines = [*(f"{keyword} {value}" for keyword, value in ours.items()), f"Include {SHIPPED_SETTINGS}", ""]
    (directory / "sshd_config").write_text("\n".join(lines), encoding="utf-8")


def _tries(count: int) -> list[str]:
    return ["-o", f"NumberOfPasswordPrompts={count}"]
