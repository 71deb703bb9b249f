"""The keeper of this checkout, run as systemd would run it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.processes import Server, running
from tests.harness.watchword_command import COMMAND, Watchword


@contextmanager
def running_keeper(watchword: Watchword, path: Path) -> Iterator[Server]:
    """Give a keeper that answers at `path`, which the command's configuration names in [portal] keeper_socket."""
    argv: list[str | Path] = [COMMAND, "--config", watchword.config, "keeper"]
    with running(argv, watchword.config.with_suffix(".keeper.log")) as server:
        server.wait_until(lambda: _answers(path))
        yield server


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
