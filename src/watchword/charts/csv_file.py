"""A chart's numbers as CSV (RFC 4180), for a spreadsheet."""

import csv
import io

from watchword.charts.chart import Chart, Number

_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(chart: Chart) -> str:
    """Write a chart's table."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in (chart.columns, *chart.rows()):
        writer.writerow([cell(value) for value in row])
    return text.getvalue()


def cell(value: str | Number) -> str:
    """Write a cell. A text that a spreadsheet would take for a formula is quoted; a number stays one, below 0 as well.

    >>> cell("=HYPERLINK(1)"), cell(-1), cell(None)
    ("'=HYPERLINK(1)", '-1', '')
    """
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_BEGINS_FORMULA):
        return f"'{value}"
    return str(value)
