"""Charts of the move to a second factor.

They are drawn from what was counted by day, in a few milliseconds: neither the audit log's length nor somebody who
reloads them all day costs more than any other page does.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from watchword.charts.chart import Chart
from watchword.charts.compose import Key, compose
from watchword.charts.csv_file import write_csv
from watchword.charts.html_table import table_rows
from watchword.charts.svg import draw
from watchword.portal.guards import AnyOperator, AtDesk
from watchword.portal.operators.page import tabs_of
from watchword.portal.pages import render
from watchword.services.count_days import EVENTS_AT_ONCE, Backlog, DayCounter
from watchword.services.statistics import Statistics
from watchword.wiring.portal import Desk

PERIODS = (30, 90, 365)
EVENTS_WHILE_ONE_WAITS = 5000
"""What is counted before the page is answered: about a twentieth of a second's work."""

Days = Annotated[Literal["30", "90", "365"], Query()]

router = APIRouter(prefix="/operators/charts")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart with its picture and its table."""

    chart: Chart
    picture: str
    rows: str


@router.get("")
def show(request: Request, _operator: AnyOperator, desk: AtDesk, days: Days = "90") -> Response:
    """Show all of them."""
    backlog = _count(desk)
    drawn = [Drawn(chart, draw(chart), table_rows(chart)) for chart in _charts(desk, int(days))]
    return render(
        request,
        "charts/charts.html",
        tabs=tabs_of(request.state.current.role),
        drawn=drawn,
        backlog=backlog,
        days=int(days),
        periods=PERIODS,
    )


@router.get("/{key}.csv")
def save(_operator: AnyOperator, desk: AtDesk, key: Key, days: Days = "90") -> Response:
    """Answer one as CSV."""
    _count(desk)
    chart = _charts(desk, int(days))[list(Key).index(key)]
    name = f"watchword-{key}-{_today(desk).isoformat()}.csv"
    return Response(
        write_csv(chart),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _charts(desk: Desk, days: int) -> list[Chart]:
    last = _today(desk)
    figures = Statistics(desk.store).figures(last - timedelta(days=days - 1), last)
    return compose(figures, desk.settings.portal.deadline)


def _today(desk: Desk) -> date:
    return datetime.fromtimestamp(desk.clock(), UTC).astimezone().date()


def _count(desk: Desk) -> Backlog:
    """Count what is new, if it is little; the portal's chore counts the rest."""
    return day_counter(desk).catch_up(most=EVENTS_WHILE_ONE_WAITS)


def day_counter(desk: Desk) -> DayCounter:
    """Make what counts the audit log by day."""
    return DayCounter(desk.store, internal_networks=desk.settings.portal.internal_networks)


__all__ = ["EVENTS_AT_ONCE", "day_counter", "router"]
