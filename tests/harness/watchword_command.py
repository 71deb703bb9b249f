"""The command `watchword`, as a sysadmin calls it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("watchword")


@dataclass(frozen=True)
class Watchword:
    """The command with its configuration."""

    config: Path

    def run(self, *words: str | Path, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command, whatever its status."""
        argv = [str(COMMAND), "--config", str(self.config), *(str(word) for word in words)]
        return subprocess.run(argv, input=given, capture_output=True, text=True, check=False)

    def do(self, *words: str | Path, given: str | None = None) -> str:
        """Run the command and return what it prints; raises AssertionError if it fails."""
        done = self.run(*words, given=given)
        if done.returncode != 0:
            raise AssertionError(f"watchword {words[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def ask(self, *words: str | Path) -> Any:
        """Run the command with --json and return what it answers."""
        return json.loads(self.do(*words, "--json"))
