"""Measure what a flood does to real logins. Run by `make hostility`; some two minutes."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.server_under_fire import resident_octets
from tests.harness.mariadb import running_mariadb
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.watchword_command import Watchword
from tests.hostility.attackers import STRANGER, Flood, flood, rubbish, wrongly_signed
from tests.hostility.centre import services_of
from tests.hostility.half_begun import leave_half_begun
from tests.hostility.load import Load, pair_people, real_load

SECONDS_OF_EACH = 15.0
HALF_BEGUN = 100_000
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class OneClient(ServerSettings):
    """Settings in which 127.0.0.1 is a client, and the rest of loopback a stranger."""

    def write(self, name: str, port: int, *, workers: int = 1) -> Watchword:
        """Write the file as others do, with a narrower network."""
        watchword = super().write(name, port, workers=workers)
        text = watchword.config.read_text(encoding="utf-8")
        watchword.config.write_text(text.replace('"127.0.0.0/8"', '"127.0.0.1/32"'), encoding="utf-8")
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
    wanted = f"0100007F:{port:04X}"
    rows = (line.split() for line in Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:])
    return sum(int(row[-1]) for row in rows if row[1] == wanted)


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
        settings = OneClient(directory, mariadb.create_database())
        server, codes = undo.enter_context(running_centre(directory, settings))
        floods: dict[str, Callable[[], AbstractContextManager[Flood | None]]] = {
            "calm": nullcontext,
            "rubbish from an address that is no client's": lambda: flood(server.port, rubbish, STRANGER),
            "rubbish from a client's address": lambda: flood(server.port, rubbish),
            "logins signed with another secret, from a client's address": lambda: flood(server.port, wrongly_signed),
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
