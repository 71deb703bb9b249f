"""One portal for all the tests of a module: each finds it as if it were new."""

import shutil

from tests.contract.world import START
from tests.web.world import KnownPeople, PortalWorld
from watchword.store.schema import metadata


def clean(world: PortalWorld) -> PortalWorld:
    """Take all rows, messages and memories of them from a portal, and set its clock to the beginning."""
    with world.desk.store.database.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    shutil.rmtree(world.directory / "anchors")
    (world.directory / "anchors").mkdir()
    (world.directory / "messages").unlink(missing_ok=True)
    world.people.people = KnownPeople().people
    world.clock.seconds = START
    return world
