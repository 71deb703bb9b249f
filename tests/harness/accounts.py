"""System accounts for a while."""

import pwd
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

USERADD = "/usr/sbin/useradd"
USERDEL = "/usr/sbin/userdel"
CHPASSWD = "/usr/sbin/chpasswd"


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
def temporary_account(prefix: str = "ww") -> Iterator[Account]:
    """Give an account with a password and a home; remove it, its home and its processes' files afterwards."""
    name = f"{prefix}{secrets.token_hex(4)}"
    password = secrets.token_urlsafe(9)
    try:
        _run(USERADD, "--create-home", "--home-dir", f"/home/{name}", "--shell", "/bin/sh", name)
        _run(CHPASSWD, given=f"{name}:{password}\n")
        yield Account(name, password, Path(pwd.getpwnam(name).pw_dir))
    finally:
        # Status 6: there is no such account; then useradd was what failed, and its error is on its way already.
        # --force removes it even while a login of it is just ending.
        subprocess.run([USERDEL, "--force", "--remove", name], check=False, capture_output=True, start_new_session=True)


def _run(*argv: str, given: str | None = None) -> None:
    # In a session of its own: Ctrl-C at our terminal must not end useradd half-way.
    done = subprocess.run(argv, input=given, text=True, capture_output=True, check=False, start_new_session=True)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]} failed (this must run as root): {done.stderr.strip()}")
