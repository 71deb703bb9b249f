"""The short form of `make chaos`: each thing that breaks, once, while people log in."""

from collections.abc import Iterator

import pytest

from tests.chaos import stages
from tests.chaos.pace import SHORT
from tests.chaos.stages import Stage

pytestmark = pytest.mark.slow

COMMON = (
    "RADIUS servers killed",
    "RADIUS workers killed",
    "rolling restart",
    "keys rotated, SIGHUP",
    "MariaDB killed",
    "MariaDB frozen",
    "MariaDB read-only",
    "clocks jump",
    "clocks far off",
    "bad network",
    "late answers",
    "forged answers",
    "Twilio",
    "LDAP hangs",
)


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stages.common(tmp_path_factory.mktemp("chaos"), SHORT) as stage:
        yield stage


@pytest.mark.parametrize("name", COMMON)
def test_no_code_is_good_twice_no_grant_is_lost_and_nobody_wrong_gets_in(common: Stage, name: str) -> None:
    found = common.centre.examine(name, common.scenarios[name])
    assert found.failures == []
    assert found.granted > 0


def test_the_audit_log_is_whole_after_all_that(common: Stage) -> None:
    assert common.centre.log_is_whole()


def test_every_scenario_of_this_stage_has_its_short_form(common: Stage) -> None:
    assert {*COMMON, "nothing"} == set(common.scenarios)
