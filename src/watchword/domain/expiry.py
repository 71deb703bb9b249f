"""When an exemption ends: `ALL` (never), a date (through the end of that day), or a date and time.

Times are the node's local time, as tuples (year, month, day, hour, minute, second), which compare as time does. A date
ends at hour 24 of its day: no calendar arithmetic is needed. Read inside sshd at each login: imports next to nothing.
"""

from __future__ import annotations

from watchword.domain.errors import InvalidValue

Moment = tuple[int, ...]

_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FORMS = "write 2026-12-31, 2026-12-31 18:00 or ALL"


def seems_expiry(text: str) -> bool:
    """Tell whether the text is meant as an expiry: no address has a dash after four digits."""
    return text == "ALL" or (text[:4].isdigit() and text[4:5] == "-")


def parse_expiry(text: str) -> Moment | None:
    """Read the moment at which an exemption ends; None for never. Raise InvalidValue for anything but a real moment."""
    if text == "ALL":
        return None
    if not text:
        raise InvalidValue(f"nothing stands after the last colon: {_FORMS}")
    date, time = text[:10], text[10:]
    day = _numbers(date, "-", (4, 2, 2))
    if day is None:
        raise InvalidValue(f"'{text}' is not an expiry: {_FORMS}")
    year, month, number = day
    # A year beyond these is a slip of the pen, and might keep a door open for ever.
    if not 2000 <= year < 2200 or not 1 <= month <= 12 or not 1 <= number <= _days_in(year, month):
        raise InvalidValue(f"there is no day {date}: {_FORMS}")
    return (*day, *_time_of_day(time, text)) if time else (*day, 24, 0, 0)


def _time_of_day(time: str, text: str) -> Moment:
    clock = _numbers(time[1:], ":", (2, 2)) or _numbers(time[1:], ":", (2, 2, 2))
    if clock is None or time[0] not in " T" or clock[0] > 23 or max(clock[1:]) > 59:
        raise InvalidValue(f"'{text}' is not a date and time: {_FORMS}")
    return (*clock, 0)[:3]


def _numbers(text: str, separator: str, widths: tuple[int, ...]) -> Moment | None:
    parts = text.split(separator)
    if tuple(map(len, parts)) != widths or not all(part.isdigit() for part in parts):
        return None
    return tuple(map(int, parts))


def _days_in(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else _DAYS[month - 1]
