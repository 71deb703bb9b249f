"""What a run found, for the terminal and as docs/benchmarks.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.bench.figures import Series, number
from tests.bench.findings import FINDINGS


@dataclass(frozen=True)
class Aim:
    """One line of the table: what was to be reached, and what was."""

    what: str
    against: str
    aim: str
    measured: str
    met: bool | None
    """None if there is no aim, or it could not be measured."""

    @property
    def cells(self) -> tuple[str, ...]:
        """The line's cells."""
        said = "-" if self.met is None else "yes" if self.met else "**no**"
        return self.what, self.against, self.aim, self.measured, said


@dataclass(frozen=True)
class Row:
    """Everything that one module of the bench found."""

    title: str
    aims: Sequence[Aim]
    series: Sequence[Series]
    notes: str = ""
    """How it was measured, and every choice made: a list, in Markdown."""


@dataclass(frozen=True)
class Machine:
    """Where and when it was measured, and how fast the machine itself was meanwhile."""

    date: str
    description: str
    calibration: Series
    versions: dict[str, str] = field(default_factory=dict)


HEADINGS = ("what", "against", "aim", "measured", "met")


def summary(rows: Iterable[Row]) -> str:
    """Write the table of aims."""
    return table(HEADINGS, [aim.cells for row in rows for aim in row.aims])


def table(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Write a table of Markdown whose columns stand below each other."""
    everything = [tuple(headings), *(tuple(line) for line in lines)]
    widths = [max(len(line[column]) for line in everything) for column in range(len(headings))]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in everything]
    padded.insert(1, ["-" * width for width in widths])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in padded)


def page(rows: Sequence[Row], machine: Machine) -> str:
    """Write docs/benchmarks.md."""
    sections = [_section(row) for row in rows]
    parts = [INTRODUCTION, _about(machine), summary(rows), *sections, FINDINGS, _versions(machine)]
    return "\n".join(parts)


INTRODUCTION = """\
# Benchmarks

Written by `make bench` (as root, on Debian 12; about 20 minutes). Figures of other machines differ, and this one's
own speed moves from minute to minute: what is compared was measured in turns, and the ratios are of pairs measured
one after the other. In parentheses: the interval that a bootstrap over those pairs gives (95 %). No test holds these
figures.
"""


def _about(machine: Machine) -> str:
    loop = machine.calibration
    slowest, fastest = number(max(loop.values)), number(min(loop.values))
    return (
        f"{machine.date}; {machine.description}. A loop of pure Python took {number(loop.median)} ms meanwhile, "
        f"between {fastest} and {slowest} ms.\n"
    )


def _section(row: Row) -> str:
    lines = [_figures(series) for series in row.series]
    figures = table(("", "unit", "median", "half of them lie in", "all of them", "n"), lines) if lines else ""
    return "\n".join(part for part in (f"## {row.title}\n", figures, row.notes) if part)


def _figures(series: Series) -> tuple[str, ...]:
    low, high = series.quartiles
    return (
        series.name,
        series.unit,
        number(series.median),
        f"{number(low)} to {number(high)}",
        f"{number(min(series.values))} to {number(max(series.values))}",
        f"{len(series.values):,}",
    )


def _versions(machine: Machine) -> str:
    lines = sorted(machine.versions.items(), key=lambda item: item[0].lower())
    return f"## Versions\n\n{table(('what', 'version'), lines)}"
