"""Debian's radclient, with a file of requests made beforehand."""

import re
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.people import Crowd, name_of
from tests.harness.ports import LOOPBACK

IN_FLIGHT = 64
FIRST_LOGINS = 2000
POLL_SECONDS = 0.0005
SUMMARY = re.compile(r"^\s*Accepted\s*:\s*(\d+)", re.MULTILINE)


class LoadError(AssertionError):
    """Not every request was granted: what was measured is not what was meant."""


@dataclass(frozen=True)
class Target:
    """A RADIUS server that is asked."""

    port: int
    secret: str


class Radclient:
    """A RADIUS server under load, asked for one account's login after the other, always 64 in flight.

    `sources` is how many radclients share the work. Each has one socket, and all that comes from one socket goes to one
    of a server's workers.
    """

    def __init__(self, target: Target, crowd: Crowd, directory: Path, *, sources: int = 1) -> None:
        self._target = target
        self._crowd = crowd
        self._directory = directory
        self._sources = sources
        self._rate = 0.0

    def __call__(self, seconds: float) -> float:
        """Run logins for about so many seconds; return how many were granted a second."""
        self._rate = self.run(int(self._rate * seconds) or FIRST_LOGINS)
        return self._rate

    def run(self, count: int) -> float:
        """Run so many logins; return how many were granted a second. Raises LoadError if one was not."""
        return self.run_logins(self._crowd.codes(count))

    def run_logins(self, logins: Iterable[tuple[int, str]]) -> float:
        """The same with the caller's own."""
        requests = [one_shot(number, code) for number, code in logins]
        clients = [self._start(source, requests[source :: self._sources]) for source in range(self._sources)]
        start = _first_packet(clients[0])
        outputs = [client.communicate()[0] for client in clients]
        seconds = time.perf_counter() - start
        accepted = sum(int(found[1]) for output in outputs if (found := SUMMARY.search(output)))
        if accepted != len(requests):
            raise LoadError(f"radclient had {accepted} of {len(requests)} accepted:\n{outputs[0][-500:]}")
        return len(requests) / seconds

    def _start(self, source: int, requests: list[str]) -> subprocess.Popen[str]:
        file = self._directory / f"requests{source}"
        file.write_text("\n".join(requests), encoding="ascii")
        options = ["-q", "-s", "-p", str(IN_FLIGHT // self._sources), "-r", "3", "-t", "5", "-f", str(file)]
        server = f"{LOOPBACK}:{self._target.port}"
        argv = ["radclient", *options, server, "auth", self._target.secret]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def one_shot(number: int, code: str) -> str:
    """Write a one-shot login as radclient reads it."""
    return (
        f'Message-Authenticator = 0x00\nUser-Name = "{name_of(number)}"\nUser-Password = "{code}"\n'
        'NAS-Identifier = "login1"\nCalling-Station-Id = "192.0.2.7"\n'
    )


def _first_packet(process: subprocess.Popen[str]) -> float:
    """Return when radclient had read its file: it opens its socket then, and sends at once."""
    descriptors = Path(f"/proc/{process.pid}/fd")
    while process.poll() is None:
        try:
            if any(str(entry.readlink()).startswith("socket:") for entry in descriptors.iterdir()):
                break
        except OSError:  # closed while we looked
            continue
        time.sleep(POLL_SECONDS)
    return time.perf_counter()
