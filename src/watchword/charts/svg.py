"""Draw a chart as SVG that stands within a page.

Nothing in it says how it looks but classes, which a style sheet knows: so it obeys a strict policy and follows the dark
mode. It is as wide as the place where it stands, and its text stays as large as it is: what depends on the width is in
per cent, and curves are in a picture within, which is stretched.
"""

from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup

from watchword.charts.chart import Chart, Mark, Number, Series
from watchword.charts.scale import marked_days, name_day, short_number, ticks

TOP, PLOT, BOTTOM = 22, 190, 26
"""Heights, in pixels: above the plot, the plot, and the days below it."""

SLOT, HIGH = 10, 1000
"""A day's width and the plot's height, in units of the picture within."""

BAR_ROW = 46
MOST_HINTS = 120
"""Days that get a hint of their own when pointed at; with more of them, each is a line of two pixels."""


def draw(chart: Chart) -> Markup:
    """Draw a chart. A reader of screens gets its title and summary, and has the table beside it."""
    if not chart.days:
        return _picture(chart, BAR_ROW * len(chart.labels), _parts_of_a_whole(chart))
    columns = [one for one in chart.drawn if one.mark is Mark.COLUMN]
    stacked = [sum(_known(one.values[n]) for one in columns) for n in range(len(chart.days))]
    lines = [_known(value) for one in chart.drawn if one.mark is not Mark.COLUMN for value in one.values]
    marks = ticks(max((*stacked, *lines), default=0))
    # The numbers are a picture of their own: they are as wide as they are, and have the rest at their side.
    return Markup('<div class="chart-frame">{}{}</div>').format(
        _numbers(marks), _picture(chart, TOP + PLOT + BOTTOM, _by_day(chart, columns, marks))
    )


def _picture(chart: Chart, height: int, parts: Iterable[Markup]) -> Markup:
    return Markup(
        '<svg class="chart-picture" width="100%" height="{height}" role="img" aria-labelledby="{key}-title {key}-desc">'
        '<title id="{key}-title">{title}</title><desc id="{key}-desc">{summary}</desc>{parts}</svg>'
    ).format(height=height, key=chart.key, title=chart.title, summary=chart.summary, parts=Markup("").join(parts))


def _by_day(chart: Chart, columns: Sequence[Series], marks: Sequence[int]) -> Iterator[Markup]:
    for mark in marks:
        yield Markup('<line class="chart-grid" x2="100%" y1="{0:.1f}" y2="{0:.1f}"/>').format(_height(mark, marks))
    yield Markup(
        '<svg class="chart-plot" y="{}" width="100%" height="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">'
    ).format(TOP, PLOT, SLOT * len(chart.days), HIGH)
    yield from _columns(columns, marks[-1], len(chart.days))
    for one in chart.drawn:
        if one.mark is not Mark.COLUMN:
            dashed = " chart-dashes" if one.mark is Mark.DASHES else ""
            path = _line(one.values, marks[-1])
            yield Markup('<path class="chart-line{} c-{}" d="{}"/>').format(dashed, one.colour, path)
    yield from _hints(chart)
    yield Markup("</svg>")
    yield from _days(chart)


def _numbers(marks: Sequence[int]) -> Markup:
    # 4: half of a digit, so that the middle of a number is on its line.
    texts = [
        Markup('<text class="chart-text" y="{:.1f}">{}</text>').format(_height(mark, marks) + 4, short_number(mark))
        for mark in marks
    ]
    return Markup('<svg class="chart-numbers" width="36" height="{}" aria-hidden="true">{}</svg>').format(
        TOP + PLOT + BOTTOM, Markup("").join(texts)
    )


def _height(mark: int, marks: Sequence[int]) -> float:
    return TOP + PLOT - PLOT * mark / marks[-1]


def _columns(columns: Sequence[Series], highest: int, days: int) -> Iterator[Markup]:
    """Draw each series as one path, on top of those before it."""
    gap = 1.2 if days <= MOST_HINTS else 0.0
    below = [0.0] * days
    for one in columns:
        path = []
        for n, value in enumerate(one.values):
            if not value:
                continue
            foot, head = (HIGH - HIGH * height / highest for height in (below[n], below[n] + value))
            below[n] += value
            left, right = n * SLOT + gap, (n + 1) * SLOT - gap
            path.append(f"M{left:g} {foot:.1f}V{head:.1f}H{right:g}V{foot:.1f}Z")
        yield Markup('<path class="chart-column c-{}" d="{}"/>').format(one.colour, "".join(path))


def _line(values: Sequence[Number], highest: int) -> str:
    """Write a line's path; where there is no number, there is no line."""
    path, pen = [], "M"
    for n, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        path.append(f"{pen}{(n + 0.5) * SLOT:g} {HIGH - HIGH * value / highest:.1f}")
        pen = "L"
    # A line of one day is a dot, which needs a length to be drawn at all.
    return "".join(path) + ("h0" if len(path) == 1 else "")


def _hints(chart: Chart) -> Iterator[Markup]:
    if len(chart.days) > MOST_HINTS:
        return
    for n, label in enumerate(chart.labels):
        numbers = [f"{one.name}: {one.values[n]:,}" for one in chart.drawn if one.values[n] is not None]
        yield Markup('<rect class="chart-hint" x="{}" width="{}" height="{}"><title>{}</title></rect>').format(
            n * SLOT, SLOT, HIGH, "\n".join([label, *numbers])
        )


def _days(chart: Chart) -> Iterator[Markup]:
    named = marked_days(chart.days)
    for n in named:
        anchor = "start" if n == 0 else "end" if n == len(chart.days) - 1 else "middle"
        where = {"start": 0.0, "end": 100.0}.get(anchor, _middle(chart, n))
        yield Markup('<text class="chart-text" x="{:.2f}%" y="{}" text-anchor="{}">{}</text>').format(
            where, TOP + PLOT + BOTTOM - 8, anchor, name_day(chart.days[n], chart.days)
        )
    if chart.deadline in chart.days:
        where = _middle(chart, chart.days.index(chart.deadline))
        yield Markup('<line class="chart-deadline" x1="{0:.2f}%" x2="{0:.2f}%" y1="{1}" y2="{2}"/>').format(
            where, TOP - 8, TOP + PLOT
        )
        yield Markup(
            '<text class="chart-text chart-strong" x="{:.2f}%" y="11" text-anchor="{}">deadline</text>'
        ).format(where, "end" if where > 50 else "start")


def _middle(chart: Chart, index: int) -> float:
    """Answer where a day's middle is, in per cent of the width."""
    return 100 * (index + 0.5) / len(chart.days)


def _parts_of_a_whole(chart: Chart) -> Iterator[Markup]:
    """Draw a bar for each part."""
    numbers, shares = chart.series
    for n, label in enumerate(chart.labels):
        top = n * BAR_ROW
        yield (
            Markup(
                '<text class="chart-text chart-strong" y="{y}">{label}</text>'
                '<text class="chart-text" x="100%" y="{y}" text-anchor="end">{number:,} · {share} %</text>'
                '<rect class="chart-track" y="{bar}" width="100%" height="10" rx="5"/>'
                '<rect class="chart-column c-{colour}" y="{bar}" width="{share}%" height="10" rx="5"/>'
            ).format(
                y=top + 16,
                bar=top + 24,
                label=label,
                number=numbers.values[n],
                share=shares.values[n],
                colour=numbers.colour,
            )
        )


def _known(value: Number) -> float:
    return value or 0
