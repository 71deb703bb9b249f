"""Whoever is refused by a portal sees what every other one does. How long it takes is measured by `make hostility`."""

from pathlib import Path

import pytest

from tests.hostility.portal_people import KINDS, FrontDoor, running_door
from tests.hostility.portal_timing import Found, measure_door

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("front", ["pam", "ldap"])
def test_no_answer_tells_which_accounts_there_are(front: FrontDoor, tmp_path: Path) -> None:
    found = Found({}, {})
    url = f"sqlite:///{tmp_path / 'watchword.db'}"
    with running_door(tmp_path, url, front, names_of_each=1, refusal_seconds=0.1) as door:
        measure_door(door, 2, found)
    assert found.telltales == []
    (refused,) = set.union(*found.seen[f"password, {front}"].values())
    (stopped,) = set.union(*found.seen[f"one try too many, {front}"].values())
    assert (refused.status, stopped.status) == (403, 429)
    assert set(found.measured[f"password, {front}"]) == set(KINDS)
