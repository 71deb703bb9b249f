"""Draw charts as files, with matplotlib.

It is loaded by the first picture: it takes longer to load than anything else that Watchword does at a keyboard.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchword.charts.chart import Chart, Mark
from watchword.charts.colours import COLOURS
from watchword.charts.scale import marked_days, name_day, short_number, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE_INCHES = (9.0, 4.2)
DOTS_PER_INCH = 160
INK, INK_SOFT, LINE, DANGER = "#1d1b18", "#5a554c", "#e1dcd3", "#a12a1b"

_STYLE: Any = {
    "font.size": 10,
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.color": INK_SOFT,
    "ytick.color": INK_SOFT,
    # The same chart is the same file: no date in it, and no name drawn by lot.
    "svg.hashsalt": "watchword",
    "svg.fonttype": "none",
}


def write_figure(chart: Chart, file: Path) -> None:
    """Draw a chart into a file, PNG or SVG by its name; raises OSError."""
    # It tells of its cache of fonts, which is nobody's business at a keyboard.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib as mpl  # noqa: PLC0415 - slow to load
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow to load
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to load

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.set_title(chart.title, loc="left", fontweight="bold", pad=24)
        axes.text(0, 1.03, chart.summary, transform=axes.transAxes, color=INK_SOFT)
        _draw_by_day(axes, chart) if chart.days else _draw_parts(axes, chart)
        metadata = {"Date": None} if file.suffix == ".svg" else {"Software": None}
        figure.savefig(file, dpi=DOTS_PER_INCH, metadata=metadata)


def _draw_by_day(axes: Axes, chart: Chart) -> None:
    below = [0.0] * len(chart.days)
    highest = 0.0
    places = range(len(chart.days))
    for one in chart.drawn:
        numbers = [float("nan") if value is None else float(value) for value in one.values]
        colour = COLOURS[one.colour]
        if one.mark is Mark.COLUMN:
            axes.bar(places, numbers, bottom=below, width=0.8, color=colour, label=one.name)
            below = [a + b for a, b in zip(below, numbers, strict=True)]
        else:
            style = ":" if one.mark is Mark.DASHES else "-"
            axes.plot(places, numbers, style, color=colour, linewidth=2, label=one.name)
        highest = max(highest, *below, *(value or 0 for value in one.values))
    _draw_axes(axes, chart, highest)
    if chart.deadline in chart.days:
        axes.axvline(chart.days.index(chart.deadline), color=DANGER, linestyle="--", label="deadline")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=4, frameon=False)


def _draw_axes(axes: Axes, chart: Chart, highest: float) -> None:
    marks = ticks(highest)
    axes.set_yticks(marks, [short_number(mark) for mark in marks])
    axes.set_ylim(0, marks[-1])
    named = marked_days(chart.days, most=7)
    axes.set_xticks(named, [name_day(chart.days[n], chart.days) for n in named])
    axes.set_xlim(-0.6, len(chart.days) - 0.4)
    axes.grid(axis="y", color=LINE)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)


def _draw_parts(axes: Axes, chart: Chart) -> None:
    numbers, shares = chart.series
    widths = [float(value or 0) for value in shares.values]
    bars = axes.barh(chart.labels, widths, height=0.5, color=COLOURS[numbers.colour])
    texts = [f"{number:,} · {share} %" for number, share in zip(numbers.values, shares.values, strict=True)]
    axes.bar_label(bars, texts, padding=6)
    axes.invert_yaxis()
    axes.set_xlim(0, 115)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0)
