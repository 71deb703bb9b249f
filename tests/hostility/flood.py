"""Measure what a flood does to real logins. Run by `make hostility`; some three minutes."""

import functools
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.server_under_fire import resident_octets
from tests.harness.mariadb import running_mariadb
from tests.harness.ports import LOOPBACK
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.watchword_command import Watchword
from tests.hostility.attackers import NEIGHBOURS, STRANGER, Flood, flood, rightly_signed, rubbish, wrongly_signed
from tests.hostility.centre import services_of
from tests.hostility.half_begun import leave_half_begun
from tests.hostility.load import Load, pair_people, real_load

SECONDS_OF_EACH = 15.0
HALF_BEGUN = 100_000
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class FewClients(ServerSettings):
    """Settings in which 127.0.0.1 is a client, 127.0.0.2 to .7 are another, and the rest of loopback strangers."""

    def write(self, name: str, port: int, *, workers: int = 1) -> Watchword:
        """Write the file as others do, with narrower networks."""
        watchword = super().write(name, port, workers=workers)
        text = watchword.config.read_text(encoding="utf-8")
        neighbours = f'[[radius.client]]\nname = "neighbours"\nnetwork = "127.0.0.0/29"\nsecret = "{self.secret}"\n'
        text = text.replace('"127.0.0.0/8"', '"127.0.0.1/32"') + neighbours
        watchword.config.write_text(text, encoding="utf-8")
        return watchword


@dataclass(frozen=True)
class Vitals:
    """How a server stands."""

    cpu_seconds: float
    resident_octets: int
    dropped: int
    """Packets for which there was no room in its socket's buffer."""
    log_octets: int

    @classmethod
    def of(cls, server: RadiusServer) -> "Vitals":
        """Look them up."""
        fields = Path(f"/proc/{server.server.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        cpu = (int(fields[11]) + int(fields[12])) / CLOCK_TICKS
        return cls(cpu, resident_octets(server), dropped(server.port), server.server.log.stat().st_size)


def dropped(port: int) -> int:
    """Look up how many packets found no room in the buffer of a UDP socket of 127.0.0.1 (proc(5))."""
    return sum(int(row[-1]) for row in _sockets(port))


def _sockets(port: int) -> list[list[str]]:
    wanted = f"0100007F:{port:04X}"
    rows = (line.split() for line in Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:])
    return [row for row in rows if row[1] == wanted]


def neighbour_apart(server: RadiusServer) -> str:
    """Find a client's address whose packets wait in another lane than 127.0.0.1's."""
    while _with_packets(server.port):  # what the last flood left
        time.sleep(0.01)
    os.kill(server.server.pid, signal.SIGSTOP)
    try:
        _send_rubbish(server.port, LOOPBACK)
        for neighbour in NEIGHBOURS:
            _send_rubbish(server.port, neighbour)
            if _with_packets(server.port) > 1:
                return neighbour
    finally:
        os.kill(server.server.pid, signal.SIGCONT)
    raise RuntimeError("all clients share one lane")


def _with_packets(port: int) -> int:
    """Count the sockets in whose buffer something waits."""
    return sum(row[4].partition(":")[2] != "00000000" for row in _sockets(port))


def _send_rubbish(port: int, source: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        sender.sendto(b"rubbish", (LOOPBACK, port))


@contextmanager
def running_centre(directory: Path, settings: ServerSettings) -> Iterator[tuple[RadiusServer, dict[str, str]]]:
    """Give a server, and the codes of people who can log in."""
    with running_radius_server(settings) as server:
        with services_of(server) as services:
            codes = pair_people(services)
        yield server, codes


def measure_floods() -> None:
    """Measure calm, each flood, and half-begun logins; print a line or two for each."""
    with ExitStack() as undo:
        directory = Path(undo.enter_context(tempfile.TemporaryDirectory()))
        (database := directory / "mariadb").mkdir()
        mariadb = undo.enter_context(running_mariadb(database))
        settings = FewClients(directory, mariadb.create_database())
        server, codes = undo.enter_context(running_centre(directory, settings))
        neighbour = neighbour_apart(server)
        floods: dict[str, Callable[[], AbstractContextManager[Flood | None]]] = {
            "calm": nullcontext,
            "rubbish from an address that is no client's": lambda: flood(server.port, rubbish, STRANGER),
            "rubbish from another client's address": lambda: flood(server.port, rubbish, neighbour),
            "logins signed with another secret, from another client's address": lambda: flood(
                server.port, wrongly_signed, neighbour
            ),
            "wrong codes, rightly signed, from another client's address": lambda: flood(
                server.port, functools.partial(rightly_signed, server.secret), neighbour
            ),
            "rubbish from these people's own client's address": lambda: flood(server.port, rubbish),
            "logins signed with another secret, from there": lambda: flood(server.port, wrongly_signed),
            "calm again": nullcontext,
        }
        for name, begin in floods.items():
            print(f"{name}:", flush=True)
            _measure_flood(server, codes, begin)
        print(f"{HALF_BEGUN} half-begun logins:", flush=True)
        _measure_half_begun(server, codes)


def _measure_flood(
    server: RadiusServer, codes: dict[str, str], begin: Callable[[], AbstractContextManager[Flood | None]]
) -> None:
    before = Vitals.of(server)
    with begin() as attack, real_load(server, codes) as load:
        time.sleep(SECONDS_OF_EACH)  # what is measured is this very time
    _report(before, Vitals.of(server), load)
    if attack is not None:
        _report_attack(before, Vitals.of(server), attack)


def _report_attack(before: Vitals, after: Vitals, attack: Flood) -> None:
    sent, lost = attack.sent.value, after.dropped - before.dropped
    cost = (after.cpu_seconds - before.cpu_seconds) / max(sent - lost, 1)
    print(
        f"  {sent} packets, {attack.rate:.0f} a second; {lost} found no room ({lost / sent:.1%}); "
        f"CPU for each that was read, logins included: {cost * 1e6:.0f} µs",
        flush=True,
    )


def _measure_half_begun(server: RadiusServer, codes: dict[str, str]) -> None:
    before = Vitals.of(server)
    start = time.monotonic()
    with real_load(server, codes, at_once=2) as load:  # in this very process, whose time the attack needs
        challenged = leave_half_begun(server, HALF_BEGUN)
    rate = challenged / (time.monotonic() - start)
    _report(before, Vitals.of(server), load)
    print(f"  {challenged} were challenged, {rate:.0f} a second, and none was answered")


def _report(before: Vitals, after: Vitals, load: Load) -> None:
    print(f"  {load}")
    print(
        f"  memory {before.resident_octets / 2**20:.0f} MiB before, {after.resident_octets / 2**20:.0f} MiB after; "
        f"log grew by {after.log_octets - before.log_octets} octets",
        flush=True,
    )
