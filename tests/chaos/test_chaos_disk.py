"""The short form of `make chaos` on a disk that fills up."""

from pathlib import Path

import pytest

from tests.chaos import stages
from tests.chaos.pace import SHORT

pytestmark = pytest.mark.slow


def test_nobody_gets_in_while_nothing_can_be_written_and_everybody_does_again_afterwards(tmp_path: Path) -> None:
    with stages.small_disk(tmp_path / "centre", SHORT) as stage:
        for name, scenario in stage.scenarios.items():
            found = stage.centre.examine(name, scenario)
            assert found.failures == []
            assert found.granted > 0
        assert stage.centre.log_is_whole()
