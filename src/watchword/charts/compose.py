"""From figures to charts, with their words."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from watchword.charts.chart import Chart, Mark, Series
from watchword.services.day_tally import ACCOUNTS, KINDS, OTHER_KIND, Factor, Origin, ended, logins, paired, people
from watchword.services.statistics import UNPAIRED_DAYS, Figures, days_between

LONGEST_AHEAD_DAYS = 400
"""A deadline further away than this is not drawn: the days that were would be a sliver."""

KIND_NAMES = {"soft": "phone app", "sms": "text message", "hard": "key fob", "static": "training", OTHER_KIND: "other"}

NOT_SEEN = (
    "In no chart, since the servers never see them: exempt logins, nodes in mode off, and who is let in without a code "
    "by nodes that look pairings up in LDAP."
)


class Key(enum.StrEnum):
    """The charts there are, in their order."""

    DEADLINE = "deadline"
    PEOPLE = "people"
    LOGINS = "logins"
    PAIRINGS = "pairings"
    KINDS = "kinds"


@dataclass(frozen=True, slots=True)
class _Maker:
    """What all charts are made from."""

    figures: Figures
    deadline: date | None

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(day.isoformat() for day in self.figures.days)

    def people(self) -> Chart:
        with_code, without = (self.figures.by_day(people(factor)) for factor in (Factor.CODE, Factor.NONE))
        return Chart(
            Key.PEOPLE,
            "People by day",
            f"{_most(with_code, self.labels)}. Today so far: {with_code[-1]:,} with one, {without[-1]:,} without.",
            "Each account once a day. Who paired during a day may have logged in both ways. " + NOT_SEEN,
            "day",
            self.labels,
            (
                Series("with a code", with_code, Mark.LINE, "code"),
                Series("without", without, Mark.LINE, "none"),
            ),
            tuple(self.figures.days),
        )

    def logins(self) -> Chart:
        series = tuple(
            Series(f"{'with a code' if factor is Factor.CODE else 'without'}, {origin}", values, Mark.COLUMN, colour)
            for factor, origin, colour in _LOGINS
            if any(values := self.figures.by_day(logins(factor, origin))) or origin is not Origin.UNKNOWN
        )
        total = sum(sum(_whole(one)) for one in series)
        coded = sum(sum(_whole(one)) for one in series if one.name.startswith("with a code"))
        return Chart(
            Key.LOGINS,
            "Logins by day",
            f"{_count(total, 'login')}, {_share(coded, total)} of them with a token code.",
            "Internal is what [portal] internal_networks names. A login without a code is of an account that a node "
            "was told is not paired; who hung up at the countdown is counted too. " + NOT_SEEN,
            "day",
            self.labels,
            series,
            tuple(self.figures.days),
        )

    def pairings(self) -> Chart:
        kinds = self._kinds(paired)
        new = [Series(KIND_NAMES[kind], self.figures.by_day(paired(kind)), Mark.COLUMN, kind) for kind in kinds]
        gone = [self.figures.by_day(ended(kind)) for kind in (*KINDS, OTHER_KIND)]
        ends = tuple(sum(of_day) for of_day in zip(*gone, strict=True))
        total = sum(sum(_whole(one)) for one in new)
        return Chart(
            Key.PAIRINGS,
            "New pairings by day",
            f"{_count(total, 'new pairing')}; {_count(sum(ends), 'pairing')} ended.",
            "A pairing ends when its token is removed or goes back into the drawer.",
            "day",
            self.labels,
            (*new, Series("ended", ends, Mark.TABLE_ONLY)),
            tuple(self.figures.days),
        )

    def kinds(self) -> Chart:
        kinds = self._kinds(paired)
        tokens = tuple(self.figures.total(paired(kind)) - self.figures.total(ended(kind)) for kind in kinds)
        whole = sum(tokens)
        shares = tuple(round(100 * number / whole, 1) if whole else 0.0 for number in tokens)
        return Chart(
            Key.KINDS,
            "Kinds of token",
            f"{_count(whole, 'token')} paired on {self.figures.last.isoformat()}.",
            "New pairings less those that ended, since the audit log began. Some people have more than one token.",
            "kind",
            tuple(KIND_NAMES[kind] for kind in kinds),
            (
                Series("tokens", tokens, Mark.COLUMN, "code"),
                Series("per cent", shares, Mark.TABLE_ONLY),
            ),
        )

    def progress(self) -> Chart:
        """Chart pairings against the deadline, if there is one."""
        figures, deadline = self.figures, self.deadline
        have = list(accumulate(figures.by_day(ACCOUNTS), initial=figures.before.get(ACCOUNTS, 0)))[1:]
        ahead = self._days_ahead()
        series = [Series("paired", (*have, *[None] * len(ahead)), Mark.LINE, "code")]
        if ahead and figures.still_unpaired:
            need = [have[-1] + round(figures.still_unpaired * n / len(ahead)) for n in range(len(ahead) + 1)]
            series.append(Series("to be in time", (*[None] * (len(have) - 1), *need), Mark.DASHES, "none"))
        days = (*figures.days, *ahead)
        return Chart(
            Key.DEADLINE,
            "Accounts paired, against the deadline" if deadline else "Accounts paired",
            f"{_count(have[-1], 'account')} paired. {figures.still_unpaired:,} more were let in without a code "
            f"within {UNPAIRED_DAYS} days{_left(deadline, figures.last)}.",
            "At the end of each day; an account counts while it has a token. The dashes lead to the day on which those "
            "that were let in without a code must be paired too. Who never logs in is not known here. The deadline is "
            "that of [portal].",
            "day",
            tuple(day.isoformat() for day in days),
            tuple(series),
            days,
            deadline,
        )

    def _days_ahead(self) -> list[date]:
        """List the days after the last that was counted, through the deadline, unless that is too far away."""
        if self.deadline is None or (self.deadline - self.figures.last).days > LONGEST_AHEAD_DAYS:
            return []
        return days_between(self.figures.last, self.deadline)[1:]

    def _kinds(self, name: Callable[[str], str]) -> tuple[str, ...]:
        return (*KINDS, OTHER_KIND) if self.figures.total(name(OTHER_KIND)) else KINDS


_LOGINS = (
    (Factor.CODE, Origin.INTERNAL, "code"),
    (Factor.CODE, Origin.EXTERNAL, "code-external"),
    (Factor.CODE, Origin.UNKNOWN, "code-unknown"),
    (Factor.NONE, Origin.INTERNAL, "none"),
    (Factor.NONE, Origin.EXTERNAL, "none-external"),
    (Factor.NONE, Origin.UNKNOWN, "none-unknown"),
)


def compose(figures: Figures, deadline: date | None) -> list[Chart]:
    """Make every chart, in the order of Key."""
    maker = _Maker(figures, deadline)
    return [maker.progress(), maker.people(), maker.logins(), maker.pairings(), maker.kinds()]


def _whole(series: Series) -> list[int]:
    return [int(value or 0) for value in series.values]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "none"


def _most(values: tuple[int, ...], labels: tuple[str, ...]) -> str:
    most = max(values)
    return f"{most:,} with a token code on {labels[values.index(most)]}, the most of a day" if most else "Nobody yet"


def _left(deadline: date | None, today: date) -> str:
    if deadline is None:
        return ""
    days = (deadline - today).days
    if days < 0:
        return f"; the deadline was {deadline.isoformat()}"
    return f"; {_count(days, 'day')} left until {deadline.isoformat()}" if days else "; today is the last day"
