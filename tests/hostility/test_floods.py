"""Under a flood nobody gets what is not theirs, nothing grows without bound, and afterwards all is as before."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.harness.radius_server import RadiusServer
from tests.hostility.attackers import STRANGER, flood, rightly_signed, rubbish, wrongly_signed
from tests.hostility.flood import FewClients, Vitals, neighbour_apart, running_centre
from tests.hostility.half_begun import leave_half_begun
from tests.hostility.load import await_logins, real_load

pytestmark = pytest.mark.slow

PACKETS = 60_000
HALF_BEGUN = 2000
LOGINS = 30
MOST_LOG_OCTETS = 20_000
MOST_GROWTH_OCTETS = 64 * 2**20


@dataclass(frozen=True)
class Centre:
    """A server, and people who can log in."""

    server: RadiusServer
    codes: dict[str, str]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    directory = tmp_path_factory.mktemp("flood")
    settings = FewClients(directory, f"sqlite:///{directory / 'watchword.db'}")
    with running_centre(directory, settings) as (server, codes):
        yield Centre(server, codes)


def people_log_in(centre: Centre) -> None:
    with real_load(centre.server, centre.codes) as load:
        await_logins(load, LOGINS, lambda: centre.server.server.is_running)
    assert load.count("granted", right=True) > 0
    assert load.count("refused", right=True) == load.count("granted", right=False) == 0
    assert load.count("unanswered", right=True) == 0


@pytest.mark.parametrize(
    ("make", "source"), [(rubbish, STRANGER), (rubbish, "127.0.0.1"), (wrongly_signed, "127.0.0.1")]
)
def test_a_flood_opens_no_door_and_leaves_nothing_behind(
    centre: Centre, make: Callable[[], list[bytes]], source: str
) -> None:
    before = Vitals.of(centre.server)
    with real_load(centre.server, centre.codes) as load, flood(centre.server.port, make, source) as attack:
        attack.await_packets(PACKETS)
    assert load.count("refused", right=True) == load.count("granted", right=False) == 0
    people_log_in(centre)
    after = Vitals.of(centre.server)
    assert after.log_octets - before.log_octets < MOST_LOG_OCTETS
    assert after.resident_octets - before.resident_octets < MOST_GROWTH_OCTETS


@pytest.mark.parametrize("make", [rubbish, wrongly_signed])
def test_a_flood_from_one_node_leaves_the_logins_of_another_their_room(
    centre: Centre, make: Callable[[], list[bytes]]
) -> None:
    with flood(centre.server.port, make, neighbour_apart(centre.server)) as attack:
        attack.await_packets(PACKETS)  # the attacker's lane is full
        people_log_in(centre)


def test_a_node_that_asks_without_end_keeps_nobody_elses_logins_from_their_turn(centre: Centre) -> None:
    make = functools.partial(rightly_signed, centre.server.secret)
    with flood(centre.server.port, make, neighbour_apart(centre.server)) as attack:
        attack.await_packets(PACKETS)  # as much of it waits as may
        people_log_in(centre)


def test_logins_that_are_never_finished_cost_no_memory_and_stop_nobody(centre: Centre) -> None:
    before = Vitals.of(centre.server)
    with real_load(centre.server, centre.codes) as load:
        assert leave_half_begun(centre.server, HALF_BEGUN) == HALF_BEGUN
        await_logins(load, LOGINS, lambda: centre.server.server.is_running)
    assert load.count("unanswered", right=True) == load.count("refused", right=True) == 0
    assert Vitals.of(centre.server).resident_octets - before.resident_octets < MOST_GROWTH_OCTETS
