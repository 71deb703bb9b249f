"""How far the move to a second factor has come."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import Field

from watchword.portal.api.api_router import ApiRouter
from watchword.portal.api.call import Calling
from watchword.portal.api.fields import Body, Day
from watchword.services.api_keys import Scope
from watchword.services.statistics import Statistics, days_between
from watchword.services.tell_story import local_time

router = ApiRouter("statistics")

MOST_DAYS = 366

EARLIEST = date(1971, 1, 1)
"""Nothing was counted before, and days before that are no days to every computer."""


class DayAnswer(Body):
    """What was counted on a day."""

    day: Annotated[date, Field(examples=["2026-11-22"])]
    counts: Annotated[
        dict[str, int],
        Field(description="By what was counted; what there was none of is left out.", examples=[{"people code": 812}]),
    ]


class StatisticsAnswer(Body):
    """What was counted on some days."""

    first: Annotated[date, Field(examples=["2026-11-22"])]
    last: Annotated[date, Field(examples=["2026-11-22"])]
    before: Annotated[
        dict[str, int], Field(description="The sums of all days before the first.", examples=[{"paired soft": 4021}])
    ]
    days: list[DayAnswer]


@router.read("/statistics", Scope.STATISTICS_READ)
def show_statistics(
    call: Calling,
    last: Annotated[
        Day | None, Query(description="The last day, in the server's time zone; else today.", examples=["2026-11-22"])
    ] = None,
    days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="How many days.", examples=[30])] = 30,
) -> StatisticsAnswer:
    """Count logins, people and pairings by day."""
    end = max(last or local_time(call.desk.clock()).date(), EARLIEST)
    start = end - timedelta(days=days - 1)
    figures = Statistics(call.store).figures(start, end)
    by_day: dict[date, dict[str, int]] = {day: {} for day in days_between(start, end)}
    for (day, what), number in figures.counts.items():
        by_day[day][what] = number
    return StatisticsAnswer(
        first=start,
        last=end,
        before=dict(figures.before),
        days=[DayAnswer(day=day, counts=counts) for day, counts in by_day.items()],
    )
