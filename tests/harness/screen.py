"""A screen that nobody sees (Xvfb), and a hand at its keyboard and mouse (xdotool)."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness.processes import running

SIZE = "1100x800x24"
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.1
NUMBER = re.compile(r"^\d+$", re.MULTILINE)


@dataclass
class Screen:
    """An X display."""

    display: str
    _seen: set[str] = field(default_factory=set)

    def wait_for_window(self, title: str) -> None:
        """Wait for a window that was not there before, by its whole title, and let it have the keyboard."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (new := self._windows(title) - self._seen):
            assert time.monotonic() < deadline, f"no window {title!r} among {self._titles()}"
            time.sleep(POLL_SECONDS)
        self._seen |= new
        self._do("windowfocus", "--sync", new.pop())

    def enter(self, text: str) -> None:
        """Type a line."""
        self._do("type", "--delay", "20", text)
        self.press("Return")

    def press(self, key: str) -> None:
        """Press a key, by its name in X."""
        self._do("key", key)

    def double_click(self, x: int, y: int) -> None:
        """Click twice at a place, in pixels from the top left."""
        self._do("mousemove", "--sync", str(x), str(y), "click", "--repeat", "2", "--delay", "50", "1")

    def _windows(self, title: str) -> set[str]:
        found = self._xdotool("search", "--onlyvisible", "--name", f"^{re.escape(title)}$")
        return set(found.stdout.split())

    def _titles(self) -> list[str]:
        found = self._xdotool("search", "--onlyvisible", "--name", ".", "getwindowname", "%@")
        return found.stdout.splitlines()

    def _do(self, *words: str) -> None:
        self._xdotool(*words).check_returncode()

    def _xdotool(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {"DISPLAY": self.display, "PATH": "/usr/bin:/bin"}
        argv = ["xdotool", *words]
        patience = PATIENCE_SECONDS
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=patience)


@contextmanager
def running_screen(directory: Path) -> Iterator[Screen]:
    """Give a screen that is there as long as the block."""
    argv = ["Xvfb", "-displayfd", "1", "-screen", "0", SIZE, "-nolisten", "tcp", "-noreset"]
    with running(argv, directory / "xvfb.log") as server:
        server.wait_until(lambda: NUMBER.search(server.log_text()) is not None)
        number = NUMBER.search(server.log_text())
        assert number
        yield Screen(f":{number[0]}")
