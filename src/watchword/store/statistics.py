"""The rows of what the charts show."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from watchword.domain.audit import EventKind, Result
from watchword.services.ports_statistics import Chain, Counted, Counts
from watchword.store.given import GivenStatement
from watchword.store.portal_schema import counted_chains, day_counts, day_people, pairing_days
from watchword.store.schema import audit, audit_heads

TURN = ""
"""The row that is no writer's: whoever counts changes it first, so that others wait. With Galera, so that they lose."""

CLEARING = "clearing"
"""The row, no writer's either, that is there until what was counted is forgotten: nothing is counted meanwhile."""

ACCOUNTS_AT_ONCE = 1000

_CAN_COUNT = or_(
    audit.c.kind == EventKind.PAIRING,
    and_(audit.c.kind == EventKind.LOGIN, audit.c.result == Result.GRANTED),
    and_(audit.c.kind == EventKind.PAIRING_QUERY, audit.c.result == Result.ANSWERED, audit.c.serial == ""),
)
_READ = (
    audit.c.at_milliseconds,
    audit.c.kind,
    audit.c.result,
    audit.c.account,
    audit.c.serial,
    audit.c.address,
    audit.c.reason,
    audit.c.detail,
)

_ADD = GivenStatement(
    [day_counts.c.day, day_counts.c.what, day_counts.c.number],
    mariadb="INSERT INTO day_counts (day, what, number) SELECT given.day, given.what, given.number FROM {given}"
    " ON DUPLICATE KEY UPDATE number = day_counts.number + VALUES(number)",
    sqlite="INSERT INTO day_counts (day, what, number) SELECT given.day, given.what, given.number FROM {given}"
    " WHERE true ON CONFLICT (day, what) DO UPDATE SET number = day_counts.number + excluded.number",
)
_ADD_PEOPLE = GivenStatement(
    [day_people.c.day, day_people.c.factor, day_people.c.account],
    mariadb="INSERT IGNORE INTO day_people (day, factor, account)"
    " SELECT given.day, given.factor, given.account FROM {given}",
    sqlite="INSERT OR IGNORE INTO day_people (day, factor, account)"
    " SELECT given.day, given.factor, given.account FROM {given}",
)
_ADD_PAIRINGS = GivenStatement(
    [pairing_days.c.account, pairing_days.c.day, pairing_days.c.more],
    mariadb="INSERT INTO pairing_days (account, day, more) SELECT given.account, given.day, given.more FROM {given}"
    " ON DUPLICATE KEY UPDATE more = pairing_days.more + VALUES(more)",
    sqlite="INSERT INTO pairing_days (account, day, more) SELECT given.account, given.day, given.more FROM {given}"
    " WHERE true ON CONFLICT (account, day) DO UPDATE SET more = pairing_days.more + excluded.more",
)


class DayCountRows:
    """Verbs on what was counted, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def chains(self) -> list[Chain]:
        """List every writer's chain, by name."""
        # Not max(): for each writer, MariaDB would read the whole chain for it.
        theirs = select(audit.c.sequence).where(audit.c.writer == audit_heads.c.writer)
        newest = theirs.order_by(audit.c.sequence.desc()).limit(1).scalar_subquery()
        counted = func.coalesce(counted_chains.c.sequence, 0)
        heads = audit_heads.outerjoin(counted_chains, counted_chains.c.writer == audit_heads.c.writer)
        query = select(audit_heads.c.writer, counted, func.coalesce(newest, 0)).select_from(heads)
        return [Chain(*row) for row in self._connection.execute(query.order_by(audit_heads.c.writer))]

    def events(self, writer: str, after: int, through: int) -> list[Counted]:
        """Read those of a chain's events that can count, beyond one sequence number and through another."""
        theirs = and_(audit.c.writer == writer, audit.c.sequence > after, audit.c.sequence <= through)
        return [Counted(*row) for row in self._connection.execute(select(*_READ).where(theirs, _CAN_COUNT))]

    def advance(self, chain: Chain, through: int) -> bool:
        """Record how far a chain has been counted; False if that is not where it stands any more.

        Whoever counts waits here for whoever else does, so that what follows is one counter's at a time.
        """
        self._take_turn()
        if self.is_clearing():
            return False
        theirs = counted_chains.c.writer == chain.writer
        if chain.counted:
            still = update(counted_chains).where(theirs, counted_chains.c.sequence == chain.counted)
            return self._connection.execute(still.values(sequence=through)).rowcount == 1
        if self._connection.execute(select(counted_chains.c.sequence).where(theirs)).first() is not None:
            return False
        self._connection.execute(insert(counted_chains).values(writer=chain.writer, sequence=through))
        return True

    def _take_turn(self) -> None:
        turn = update(counted_chains).where(counted_chains.c.writer == TURN)
        if self._connection.execute(turn.values(sequence=counted_chains.c.sequence + 1)).rowcount != 1:
            self._connection.execute(insert(counted_chains).values(writer=TURN, sequence=1))

    def add(self, counts: Counts) -> None:
        """Add to what was counted."""
        rows = [(day.isoformat(), what, number) for (day, what), number in counts.items() if number]
        if rows:
            _ADD.execute(self._connection, rows)

    def add_people(self, day: date, factor: str, accounts: Sequence[str]) -> int:
        """Record who logged in on a day; answers how many of them were not on record yet."""
        added: int = _ADD_PEOPLE.execute(
            self._connection, [(day.isoformat(), factor, one) for one in accounts]
        ).rowcount
        return added

    def add_pairings(self, more: Mapping[tuple[str, date], int]) -> dict[str, dict[date, int]]:
        """Record how many tokens accounts gained on a day; answers all that is on record of these accounts, with it."""
        _ADD_PAIRINGS.execute(
            self._connection, [(account, day.isoformat(), number) for (account, day), number in more.items()]
        )
        accounts = sorted({account for account, _ in more})
        found: dict[str, dict[date, int]] = {}
        for start in range(0, len(accounts), ACCOUNTS_AT_ONCE):
            some = accounts[start : start + ACCOUNTS_AT_ONCE]
            for row in self._connection.execute(select(pairing_days).where(pairing_days.c.account.in_(some))):
                found.setdefault(row.account, {})[row.day] = row.more
        return found

    def begin_clearing(self) -> None:
        """Forget everything that was counted; nothing is counted until `clear_some` has come to its end."""
        self._take_turn()
        self._connection.execute(delete(day_counts))
        self._connection.execute(delete(counted_chains).where(counted_chains.c.writer != TURN))
        self._connection.execute(insert(counted_chains).values(writer=CLEARING, sequence=0))

    def is_clearing(self) -> bool:
        """Tell whether there is still something to be forgotten."""
        query = select(counted_chains.c.sequence).where(counted_chains.c.writer == CLEARING)
        return self._connection.execute(query).first() is not None

    def clear_some(self) -> None:
        """Forget a part of it: a day's people, or some accounts. Millions of rows at once would take too long."""
        self._take_turn()
        if not self.is_clearing():
            return  # somebody else was done first, and counting has begun anew
        day = self._connection.execute(select(func.min(day_people.c.day))).scalar()
        if day is not None:
            self._connection.execute(delete(day_people).where(day_people.c.day == day))
            return
        query = select(pairing_days.c.account).distinct().order_by(pairing_days.c.account).limit(ACCOUNTS_AT_ONCE)
        some = self._connection.execute(query).scalars().all()
        if some:
            self._connection.execute(delete(pairing_days).where(pairing_days.c.account.in_(some)))
            return
        self._connection.execute(delete(counted_chains).where(counted_chains.c.writer == CLEARING))

    def days(self, first: date, last: date) -> dict[tuple[date, str], int]:
        """Answer what was counted on these days."""
        query = select(day_counts).where(day_counts.c.day.between(first, last))
        return {(row.day, row.what): row.number for row in self._connection.execute(query)}

    def before(self, first: date) -> dict[str, int]:
        """Answer, by what was counted, how many there were on all days before."""
        query = select(day_counts.c.what, func.sum(day_counts.c.number)).where(day_counts.c.day < first)
        return {what: int(number) for what, number in self._connection.execute(query.group_by(day_counts.c.what))}

    def still_unpaired(self, days: Sequence[date], factor: str) -> int:
        """Count the accounts that logged in with this factor on one of these days, and have no token now."""
        # Each day by name: then the key leads to the factor's rows, and no others are read.
        seen = select(day_people.c.account).distinct()
        people = seen.where(day_people.c.day.in_(days), day_people.c.factor == factor).subquery()
        tokens = select(func.sum(pairing_days.c.more)).where(pairing_days.c.account == people.c.account)
        query = select(func.count()).select_from(people).where(func.coalesce(tokens.scalar_subquery(), 0) <= 0)
        return int(self._connection.execute(query).scalar_one())
