"""The schema that the steps build is the one that the code speaks to."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from tests.contract.world import Server, World
from tests.harness.mariadb import Mariadb
from watchword.domain.outcome import Granted
from watchword.store import migrate
from watchword.store.database import Database
from watchword.store.schema import metadata


def test_the_steps_build_exactly_the_schema_of_the_code(world: World) -> None:
    with world.server.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_an_upgrade_can_be_repeated_and_ends_at_the_newest_revision(world: World) -> None:
    migrate.upgrade(world.server.database)
    assert migrate.current_revision(world.server.database) == migrate.newest_revision() != ""


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_a_database_of_an_earlier_version_is_brought_up_and_keeps_its_pairings(
    world: World, server: Server, revision: str
) -> None:
    server.database.write(lambda connection: command.downgrade(migrate._config(connection), revision))
    assert migrate.current_revision(server.database) == revision
    migrate.upgrade(server.database)
    assert isinstance(server.one_shot("alice", world.code()), Granted)


def test_a_database_is_new_enough_and_its_commits_last(world: World) -> None:
    facts = world.server.database.facts()
    assert facts.is_new_enough and facts.is_durable


@pytest.mark.slow
def test_a_mariadb_that_keeps_commits_in_memory_is_found_out(mariadb: Mariadb) -> None:
    database = Database(mariadb.create_database())
    mariadb.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
    try:
        assert not database.facts().is_durable
    finally:
        mariadb.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
        database.close()
