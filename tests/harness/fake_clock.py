"""A wall clock that a test sets, for one Python program and its children. What only goes forward is left alone.

Run as a program, it runs a module: `python fake_clock.py FILE MODULE ARGUMENT…`. FILE says by how many seconds
time.time(), the one source of wall time of Watchword's clock.py, is to be off, and is read each time.
"""

import runpy
import sys
import time
from pathlib import Path


class FakeClock:
    """A clock that is off by so many seconds."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, seconds_off: int) -> None:
        """Set it, as from now on: a step, as NTP's when it finds a clock far off."""
        beside = self._file.with_suffix(".new")
        beside.write_text(str(seconds_off), encoding="ascii")
        beside.replace(self._file)

    def command(self, module: str, *arguments: str | Path) -> list[str | Path]:
        """Return the command that runs `python -m module …` by this clock."""
        return [sys.executable, __file__, self._file, module, *arguments]


def _main() -> None:
    file = Path(sys.argv[1])
    true_time = time.time
    time.time = lambda: true_time() + int(file.read_bytes())
    del sys.argv[:2], sys.path[0]  # the directory of this file, where `python -m` would not look
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
