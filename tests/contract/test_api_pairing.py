"""A pairing in two steps that many try to finish at once, on both databases."""

import os
import threading
from collections.abc import Callable

import pytest

from tests.contract.world import Server, World
from tests.harness.one_time_codes import oathtool_code
from watchword.services.api_pairing import GUESSES, CannotPair, TwoStepPairer
from watchword.services.throttle import Throttle
from watchword.store.sealing import Sealer

AT_ONCE = 8


def pairer_of(world: World, server: Server) -> TwoStepPairer:
    return TwoStepPairer(
        server.store,
        Sealer(server.keyring),
        server.pairer,
        Throttle(server.store, clock=world.clock),
        clock=world.clock,
        random_octets=lambda count: bytes(range(count)) if count == 20 else os.urandom(count),
        issuer="Test",
        drift_seconds=300,
        text="{code}",
    )


@pytest.fixture
def portals(world: World) -> list[TwoStepPairer]:
    return [pairer_of(world, world.another_server(f"portal{n}")) for n in range(2)]


def all_at_once(work: Callable[[int], object]) -> int:
    """Do a work in several threads; answers how many of them were not refused."""
    barrier, done = threading.Barrier(AT_ONCE), []

    def run(number: int) -> None:
        barrier.wait()
        try:
            work(number)
        except CannotPair:
            return
        done.append(number)

    threads = [threading.Thread(target=run, args=[number]) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(done)


def test_of_many_right_proofs_at_once_one_pairs(world: World, portals: list[TwoStepPairer]) -> None:
    handle = portals[0].begin_soft("alice").handle
    code = oathtool_code(bytes(range(20)).hex(), world.clock.seconds)
    assert all_at_once(lambda number: portals[number % 2].prove("alice", handle, code)) == 1
    assert len(world.server.administrator.view("alice").tokens) == 1


def test_many_guesses_at_once_are_no_more_than_one_after_another(world: World, portals: list[TwoStepPairer]) -> None:
    handle = portals[0].begin_soft("alice").handle
    assert all_at_once(lambda number: portals[number % 2].prove("alice", handle, "000000")) == 0
    with world.server.database.engine.connect() as connection:
        spent = connection.exec_driver_sql("SELECT count(*) FROM used_once").scalar_one()
    assert spent == GUESSES
    code = oathtool_code(bytes(range(20)).hex(), world.clock.seconds)
    with pytest.raises(CannotPair):
        portals[0].prove("alice", handle, code)
