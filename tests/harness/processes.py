"""A server in the foreground, its log, and its end."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

STOP_SECONDS = 15
POLL_SECONDS = 0.02


class ServerError(AssertionError):
    """A server did not start, or ended by itself; the message has the end of its log."""


class Server:
    """A running server process, the leader of its own process group."""

    def __init__(self, argv: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        self._name = Path(argv[0]).name
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else {**os.environ, **environment},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def log_text(self) -> str:
        """Return what the server has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until(self, ready: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until `ready`; raises ServerError if the server ends first or the time is up."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_running:
                raise ServerError(f"{self._name} ended with status {self._process.returncode}:\n{self.log_text()}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self._name} was not ready in {seconds} s:\n{self.log_text()}")
            time.sleep(POLL_SECONDS)

    def send(self, signal_number: signal.Signals) -> None:
        """Send a signal to the server, not to its children."""
        self._process.send_signal(signal_number)

    def stop(self) -> int:
        """End the server, and what it left in its process group; return its exit status."""
        self._process.terminate()
        try:
            status = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill_group()
            status = self._process.wait()
        self._kill_group()
        return status

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


@contextmanager
def running(argv: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Give a server that runs as long as the block."""
    server = Server(argv, log, environment)
    try:
        yield server
    finally:
        server.stop()
