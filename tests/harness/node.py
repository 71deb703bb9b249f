"""A node: our modules where `make install-node` puts them, below a temporary directory."""

import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scripts.install_node import install_modules
from scripts.installation.layout import CHECKOUT, Layout

from tests.harness.pam_service import ACCOUNT_AND_SESSION

PAM_PYTHON = "/lib/security/pam_python.so"
OUR_MODULE = re.compile(r"auth +(?P<control>\[.*?\]|\w+) +\S+/pam_python\.so +/usr/lib/watchword/pam/(?P<name>\w+)\.py")


@dataclass(frozen=True)
class Node:
    """The configuration of one node, and the modules that it shares with others."""

    modules: Path
    directory: Path

    def write_settings(self, *tables: str, mode: str = "full", more: str = "") -> None:
        """Write pam.toml: the mode, further keys, then tables such as RadiusServer.pam_toml."""
        keys = (
            f'mode = "{mode}"\ninfo_url = "https://mfa.example.org"\nnode = "login1"\n'
            f'state_dir = "{self.directory / "state"}"\n{more}\n'
        )
        self.write_file("pam.toml", keys + "".join(tables), 0o600)

    def write_exemptions(self, *lines: str) -> None:
        """Write exemptions.conf."""
        self.write_file("exemptions.conf", "\n".join([*lines, ""]), 0o644)

    def write_file(self, name: str, text: str, mode: int) -> None:
        """Put a file in place in one step, with these permission bits whatever the umask."""
        beside = self.directory / f".{name}.new"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
        beside.replace(self.directory / name)

    def module(self, name: str, control: str = "required", *arguments: str) -> str:
        """Return the line of a PAM stack for one of our modules, with this node's files."""
        files = {
            "token": [f"config={self.directory / 'pam.toml'}"],
            "exemption": [f"exemptions={self.directory / 'exemptions.conf'}"],
            "solaris": [f"exemptions={self.directory / 'exemptions.conf'}"],
        }
        words = [control, PAM_PYTHON, str(self.modules / f"{name}.py"), *files.get(name, []), *arguments]
        return " ".join(["auth", *words])

    def stack(self, auth: Iterable[str] | None = None) -> str:
        """Return a whole PAM stack: the one we ship, or the given lines; then Debian's own rest."""
        return "\n".join(self.recommended() if auth is None else auth) + "\n" + ACCOUNT_AND_SESSION

    def recommended(self) -> list[str]:
        """Return the auth lines of conf/pam.d/sshd, with this node's modules and files."""
        stack = (CHECKOUT / "conf/pam.d/sshd").read_text(encoding="utf-8")
        return [self._with_our_files(line) for line in stack.splitlines() if line.startswith("auth ")]

    def _with_our_files(self, line: str) -> str:
        """Return a line of a stack as it is, or, if it names one of our modules, with that of this node."""
        found = OUR_MODULE.fullmatch(line)
        return self.module(found["name"], found["control"]) if found else line


def installed_modules(directory: Path) -> Path:
    """Install the modules below `directory`, as `make install-node` does; return the directory of the shims."""
    layout = Layout(prefix=directory / "lib/watchword", configuration=directory / "etc/watchword")
    install_modules(layout, Path(sys.executable))
    return layout.prefix / "pam"
