"""The schema that the steps build is the one that the code speaks to."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from tests.contract.world import World
from watchword.store import migrate
from watchword.store.schema import metadata


def test_the_steps_build_exactly_the_schema_of_the_code(world: World) -> None:
    with world.server.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_an_upgrade_can_be_repeated_and_ends_at_the_newest_revision(world: World) -> None:
    migrate.upgrade(world.server.database)
    assert migrate.current_revision(world.server.database) == migrate.newest_revision() != ""
