"""RADIUS servers that can be killed and begun again, each on a port of its own."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.harness.fake_clock import FakeClock
from tests.harness.ports import free_udp_port
from tests.harness.processes import Server
from tests.harness.radius_server import ServerSettings

READY = "answering on"


class MortalRadiusServer:
    """A RADIUS server whose process ends and begins, with the same configuration and the same port."""

    def __init__(
        self,
        settings: ServerSettings,
        name: str,
        *,
        workers: int = 1,
        clock: FakeClock | None = None,
    ) -> None:
        self.name = name
        self.port = free_udp_port()
        self.watchword = settings.write(name, self.port, workers=workers)
        self._directory = settings.directory
        self._workers = workers
        self._clock = clock
        self._server: Server | None = None
        self._starts = 0

    def start(self) -> None:
        """Begin the process."""
        self._starts += 1
        config = self.watchword.config
        # What `watchword radius` becomes, without the time that the command line takes.
        argv: list[str | Path] = [sys.executable, "-P", "-m", "watchword_radius", config]
        if self._clock is not None:
            argv = self._clock.command("watchword_radius", config)
        log = self._directory / f"{self.name}-{self._starts}.log"
        self._server = Server(argv, log)

    def wait_ready(self) -> None:
        """Wait until every worker listens."""
        self.process.wait_until(lambda: self.process.log_text().count(READY) >= self._workers)

    @property
    def process(self) -> Server:
        """The process that runs now; with several workers, their supervisor."""
        assert self._server is not None
        return self._server

    def kill(self) -> None:
        """End it, workers and all, as `kill -9` does."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.stop()

    def kill_worker(self, number: int) -> None:
        """End one of the workers as `kill -9` does; their supervisor is to begin it anew."""
        children = self.workers()
        with suppress(ProcessLookupError, IndexError):
            os.kill(children[number % len(children)] if children else self.process.pid, signal.SIGKILL)

    def workers(self) -> list[int]:
        """List the process ids of the workers."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def restart(self) -> None:
        """Stop it in good order (SIGTERM), begin it again, and wait until it listens."""
        self.process.stop()
        self.start()
        self.wait_ready()

    def stop(self) -> None:
        """End it in good order."""
        if self._server is not None:
            self.process.stop()


@contextmanager
def radius_fleet(servers: Sequence[MortalRadiusServer]) -> Iterator[Sequence[MortalRadiusServer]]:
    """Let servers run as long as the block. The keyring and the schema must be there."""
    with ExitStack() as undo:
        for server in servers:
            server.start()
            undo.callback(server.stop)
        for server in servers:
            server.wait_ready()
        yield servers
