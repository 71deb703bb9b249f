"""Can two sets of times be told apart? Medians, a rank test and a bootstrap, in Python alone."""

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 2000


@dataclass(frozen=True)
class Spread:
    """How a set of times lies, in seconds."""

    count: int
    median: float
    low: float
    """The first quartile."""
    high: float
    """The third."""


@dataclass(frozen=True)
class Comparison:
    """Two sets of times."""

    chance: float
    """Of p (Mann-Whitney, two-sided): how often sets as different as these come from one source."""
    superiority: float
    """How often a time of the first set is the longer one. 0.5: a single time tells nothing."""
    difference: float
    """Between the medians, first minus second, in seconds."""
    interval: tuple[float, float]
    """In which that difference lies, with 95 % confidence."""


def spread(times: Sequence[float]) -> Spread:
    """Describe one set."""
    low, median, high = statistics.quantiles(times, n=4)
    return Spread(len(times), median, low, high)


def compare(first: Sequence[float], second: Sequence[float], *, seed: int = 1) -> Comparison:
    """Compare two sets; the same `seed` draws the same resamples."""
    chance, superiority = rank_test(first, second)
    return Comparison(
        chance,
        superiority,
        statistics.median(first) - statistics.median(second),
        median_difference_interval(first, second, seed),
    )


def rank_test(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Return p and the superiority of the first set: Mann and Whitney, 1947, by the normal approximation with ties."""
    ordered = sorted([(time, True) for time in first] + [(time, False) for time in second])
    rank_sum = ties = 0.0
    start = 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end][0] == ordered[start][0]:
            end += 1
        rank = (start + 1 + end) / 2  # those that are equal share the mean of their ranks
        rank_sum += rank * sum(is_first for _, is_first in ordered[start:end])
        ties += (end - start) ** 3 - (end - start)
        start = end
    return _chance(rank_sum, ties, len(first), len(second))


def _chance(rank_sum: float, ties: float, n: int, m: int) -> tuple[float, float]:
    wins = rank_sum - n * (n + 1) / 2
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance == 0:  # all are equal
        return 1.0, 0.5
    z = max(abs(wins - n * m / 2) - 0.5, 0) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2)), wins / (n * m)


def median_difference_interval(first: Sequence[float], second: Sequence[float], seed: int) -> tuple[float, float]:
    """Return a 95 % interval of the difference between the medians: Efron's percentile bootstrap."""
    draw = random.Random(seed)
    differences = sorted(
        statistics.median(draw.choices(first, k=len(first))) - statistics.median(draw.choices(second, k=len(second)))
        for _ in range(RESAMPLES)
    )
    return differences[RESAMPLES * 25 // 1000], differences[RESAMPLES * 975 // 1000 - 1]
