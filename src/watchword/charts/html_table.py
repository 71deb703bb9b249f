"""A chart's numbers as the rows of a table in a page: thousands of cells, for which a template is slow."""

from markupsafe import Markup, escape

from watchword.charts.chart import Chart, Number


def table_rows(chart: Chart) -> Markup:
    """Write the table's rows, each led by its label."""
    lines = [
        f'<tr><th scope="row">{escape(label)}</th>{"".join(_cell(value) for value in values)}</tr>'
        for label, *values in chart.rows()
    ]
    return Markup("\n".join(lines))  # noqa: S704  (what is no number is escaped)


def _cell(value: str | Number) -> str:
    text = "" if value is None else escape(value) if isinstance(value, str) else f"{value:,}"
    return f'<td class="number">{text}</td>'
