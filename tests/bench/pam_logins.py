"""Logins through PAM stacks with pamtester, each a process of its own, on a node in a temporary directory."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import pam_driver
from tests.bench.bare_node import AS_ON_A_BARE_NODE
from tests.bench.stage import CHECKOUT, Stage
from tests.harness.node import installed_modules
from tests.pam_layout import PamLayout

ACCOUNT = "alice"
WITH_KEY = {"SSH_CONNECTION": "192.0.2.7 40000 192.0.2.1 22", "SSH_AUTH_INFO_0": "publickey ssh-ed25519 AAAA"}
"""What sshd tells a stack after a key was accepted."""


@dataclass(frozen=True)
class Taken:
    """What one login took."""

    cpu_ms: float
    wall_ms: float


class PamLogins:
    """A node whose PAM services the caller writes, and logins to it; two at a time, if the caller has two threads."""

    def __init__(self, stage: Stage, name: str, *, accounts: Sequence[str] = (ACCOUNT,)) -> None:
        home = stage.folder(name)
        own = home / "own"
        own.mkdir()
        self.layout = PamLayout(installed_modules(home), own)
        stage.undo.callback(self.layout.close)
        for account in accounts:
            self.layout.add_account(account, "unused")
        first = _Driver([*self.layout.inside(), *AS_ON_A_BARE_NODE])
        stage.undo.callback(first.end)
        first.run(["true"])
        self._drivers = [first]
        for _ in accounts[1:]:
            another = _Driver(["nsenter", f"--mount=/proc/{first.pid}/ns/mnt"])
            stage.undo.callback(another.end)
            self._drivers.append(another)

    def log_in(self, service: str, typed: str = "", *, account: str = ACCOUNT, driver: int = 0) -> Taken:
        """Log in once, with a key as the first factor; raises AssertionError if the stack did not grant."""
        options = [option for key, value in WITH_KEY.items() for option in ("-E", f"{key}={value}")]
        taken = self._drivers[driver].run(["pamtester", *options, service, account, "authenticate"], typed)
        # Also empties the syslog's socket: it holds few lines, and whoever writes to a full one waits.
        log = self.layout.log()
        if taken["status"] != 0:
            raise AssertionError(f"{service} refused:\n{taken['output']}\n" + "\n".join(log))
        return Taken(taken["cpu_ms"], taken["wall_ms"])

    def do(self, *argv: str | Path) -> None:
        """Run a command where the logins run."""
        taken = self._drivers[0].run([str(word) for word in argv])
        assert taken["status"] == 0, taken["output"]


class _Driver:
    """The process that starts the logins."""

    def __init__(self, prefix: Sequence[str | Path]) -> None:
        argv = [*prefix, sys.executable, "-m", pam_driver.__name__]
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
            env={"PYTHONPATH": str(CHECKOUT)},
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, argv: list[str], typed: str = "") -> dict[str, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"argv": argv, "typed": f"{typed}\n"}) + "\n")
        self._process.stdin.flush()
        taken: dict[str, float] = json.loads(self._process.stdout.readline())
        return taken

    def end(self) -> None:
        self._process.communicate()
