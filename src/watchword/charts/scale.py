"""Where numbers and days stand on a chart."""

import math
from collections.abc import Sequence
from datetime import date

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONG_DAYS = 300
"""From here on, a month and a year say more than a day."""


def ticks(highest: float) -> list[int]:
    """List round numbers from 0 to the first that is not below the highest: three to six of them.

    >>> ticks(37)
    [0, 10, 20, 30, 40]
    >>> ticks(0)
    [0, 1]
    """
    if highest <= 1:
        return [0, 1]
    rough = highest / 4
    power = 10 ** math.floor(math.log10(rough))
    step = max(1, next(round(power * factor) for factor in (1, 2, 5, 10) if power * factor >= rough))
    return list(range(0, math.ceil(highest / step) * step + 1, step))


def short_number(number: int) -> str:
    """Write a number of an axis: 1500 as 1.5k."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + letter
    return str(number)


def marked_days(days: Sequence[date], most: int = 5) -> list[int]:
    """Choose days to be named on the axis, evenly, the first and the last among them; answers their indexes."""
    count = min(most, len(days))
    if count < 2:
        return list(range(count))
    return sorted({round(n * (len(days) - 1) / (count - 1)) for n in range(count)})


def name_day(day: date, days: Sequence[date]) -> str:
    """Write a day of these days on the axis: `3 Nov`, or `Nov 2026` where there are many."""
    month = MONTHS[day.month - 1]
    return f"{month} {day.year}" if len(days) > LONG_DAYS else f"{day.day} {month}"
