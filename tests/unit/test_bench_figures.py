"""The bench's own arithmetic: a wrong median would flatter us unseen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.figures import Series, difference, number, percentile, ratio
from tests.bench.people import Crowd, code_of, step_now
from tests.bench.report import Aim, Machine, Row, page, summary, table

TIMES = st.lists(st.floats(0.1, 1000), min_size=1, max_size=30)


def test_a_series_has_its_median_and_its_middle_half() -> None:
    series = Series("x", "ms", (5.0, 1.0, 2.0, 4.0, 3.0))
    assert (series.median, series.quartiles) == (3.0, (2.0, 4.0))


def test_a_series_of_one_has_itself() -> None:
    series = Series("x", "ms", (7.0,))
    assert (series.median, series.quartiles) == (7.0, (7.0, 7.0))


def test_a_ratio_is_of_pairs_so_that_a_slow_moment_slows_both() -> None:
    found = ratio([20.0, 200.0, 2000.0], [10.0, 100.0, 1000.0])
    assert (found.middle, found.low, found.high) == (2.0, 2.0, 2.0)


def test_a_difference_is_of_pairs_too() -> None:
    found = difference([11.0, 101.0, 1003.0], [10.0, 100.0, 1000.0])
    assert (found.middle, found.low, found.high) == (1.0, 1.0, 3.0)


def test_what_was_not_measured_in_pairs_is_not_compared() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        ratio([1.0], [1.0, 2.0])


@given(TIMES)
def test_an_interval_holds_its_middle_and_stays_within_what_was_measured(times: list[float]) -> None:
    found = ratio(times, [1.0] * len(times))
    assert min(times) <= found.low <= found.middle <= found.high <= max(times)


@given(TIMES, st.floats(1, 100))
def test_a_percentile_is_one_of_the_values_and_no_less_than_its_share_of_them(times: list[float], share: float) -> None:
    found = percentile(times, share)
    assert found in times
    assert sum(value <= found for value in times) >= len(times) * share / 100 - 1e-9


def test_the_99th_percentile_of_a_hundred_is_the_second_largest() -> None:
    assert percentile([float(value) for value in range(1, 101)], 99) == 99.0
    assert percentile([float(value) for value in range(1, 101)], 50) == 50.0


@pytest.mark.parametrize(("value", "written"), [(4123.4, "4,123"), (99.94, "99.9"), (0.456, "0.46"), (-12.34, "-12.3")])
def test_a_figure_has_digits_that_mean_something(value: float, written: str) -> None:
    assert number(value) == written


def test_a_table_has_its_columns_below_each_other() -> None:
    assert table(("a", "long"), [("wide cell", "b")]) == (
        "| a         | long |\n| --------- | ---- |\n| wide cell | b    |\n"
    )


def test_an_aim_says_whether_it_was_met() -> None:
    rows = [Row("r", [Aim("w", "a", "1", "2", met) for met in (True, False, None)], [])]
    assert [line.split("|")[-2].strip() for line in summary(rows).splitlines()[2:]] == ["yes", "**no**", "-"]


def test_the_page_has_every_aim_figure_note_and_version() -> None:
    row = Row(
        "A row", [Aim("speed", "a peer", "2 times", "3 times", True)], [Series("ours", "/s", (4123.0,))], "- How.\n"
    )
    text = page([row], Machine("today", "a machine", Series("loop", "ms", (50.0, 70.0)), {"Peer": "1.2"}))
    for part in (
        "| speed | a peer  | 2 times | 3 times  | yes |",
        "## A row",
        "| ours | /s   | 4,123",
        "- How.",
        "| Peer | 1.2",
    ):
        assert part in text


def test_the_benchs_codes_are_those_of_rfc_4226() -> None:
    seed = b"12345678901234567890"
    assert [code_of(seed, counter) for counter in range(3)] == ["755224", "287082", "359152"]


def test_nobody_in_a_crowd_types_a_code_twice() -> None:
    crowd, first = Crowd(3), step_now()
    typed = [*crowd.codes(5), *crowd.codes(4)]
    assert [number for number, _ in typed] == [0, 1, 2] * 3
    assert len(set(typed)) == len(typed)
    assert step_now() - first < 2
