"""`watchword report`: how far the move to a second factor has come."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from watchword.charts.chart import Chart, Number
from watchword.charts.compose import Key, compose
from watchword.charts.csv_file import write_csv
from watchword.charts.figures import write_figure
from watchword.cli.context import services_of, settings_of
from watchword.cli.output import AsJson, bar, console, say, say_json, say_table, visible
from watchword.clock import local_now
from watchword.domain.errors import SettingsError
from watchword.services.count_days import Backlog, DayCounter
from watchword.services.statistics import Statistics

LONGEST_DAYS = 3650
BAR_CELLS = 24

Folder = typer.Option(file_okay=False, help="Write each chart into this directory.")


def report(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=LONGEST_DAYS, help="How many days, today the last.")] = 30,
    chart: Annotated[list[Key] | None, typer.Option(help="Only this one; can be given again.")] = None,
    png: Annotated[Path | None, Folder] = None,
    svg: Annotated[Path | None, Folder] = None,
    csv: Annotated[Path | None, Folder] = None,
    recount: Annotated[bool, typer.Option("--recount", help="Count the whole audit log anew, first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far the move to a second factor has come, as the portal's charts do.

    Example: watchword report --days 90 --png pictures
    """
    wanted = chart or list(Key)
    portal = settings_of(context).portal
    with services_of(context) as services:
        backlog = _count(DayCounter(services.store, internal_networks=portal.internal_networks), recount, as_json)
        last = local_now().date()
        figures = Statistics(services.store).figures(last - timedelta(days=days - 1), last)
    charts = [one for one in compose(figures, portal.deadline) if one.key in wanted]
    files = _write_files(charts, png=png, svg=svg, csv=csv)
    if as_json:
        say_json({"charts": [_describe(one) for one in charts], "files": [str(file) for file in files]})
    elif files:
        for file in files:
            say(visible(str(file)))
    else:
        for one in charts:
            _print(one)
    for writer in backlog.gone_back:
        typer.echo(visible(f"watchword: the audit log of {writer} ends before what was counted of it"), err=True)
        typer.echo(
            "  if a backup was put back, `watchword report --recount`; if not, `watchword audit verify`", err=True
        )


def _count(counter: DayCounter, recount: bool, as_json: bool) -> Backlog:
    if recount:
        counter.recount()
    total = counter.backlog().events
    with bar("counting", "events", total=total, hidden=as_json) as advance:
        return counter.catch_up(progress=advance)


def _write_files(charts: list[Chart], *, png: Path | None, svg: Path | None, csv: Path | None) -> list[Path]:
    """Write what was asked for; answers the files. Raises SettingsError."""
    files = []
    for suffix, folder in (("png", png), ("svg", svg), ("csv", csv)):
        if folder is None:
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for one in charts:
                file = folder / f"{one.key}.{suffix}"
                write_figure(one, file) if suffix != "csv" else _write_csv(one, file)
                files.append(file)
        except OSError as error:
            raise SettingsError(
                f"{folder} cannot be written: {error.strerror}", hint="name another directory"
            ) from None
    return files


def _write_csv(chart: Chart, file: Path) -> None:
    file.write_text(write_csv(chart), encoding="utf-8", newline="")


def _describe(chart: Chart) -> dict[str, Any]:
    return {
        "chart": chart.key,
        "title": chart.title,
        "summary": chart.summary,
        "deadline": chart.deadline.isoformat() if chart.deadline else None,
        "columns": list(chart.columns),
        "rows": [list(row) for row in chart.rows()],
    }


def _print(chart: Chart) -> None:
    """Print a chart's table, each line with a bar as long as what the chart draws of it."""
    say(chart.title)
    say(chart.summary)
    sums = [sum(one.values[n] or 0 for one in chart.drawn) for n in range(len(chart.labels))]
    highest = max(sums, default=0) or 1
    rows = [
        [str(row[0]), *(_written(value) for value in row[1:]), _bar(length / highest)]
        for row, length in zip(chart.rows(), sums, strict=True)
    ]
    say_table([*chart.columns, ""], rows)
    say(chart.about)
    console.print()


def _written(value: str | Number) -> str:
    return "" if value is None else f"{value:,}" if not isinstance(value, str) else value


def _bar(share: float) -> str:
    return "▇" * round(share * BAR_CELLS)
