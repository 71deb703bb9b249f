"""Files of seeds: they wait, are looked at, and come in whole or not at all; on both databases."""

import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy

from tests.contract.world import SECRET, Server, World
from tests.harness.mariadb import Mariadb
from watchword.domain.errors import Conflict, NotFound
from watchword.domain.otp import Algorithm, OtpProfile
from watchword.domain.outcome import Granted
from watchword.domain.seeds import SeedRow
from watchword.services.actor import Actor
from watchword.services.import_fobs import WAIT_SECONDS, FobImporter
from watchword.store.keyring import promote, read_keys, write_keys

ADA = Actor("ada", "delivery of May", "198.51.100.7")

_serials = itertools.count(2_600_124_800_000)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("mariadb", marks=pytest.mark.slow)])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all tests here: a schema takes longer to make than any of them runs."""
    directory = tmp_path_factory.mktemp("world")
    if request.param == "mariadb":
        mariadb: Mariadb = request.getfixturevalue("mariadb")
        url = mariadb.create_database()
    else:
        url = f"sqlite:///{directory / 'watchword.db'}"
    world = World(url, directory)
    yield world
    world.close()


@pytest.fixture
def server(world: World) -> Server:
    """The world's server, with no file that waits."""
    with world.server.database.engine.begin() as connection:
        for table in ("staged_seeds", "seed_imports"):
            connection.execute(sqlalchemy.text(f"DELETE FROM {table}"))
    return world.server


def fobs(count: int) -> list[SeedRow]:
    """Make fobs that nobody else has."""
    minute = OtpProfile(6, 60)
    return [SeedRow(str(next(_serials)), SECRET, minute, drift_steps=1) for _ in range(count)]


def importer(server: Server) -> FobImporter:
    return FobImporter(server.store, clock=server.clock, random_octets=os.urandom)


def upload(server: Server, seeds: Sequence[SeedRow], operator: str = "ada") -> str:
    begun = importer(server).begin(operator, "fobs\n.csv", len(seeds))
    assert importer(server).stage(begun.import_id, seeds)
    return begun.import_id


def rows_of(server: Server, table: str) -> int:
    with server.database.engine.connect() as connection:
        return int(connection.execute(sqlalchemy.text(f"SELECT COUNT(*) FROM {table}")).scalar_one())


def test_what_waits_is_shown_without_a_seed_and_counts_for_nothing(server: Server) -> None:
    before = rows_of(server, "tokens")
    seeds = [*fobs(12), SeedRow("X1", SECRET, OtpProfile(8, 30, Algorithm.SHA256))]
    preview = importer(server).preview(upload(server, seeds), "ada")
    assert preview.is_complete and preview.waiting.file_name == "fobs.csv"
    assert [fob.serial for fob in preview.first][:2] == [seeds[0].serial, seeds[1].serial]
    assert preview.profiles == [(OtpProfile(6, 60), 12), (OtpProfile(8, 30, Algorithm.SHA256), 1)]
    assert (preview.clashes, preview.clash_count) == ([], 0)
    assert SECRET.hex() not in repr(preview) and repr(SECRET) not in repr(preview)
    assert rows_of(server, "tokens") == before


def test_what_is_confirmed_lies_in_the_drawer_and_can_be_given_out(world: World, server: Server) -> None:
    seeds = fobs(2500)
    assert importer(server).confirm(upload(server, seeds), ADA) == 2500
    assert rows_of(server, "staged_seeds") == rows_of(server, "seed_imports") == 0
    token = server.administrator.token(seeds[-1].serial)
    assert (token.kind, token.account, token.drift_steps, token.enabled) == ("hard", "", 1, True)
    server.pairer.assign(seeds[-1].serial, "bob")
    code = world.code(period_seconds=60, offset_seconds=60)
    assert isinstance(server.one_shot("bob", code), Granted)


def test_what_is_confirmed_is_in_the_audit_log_with_who_why_and_from_where(server: Server) -> None:
    importer(server).confirm(upload(server, fobs(3)), ADA)
    ((_, chained),) = server.reporter.newest(1)
    event = chained.event
    assert (event.kind, event.reason, event.actor) == ("administration", "3 fobs imported", "ada")
    assert (event.detail, event.address) == ("fobs.csv: delivery of May", "198.51.100.7")
    assert [report.fault for report in server.reporter.verify() if report.fault] == []


def test_a_file_comes_in_once(server: Server) -> None:
    import_id = upload(server, fobs(3))
    importer(server).confirm(import_id, ADA)
    after = rows_of(server, "tokens")
    with pytest.raises(NotFound):
        importer(server).confirm(import_id, ADA)
    assert rows_of(server, "tokens") == after


def test_two_confirmations_at_once_bring_a_file_in_once(world: World, server: Server) -> None:
    import_id = upload(server, fobs(50))
    before = rows_of(server, "tokens")
    together = threading.Barrier(2)

    def confirm(name: str) -> int:
        other = world.another_server(name)
        together.wait()
        try:
            return importer(other).confirm(import_id, ADA)
        except NotFound:
            return 0

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(confirm, ("left", "right"))) == [0, 50]
    assert rows_of(server, "tokens") == before + 50


def test_a_serial_that_is_taken_is_shown_and_keeps_the_whole_file_out(server: Server) -> None:
    taken = fobs(1)
    importer(server).confirm(upload(server, taken), ADA)
    before = rows_of(server, "tokens")
    import_id = upload(server, [*fobs(4), *taken])
    preview = importer(server).preview(import_id, "ada")
    assert (preview.clashes, preview.clash_count) == ([taken[0].serial], 1)
    with pytest.raises(Conflict, match=f"{taken[0].serial} already; nothing was imported"):
        importer(server).confirm(import_id, ADA)
    assert rows_of(server, "tokens") == before
    assert importer(server).preview(import_id, "ada").clash_count == 1, "it still waits"


def test_a_file_is_its_operators_alone(server: Server) -> None:
    import_id = upload(server, fobs(2))
    with pytest.raises(NotFound):
        importer(server).preview(import_id, "eve")
    with pytest.raises(NotFound):
        importer(server).discard(import_id, "eve")
    with pytest.raises(NotFound):
        importer(server).confirm(import_id, Actor("eve", "because"))
    assert importer(server).confirm(import_id, ADA) == 2


def test_a_file_that_is_not_all_there_cannot_be_confirmed(server: Server) -> None:
    before = rows_of(server, "tokens")
    begun = importer(server).begin("ada", "fobs.csv", 4)
    importer(server).stage(begun.import_id, fobs(3))
    preview = importer(server).preview(begun.import_id, "ada")
    assert not preview.is_complete and (preview.waiting.staged, preview.waiting.fobs) == (3, 4)
    with pytest.raises(NotFound):
        importer(server).confirm(begun.import_id, ADA)
    assert rows_of(server, "tokens") == before


def test_a_file_that_nobody_confirms_goes_after_a_quarter_of_an_hour(world: World, server: Server) -> None:
    import_id = upload(server, fobs(2))
    world.clock.seconds += WAIT_SECONDS
    with pytest.raises(NotFound):
        importer(server).confirm(import_id, ADA)
    with pytest.raises(NotFound):
        importer(server).preview(import_id, "ada")
    upload(server, fobs(1))
    assert importer(server).prune() == 1
    assert (rows_of(server, "seed_imports"), rows_of(server, "staged_seeds")) == (1, 1)


def test_a_file_that_is_discarded_while_it_comes_in_leaves_nothing(server: Server) -> None:
    begun = importer(server).begin("ada", "fobs.csv", 4)
    importer(server).stage(begun.import_id, fobs(2))
    importer(server).discard(begun.import_id, "ada")
    assert not importer(server).stage(begun.import_id, fobs(2))
    assert (rows_of(server, "seed_imports"), rows_of(server, "staged_seeds")) == (0, 0)


def test_a_file_that_was_staged_under_another_key_has_to_come_again(world: World, server: Server) -> None:
    before = rows_of(server, "tokens")
    import_id = upload(server, fobs(2))
    path = world.directory / "keyring"
    write_keys(path, promote(read_keys(path), 2))
    server.keyring.refresh()
    with pytest.raises(Conflict, match="keys were rotated"):
        importer(server).confirm(import_id, ADA)
    assert rows_of(server, "tokens") == before


def test_no_seed_stands_in_the_store_in_the_clear(server: Server) -> None:
    upload(server, fobs(2))
    with server.database.engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text("SELECT * FROM staged_seeds")).all()
    assert rows and not any(SECRET in bytes(row.sealed_secret) for row in rows)
