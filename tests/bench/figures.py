"""Figures from a noisy machine: medians, spreads, and ratios of what was measured side by side."""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

RESAMPLES = 2000
SEED = 20261122
"""The same draws each time: the interval is a figure, not a lottery."""


@dataclass(frozen=True)
class Series:
    """What one thing measured, again and again."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between which half of the values lie."""
        if len(self.values) < 2:
            return self.values[0], self.values[0]
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high


@dataclass(frozen=True)
class Ratio:
    """How one thing compares with another, with an interval that holds the truth in 95 of 100 runs."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{number(self.middle)} ({number(self.low)} to {number(self.high)})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Compare pair by pair, each measured one after the other, so that a slow moment slows both.

    The interval is a bootstrap's: the pairs drawn anew, with replacement.
    """
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return _with_interval(ratios, statistics.median)


def difference(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """The same as a difference, in the unit of both."""
    return _with_interval([mine - other for mine, other in zip(ours, theirs, strict=True)], statistics.median)


def _with_interval(values: list[float], middle: Callable[[Sequence[float]], float]) -> Ratio:
    chance = random.Random(SEED)
    drawn = sorted(middle(chance.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return Ratio(middle(values), drawn[int(RESAMPLES * 0.025)], drawn[int(RESAMPLES * 0.975)])


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many per cent of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def number(value: float) -> str:
    """Write a figure with three digits that mean something, and thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def calibration_milliseconds() -> float:
    """Return how many milliseconds a fixed piece of Python takes now: the machine's own speed."""
    start = time.perf_counter()
    sum(count * count for count in range(1_000_000))
    return (time.perf_counter() - start) * 1000
