"""The statistics by which docs/hostility.md says what can and what can't be told apart."""

import random

import pytest

from tests.hostility.comparison import compare, rank_test, spread


def test_the_rank_test_agrees_with_scipy() -> None:
    """The example of scipy.stats.mannwhitneyu, method "asymptotic": U = 17 of 20, p = 0.11134688653314041."""
    chance, superiority = rank_test([19, 22, 16, 29, 24], [20, 11, 17, 12])
    assert chance == pytest.approx(0.11134688653314041)
    assert superiority == 17 / 20


def test_equal_sets_cannot_be_told_apart() -> None:
    assert rank_test([1.0] * 9, [1.0] * 5) == (1.0, 0.5)
    same = [0.1, 0.2, 0.3, 0.4]
    assert rank_test(same, same)[1] == 0.5


def test_a_small_difference_is_found_in_hundreds_of_times() -> None:
    draw = random.Random(1)
    first = [draw.gauss(0.102, 0.003) for _ in range(300)]
    second = [draw.gauss(0.100, 0.003) for _ in range(300)]
    found = compare(first, second)
    assert found.chance < 1e-6
    assert found.interval[0] < found.difference < found.interval[1]
    assert found.interval[0] > 0


def test_a_spread_is_the_median_and_the_quartiles() -> None:
    described = spread([float(number) for number in range(1, 12)])
    assert (described.count, described.low, described.median, described.high) == (11, 3.0, 6.0, 9.0)
