"""Whoever is refused over ssh sees what every other one does. How long it takes is measured by `make hostility`."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hostility.centre import sqlite_settings
from tests.hostility.strangers import BEFORE_THE_CODE, LOCKOUT, PAST_THE_KEY, Place, running_place
from tests.hostility.timed_login import Timings
from tests.hostility.timing import report, try_once
from tests.hostility.wire_timing import Measured

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Timings]]:
    """Two logins of each kind of stranger."""
    directory = tmp_path_factory.mktemp("strangers")
    with running_place(directory, sqlite_settings(directory, LOCKOUT)) as place, ThreadPoolExecutor(4) as pool:
        yield _everybody(place, pool)


def _everybody(place: Place, pool: ThreadPoolExecutor) -> list[Timings]:
    return try_once(place, (*PAST_THE_KEY, *BEFORE_THE_CODE), 2, pool)


def seen_by(tried: list[Timings], kinds: tuple[str, ...]) -> set[tuple[tuple[str, ...], int]]:
    return {(one.words, len(one.refusals)) for one in tried if one.kind in kinds}


def test_past_the_key_everybody_reads_the_same_and_has_as_many_tries(tried: list[Timings]) -> None:
    ((words, refusals),) = seen_by(tried, PAST_THE_KEY)
    assert refusals == 3
    assert words[0] == "Token code: "


def test_an_account_that_is_not_there_looks_like_a_wrong_password(tried: list[Timings]) -> None:
    ((words, refusals),) = seen_by(tried, BEFORE_THE_CODE)
    assert refusals == 1
    assert words == ("Password: ",)


def test_the_report_has_a_line_for_each_kind(tried: list[Timings]) -> None:
    measured: Measured = {"refusal 1": defaultdict(list)}
    for one in tried:
        measured["refusal 1"][one.kind].append(one.refusals[0])
    lines = list(report(measured))
    assert len(lines) == 2 + len(PAST_THE_KEY) + len(BEFORE_THE_CODE)
    assert len({line.count("|") for line in lines}) == 1
