"""The short form of `make chaos` on a Galera cluster."""

from collections.abc import Iterator

import pytest

from tests.chaos import stages
from tests.chaos.pace import SHORT
from tests.chaos.stages import Stage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stages.cluster(tmp_path_factory.mktemp("galera"), SHORT) as stage:
        yield stage


@pytest.mark.parametrize("name", ["the same code at three servers", "Galera nodes killed"])
def test_three_servers_on_three_databases_are_one(cluster: Stage, name: str) -> None:
    found = cluster.centre.examine(name, cluster.scenarios[name])
    assert found.failures == []
    assert found.granted > 0


def test_the_audit_log_is_whole_after_all_that(cluster: Stage) -> None:
    assert cluster.centre.log_is_whole()
