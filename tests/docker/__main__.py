"""Build the centre of docker/, bring it up, use it, break it, take it down; a line for each thing shown.

An engine that runs is used; if none does, one is started, and everything of it is gone at the end. Needs root.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import SubprocessError

from tests.docker.centre import Centre, centre
from tests.docker.engine import Engine, engine
from tests.docker.person import Person
from tests.docker.proofs import FRESH, PAIRED

MEGABYTE = 1_000_000


class Show:
    """Prints lines with the time since the beginning, and how long each thing took."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._last = self._begun

    def line(self, what: str, seen: str = "") -> None:
        """Print one."""
        now = time.monotonic()
        print(f"{now - self._begun:7.1f} s  {now - self._last:+7.1f}  {what}{': ' if seen else ''}{seen}", flush=True)
        self._last = now


def main() -> int:
    """Run it all; the exit status is 0 if all was shown."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    if os.geteuid() != 0:
        print("docker-test: must be run as root", file=sys.stderr)
        return 1
    os.umask(0o022)
    # As Ctrl-C does: whatever was made is undone.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    show = Show()
    try:
        with _directory() as directory:
            _run(directory, show)
    except (AssertionError, OSError, RuntimeError, SubprocessError, KeyError) as error:
        show.line("FAILED", f"{type(error).__name__}: {error}")
        return 1
    show.line("everything was shown, and is taken down")
    return 0


def _run(directory: Path, show: Show) -> None:
    """Build, bring up, and show."""
    with engine(directory) as (running, which):
        show.line("engine", which)
        show.line("debian:bookworm-slim", running.get_base_image())
        with centre(running, directory) as ours:
            ours.run("build")
            show.line("images are built", _sizes(running, ours.project))
            try:
                ours.run("up")
                show.line("it is up")
                _prove(ours, show)
            except AssertionError:
                print(ours.run("logs", "--tail", "30"), flush=True)
                raise
            ours.run("down", "--volumes")
            assert ours.containers() == {}
            show.line("it is down, with its data")


def _prove(ours: Centre, show: Show) -> None:
    for shown in FRESH:
        show.line(_title(shown.__name__), shown(ours))
    alice = Person(ours, "alice")
    alice.pair()
    show.line("alice is paired by the operators' command")
    for proof in PAIRED:
        show.line(_title(proof.__name__), proof(ours, alice))


def _title(name: str) -> str:
    return name.replace("_", " ")


def _sizes(running: Engine, project: str) -> str:
    """Return the size of each image of ours, in MB as docker counts them, and of what all of them begin with."""
    names = [line for line in running.run("docker", "images", "--format", "{{.Repository}}").split() if project in line]
    sizes = {
        name.removeprefix(f"{project}-"): int(running.run("docker", "image", "inspect", "-f", "{{.Size}}", name))
        for name in sorted([*names, "debian:bookworm-slim"])
    }
    return ", ".join(f"{name} {size / MEGABYTE:.0f} MB" for name, size in sizes.items())


@contextmanager
def _directory() -> Iterator[Path]:
    """Give a directory; remove it, however deep an engine has built in it."""
    directory = Path(tempfile.mkdtemp(prefix="watchword-docker-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
