"""System accounts for a while."""

import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

USERADD = "/usr/sbin/useradd"
USERDEL = "/usr/sbin/userdel"
CHPASSWD = "/usr/sbin/chpasswd"

# These three lock /etc/passwd and its like one after the other, and give up while somebody else has one of them.
LOCKED = "cannot lock"
IN_ENGLISH = {**os.environ, "LC_ALL": "C"}
ATTEMPTS = 30
PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Account:
    """A system account, and what opens it."""

    name: str
    password: str = field(repr=False)
    home: Path

    def authorize_key(self, directory: Path) -> Path:
        """Make a key pair in `directory` that sshd accepts for this account; return the private key's path."""
        private = directory / f"{self.name}-key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(private)], check=True)
        folder = self.home / ".ssh"
        folder.mkdir(mode=0o700, exist_ok=True)
        keys = folder / "authorized_keys"
        with keys.open("a", encoding="utf-8") as file:
            file.write(private.with_suffix(".pub").read_text(encoding="utf-8"))
        keys.chmod(0o600)
        for path in (folder, keys):
            shutil.chown(path, self.name)
        return private


@contextmanager
def etc_locked(*, alone: bool) -> Iterator[None]:
    """Keep other tests from renaming /etc/passwd; `alone`, to do it oneself.

    A rename takes away, in every namespace, what is mounted over the old file.
    """
    descriptor = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def temporary_account(prefix: str = "ww") -> Iterator[Account]:
    """Give an account with a password and a home; remove it, its home and its processes' files afterwards."""
    name = f"{prefix}{secrets.token_hex(4)}"
    password = secrets.token_urlsafe(9)
    try:
        _run(USERADD, "--create-home", "--home-dir", f"/home/{name}", "--shell", "/bin/sh", name)
        _run(CHPASSWD, given=f"{name}:{password}\n")
        yield Account(name, password, Path(pwd.getpwnam(name).pw_dir))
    finally:
        # If there is no such account, useradd was what failed, and its error is on its way already.
        # --force removes it even while a login of it is just ending.
        _attempt([USERDEL, "--force", "--remove", name])


def _run(*argv: str, given: str | None = None) -> None:
    done = _attempt(argv, given)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]} failed (this must run as root): {done.stderr.strip()}")


def _attempt(argv: Sequence[str], given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command, and again while it finds its files locked."""
    for _ in range(ATTEMPTS):
        # In a session of its own: Ctrl-C at our terminal must not end useradd half-way.
        with etc_locked(alone=True):
            done = subprocess.run(
                argv, input=given, env=IN_ENGLISH, text=True, capture_output=True, check=False, start_new_session=True
            )
        if LOCKED not in done.stderr:
            break
        time.sleep(PAUSE_SECONDS)
    return done
