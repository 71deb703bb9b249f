"""The API on SQLite: what differs between databases is in tests/contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.world import ApiWorld


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiWorld]:
    """An API of its own, at a centre that can text."""
    sms = {"carrier": "recorder", "recorder_file": str(tmp_path / "messages")}
    with ApiWorld(f"sqlite:///{tmp_path / 'watchword.db'}", tmp_path, more_settings={"sms": sms}) as world:
        yield world
