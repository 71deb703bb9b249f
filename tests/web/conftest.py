"""The portal on SQLite: what differs between databases is in tests/contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.world import PortalWorld


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[PortalWorld]:
    """A portal of its own."""
    with PortalWorld(f"sqlite:///{tmp_path / 'watchword.db'}", tmp_path) as world:
        yield world
