"""The API on SQLite: what differs between databases is in tests/contract."""

from collections.abc import Iterator

import pytest

from tests.api.world import ApiWorld, api_world
from watchword.store.schema import metadata

_KEPT = {"audit", "audit_heads"}
"""What is chained cannot be taken away; tests that read the log have accounts of their own."""


@pytest.fixture(scope="module")
def shared_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    """An API for all tests of a module."""
    with api_world(tmp_path_factory.mktemp("api")) as world:
        yield world


@pytest.fixture
def api(shared_api: ApiWorld) -> ApiWorld:
    """The same, with nobody and nothing in it but the audit log."""
    with shared_api.desk.store.database.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in _KEPT:
                connection.execute(table.delete())
    return shared_api
