"""The ssh clients of real people: how each is told to leave one file in an account's home, and what it shows."""

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.harness.accounts import Account
from tests.harness.keys import KeyPair
from tests.harness.namespace import with_own_log
from tests.harness.ports import LOOPBACK
from tests.harness.ssh_client import Answer
from tests.harness.sshd import Sshd

Argv = list[str | Path]

# $1 is where to mount, $2 the file, $3 its name there; then sshfs with its arguments. A /dev/fuse of its own, since a
# bare machine may have none.
_MOUNT_AND_COPY = """\
mount=$1 source=$2 name=$3
shift 3
mknod -m 600 /dev/fuse c 10 229
"$@" "$mount" && cp "$source" "$mount/$name" && umount "$mount"
"""


@dataclass(frozen=True)
class Errand:
    """Bring the file `source` into the account's home, as `name`. With no key, by password."""

    sshd: Sshd
    account: Account
    key: KeyPair | None
    source: Path
    """Its directory is the client's HOME, and belongs to this errand alone."""
    name: str

    @property
    def destination(self) -> str:
        """Whom to log in as, and where."""
        return f"{self.account.name}@{LOOPBACK}"

    @property
    def target(self) -> str:
        """The file, as scp and its like name it."""
        return f"{self.destination}:{self.name}"

    def arrived(self, suffix: str = "") -> str | None:
        """Return what has arrived, as `name` and a suffix; None if there is no such file."""
        place = self.account.home / f"{self.name}{suffix}"
        return place.read_text(encoding="utf-8") if place.exists() else None

    @property
    def write_command(self) -> str:
        """What a shell over there is told, for a client that moves no files."""
        return f"printf %s {shlex.quote(self.source.read_text(encoding='utf-8'))} > {self.name}"


@dataclass(frozen=True)
class Client:
    """A program, and how it speaks."""

    argv: Callable[[Errand], Argv]
    before_prompt: str = ""
    """What it puts before each prompt; `{destination}` is whom to log in as, and where."""
    then: Callable[[Errand], list[Answer]] = lambda errand: []
    """What is typed once logged in."""
    shows_refusal: bool = True

    def prompt(self, errand: Errand, words: str) -> str:
        """Return a prompt as the person sees it."""
        return self.before_prompt.format(destination=errand.destination) + words


def openssh_options(errand: Errand) -> list[str]:
    """Return the options that all of OpenSSH's clients take, and sshfs."""
    identity = str(errand.key.openssh) if errand.key else "none"
    more = {"Port": str(errand.sshd.port), "NumberOfPasswordPrompts": "1", "IdentityFile": identity}
    return [*errand.sshd.client_options, *(f"-o{name}={value}" for name, value in more.items())]


def ssh_command(errand: Errand, *more: str) -> str:
    """Return ssh with its options as one line, for those who call it."""
    return shlex.join(["ssh", *openssh_options(errand), *more])


def putty_options(errand: Errand) -> list[str]:
    """Return the options that all of PuTTY's programs take."""
    listing = ["ssh-keygen", "-l", "-E", "sha256", "-f", str(errand.sshd.directory / "host_key.pub")]
    fingerprint = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split()[1]
    identity = ["-i", str(errand.key.putty)] if errand.key else []
    return ["-noagent", "-hostkey", fingerprint, "-P", str(errand.sshd.port), *identity]


def _put(prompt: str) -> Callable[[Errand], list[Answer]]:
    """Type what moves the file at an sftp client's own prompt."""
    return lambda errand: [Answer(prompt, f"put {errand.source} {errand.name}"), Answer(prompt, "quit")]


def ssh(errand: Errand) -> Argv:
    return ["ssh", *openssh_options(errand), errand.destination, errand.write_command]


def sftp(errand: Errand) -> Argv:
    return ["sftp", *openssh_options(errand), errand.destination]


def scp(errand: Errand) -> Argv:
    return ["scp", *openssh_options(errand), errand.source, errand.target]


def rsync(errand: Errand) -> Argv:
    return ["rsync", "-e", ssh_command(errand), errand.source, errand.target]


def sshfs(errand: Errand) -> Argv:
    """Mount, copy, unmount, in a mount namespace: nothing stays mounted, however it ends."""
    directory = errand.source.parent
    mount, no_log = directory / "mount", directory / "no-log"
    mount.mkdir()
    no_log.touch()
    here = with_own_log(no_log, directory)
    arguments: Argv = [mount, errand.source, errand.name, "sshfs", *openssh_options(errand), f"{errand.destination}:"]
    return [*here, "sh", "-c", _MOUNT_AND_COPY, "sh", *arguments]


def plink(errand: Errand) -> Argv:
    return ["plink", "-no-antispoof", *putty_options(errand), errand.destination, errand.write_command]


def pscp(errand: Errand) -> Argv:
    return ["pscp", *putty_options(errand), errand.source, errand.target]


def psftp(errand: Errand) -> Argv:
    return ["psftp", *putty_options(errand), errand.destination]


def dbclient(errand: Errand) -> Argv:
    identity: Argv = ["-i", str(errand.key.dropbear)] if errand.key else []
    words = ["dbclient", "-y", *identity, "-p", str(errand.sshd.port), errand.destination, errand.write_command]
    # It leaves its terminal before it ends, and would be hung up on: a shell stays, as a person's would.
    return ["sh", "-c", '"$@"; exit $?', "sh", *words]


_OPENSSH, _PUTTY = "({destination}) ", "| "

CLIENTS = {
    "ssh": Client(ssh, _OPENSSH),
    "sftp": Client(sftp, _OPENSSH, _put("sftp> ")),
    "scp": Client(scp, _OPENSSH),
    "rsync": Client(rsync, _OPENSSH),
    "sshfs": Client(sshfs, _OPENSSH, shows_refusal=False),  # it sends ssh's stderr to /dev/null, but with -f
    "plink": Client(plink, _PUTTY),
    "psftp": Client(psftp, _PUTTY, _put("psftp> ")),
    "pscp": Client(pscp, _PUTTY),
    "dbclient": Client(dbclient),
}
