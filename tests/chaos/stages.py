"""The stages, each with the scenarios that are played on it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.centre import Centre, Scenario, opened_centre
from tests.chaos.pace import Pace
from tests.chaos.scenarios import clocks, database, galera, network, outside, servers, upkeep
from tests.harness.fake_clock import FakeClock
from tests.harness.galera import running_galera
from tests.harness.mortal_mariadb import mortal_mariadb
from tests.twilio_server import twilio_server

SERVERS = 3


@dataclass(frozen=True)
class Stage:
    """A centre, and what is done to it, by name."""

    centre: Centre
    scenarios: Mapping[str, Scenario]


Play = Callable[[Path, Pace], AbstractContextManager[Stage]]


@contextmanager
def common(directory: Path, pace: Pace) -> Iterator[Stage]:
    """Give three RADIUS servers, each with a clock of its own and one with two workers, on one MariaDB."""
    with ExitStack() as undo:
        twilio = undo.enter_context(twilio_server())
        mariadb = undo.enter_context(mortal_mariadb(_made(directory / "mariadb")))
        own = [FakeClock(directory / f"clock{number}") for number in range(SERVERS)]
        sms = outside.twilio_toml(twilio)
        centre = undo.enter_context(opened_centre(directory, pace, [mariadb], workers=(1, 1, 2), more=sms, clocks=own))
        of_servers = clocks.Clocks(own)
        yield Stage(
            centre,
            {
                "nothing": servers.nothing,
                "RADIUS servers killed": servers.one_after_the_other,
                "RADIUS workers killed": servers.workers,
                "rolling restart": upkeep.rolling_restart,
                "keys rotated, SIGHUP": upkeep.keys,
                "MariaDB killed": database.killed,
                "MariaDB frozen": database.frozen,
                "MariaDB read-only": database.read_only,
                "clocks jump": of_servers.step,
                "clocks far off": of_servers.far_off,
                "bad network": network.bad,
                "late answers": network.late,
                "forged answers": network.forgeries,
                "Twilio": outside.Carrier(twilio).moody,
                "LDAP hangs": outside.directory_hangs,
            },
        )


@contextmanager
def small_disk(directory: Path, pace: Pace) -> Iterator[Stage]:
    """Give two RADIUS servers on a MariaDB whose disk is small."""
    with ExitStack() as undo:
        disk = undo.enter_context(database.small_disk(_made(directory / "mariadb")))
        mariadb = undo.enter_context(mortal_mariadb(disk, database.SMALL_STEPS, install_options=(database.ONE_FILE,)))
        centre = undo.enter_context(opened_centre(directory, pace, [mariadb], workers=(1, 1)))
        yield Stage(centre, {"MariaDB's disk full": database.full})


@contextmanager
def cluster(directory: Path, pace: Pace) -> Iterator[Stage]:
    """Give three RADIUS servers, each on its own node of a Galera cluster."""
    with ExitStack() as undo:
        nodes = undo.enter_context(running_galera(SERVERS))
        centre = undo.enter_context(opened_centre(_made(directory), pace, nodes.nodes, workers=(1,) * SERVERS))
        of_nodes = galera.Cluster(nodes)
        yield Stage(
            centre,
            {
                "the same code at three servers": of_nodes.races,
                "Galera nodes killed": of_nodes.one_after_the_other,
                "Galera's majority lost": of_nodes.majority_lost,
            },
        )


STAGES: tuple[Play, ...] = (common, small_disk, cluster)


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory
