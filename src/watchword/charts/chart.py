"""What a chart shows, whoever draws it."""

import enum
from dataclasses import dataclass
from datetime import date

Number = int | float | None


class Mark(enum.Enum):
    """How a series is drawn."""

    COLUMN = "column"  # those of one day stand on each other
    LINE = "line"
    DASHES = "dashes"
    TABLE_ONLY = "table"


@dataclass(frozen=True, slots=True)
class Series:
    """One row of numbers, a number for each label; None where there is none yet.

    `colour` is a name of charts/colours.py, and the class that a style sheet knows it by.
    """

    name: str
    values: tuple[Number, ...]
    mark: Mark
    colour: str = ""

    @property
    def is_drawn(self) -> bool:
        """Whether it is in the picture, not only in the table."""
        return self.mark is not Mark.TABLE_ONLY


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart and its table.

    `labels` are days, or, if `days` is empty, the names of parts of a whole. `summary` says what is to be seen,
    `about` what was counted and what could not be.
    """

    key: str
    title: str
    summary: str
    about: str
    heading: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    days: tuple[date, ...] = ()
    deadline: date | None = None

    @property
    def drawn(self) -> tuple[Series, ...]:
        """The series that are in the picture."""
        return tuple(one for one in self.series if one.is_drawn)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for one in self.drawn for value in one.values)

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's head."""
        return (self.heading, *(one.name for one in self.series))

    def rows(self) -> list[tuple[str | Number, ...]]:
        """List the table's rows, each with its label; days for which there is no number yet have none."""
        rows = [(label, *(one.values[n] for one in self.series)) for n, label in enumerate(self.labels)]
        return [row for row in rows if any(value is not None for value in row[1:])]
