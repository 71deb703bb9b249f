"""An installed node in a temporary directory, and pamtester to log in with: no checkout, no service of the machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.harness.accounts import etc_locked
from tests.harness.namespace import with_own_log

PAM_PYTHON = "/lib/security/pam_python.so"

# Within the namespace of tests.harness.namespace, so that the machine's /etc/pam.d stays as it is.
ENTER = """
mount --bind "$1/pam.d" /etc/pam.d &&
mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/shadow" /etc/shadow || exit 99
shift
exec "$@"
"""


@dataclass(frozen=True)
class Run:
    """What one run of pamtester came to."""

    status: int
    output: str
    raw: tuple[str, ...]  # what syslog got, priorities and times included

    @property
    def log(self) -> tuple[str, ...]:
        """Return our own lines, from their name on."""
        return tuple(line[line.index("watchword[") :] for line in self.raw if "watchword[" in line)

    @property
    def granted(self) -> bool:
        assert self.status in {0, 1}, self.output
        return self.status == 0


class PamLayout:
    """One test's configuration of an installed node, its PAM services, accounts and syslog."""

    def __init__(self, modules: Path, home: Path) -> None:
        self.modules = modules
        self.home = home
        self.services = home / "pam.d"
        self.config = home / "pam.toml"
        self.exemptions = home / "exemptions.conf"
        self.state = home / "state"
        self.services.mkdir()
        for name in ("passwd", "shadow"):
            shutil.copy(f"/etc/{name}", home)
        self._log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._log.bind(str(home / "log.socket"))
        self._log.setblocking(False)
        self._with_own_log = with_own_log(home / "log.socket", home)

    def close(self) -> None:
        self._log.close()

    def add_account(self, name: str, password: str) -> None:
        """Make an account that exists only for what `run` starts."""
        hashed = subprocess.run(["openssl", "passwd", "-6", password], capture_output=True, text=True, check=True)
        with (self.home / "passwd").open("a") as passwd, (self.home / "shadow").open("a") as shadow:
            passwd.write(f"{name}:x:64999:65534::/nonexistent:/bin/sh\n")
            shadow.write(f"{name}:{hashed.stdout.strip()}:20000::::::\n")

    def line(self, module: str, control: str = "required", *arguments: str) -> str:
        """Return a line of a PAM stack with one of our modules."""
        return " ".join(["auth", control, PAM_PYTHON, str(self.modules / f"{module}.py"), *arguments])

    def token(self, control: str = "required") -> str:
        return self.line("token", control, f"config={self.config}")

    def exemption(self, control: str = "sufficient") -> str:
        return self.line("exemption", control, f"exemptions={self.exemptions}")

    def write_service(self, name: str, *lines: str) -> None:
        (self.services / name).write_text("\n".join([*lines, "account required pam_permit.so", ""]))

    def write_config(self, *parts: str, mode: int = 0o600) -> None:
        """Write pam.toml with the state directory of this layout: the first part's keys, then the tables."""
        self.config.write_text(f'state_dir = "{self.state}"\n' + "\n".join(parts))
        self.config.chmod(mode)

    def run(
        self,
        service: str,
        account: str,
        *typed: str | bytes,
        pam_env: dict[str, str] | None = None,
        rhost: str = "",
        environment: dict[str, str] | None = None,
        cwd: Path | str = "/",
        operations: Sequence[str] = ("authenticate",),
        program: Sequence[str] | None = None,
    ) -> Run:
        """Log in with pamtester: one line typed a prompt, then the terminal hangs up."""
        options = [option for key, value in (pam_env or {}).items() for option in ("-E", f"{key}={value}")]
        options += ["-I", f"rhost={rhost}"] if rhost else []
        command = program or ["pamtester", *options, service, account, *operations]
        lines = b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in typed)
        self.log()
        with etc_locked(alone=False):
            process = subprocess.run(
                [*self.inside(), *command],
                input=lines,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={"PATH": os.defpath, **(environment or {})},
                check=False,
            )
        return Run(process.returncode, process.stdout.decode("utf-8", "replace"), self.log())

    def inside(self) -> list[str | Path]:
        """Return what to put before a command so that it meets this layout's /etc/pam.d, accounts and syslog."""
        return [*self._with_own_log, "sh", "-c", ENTER, "sh", self.home]

    def log(self) -> tuple[str, ...]:
        """Return the datagrams that syslog got since the last call."""
        lines = []
        while True:
            try:
                lines.append(self._log.recv(8192).decode("utf-8", "replace"))
            except BlockingIOError:
                return tuple(line for line in lines)
