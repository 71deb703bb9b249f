"""The two databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.world import SECRET, Server, World
from tests.harness.mariadb import Mariadb


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.slow)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A world on each database, with one server."""
    if request.param == "mariadb":
        mariadb: Mariadb = request.getfixturevalue("mariadb")
        url = mariadb.create_database()
    else:
        url = f"sqlite:///{tmp_path / 'watchword.db'}"
    world = World(url, tmp_path)
    yield world
    world.close()


@pytest.fixture
def server(world: World) -> Server:
    """The world's first server, with alice paired by a soft token of SECRET."""
    world.server.pairer.add_soft("alice", secret=SECRET)
    return world.server
