"""What operators look for, found by index: names and serials by their beginning, the newest events of some sorts."""

import heapq
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    func,
    literal,
    or_,
    select,
    true,
    union,
    union_all,
)

from watchword.domain.audit import AuditEvent
from watchword.domain.lockout import Standing
from watchword.services.ports import Account
from watchword.services.ports_search import EventSort, FoundToken, NumberedEvent
from watchword.store.facts import token_facts as tokens
from watchword.store.schema import accounts, audit

_ACCOUNT = (accounts.c.id, accounts.c.name, accounts.c.failures, accounts.c.locked_until, accounts.c.held)
_EVENT = tuple(
    column for column in audit.c if column.name in {"id", *AuditEvent.__dataclass_fields__}
)  # no MAC: nobody verifies a list


class SearchRows:
    """Lists that never read a whole table, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def accounts_like(self, prefixes: Sequence[str], after: str, limit: int) -> list[Account]:
        """List accounts whose names begin with any of these, by name, from the first beyond `after`."""
        query = _page(select(*_ACCOUNT), accounts.c.name, prefixes, after, limit)
        return [_account(row) for row in self._connection.execute(query)]

    def serials_like(self, prefixes: Sequence[str], after: str, limit: int) -> list[FoundToken]:
        """List tokens whose serials begin with any of these, by serial, from the first beyond `after`."""
        columns = (tokens.c.serial, tokens.c.kind, tokens.c.label, tokens.c.enabled, accounts.c.name)
        query = select(*columns).select_from(tokens.outerjoin(accounts, accounts.c.id == tokens.c.account_id))
        rows = self._connection.execute(_page(query, tokens.c.serial, prefixes, after, limit))
        return [FoundToken(row.serial, row.kind, row.label, bool(row.enabled), row.name or "") for row in rows]

    def kinds_of(self, names: Collection[str]) -> Mapping[str, list[str]]:
        """Answer the kinds of each account's tokens; accounts without any are left out."""
        query = (
            select(accounts.c.name, tokens.c.kind)
            .join_from(accounts, tokens, tokens.c.account_id == accounts.c.id)
            .where(accounts.c.name.in_(sorted(names)))
            .order_by(accounts.c.name, tokens.c.rank, tokens.c.serial)
        )
        rows = self._connection.execute(query).all()
        return {name: [row.kind for row in group] for name, group in itertools.groupby(rows, lambda row: row.name)}

    def shut(self, now_seconds: int, after: str, limit: int) -> list[Account]:
        """List accounts that are locked now, by an operator or by failures, by name, beyond `after`."""
        # Two questions, since each has an index; asked as one with OR, neither would be used. (Nor with IS TRUE.)
        held = select(*_ACCOUNT).where(accounts.c.held == literal(1))
        locked_out = select(*_ACCOUNT).where(accounts.c.locked_until > now_seconds)
        both = union(held, locked_out).subquery()
        query = select(both).where(both.c.name > after).order_by(both.c.name).limit(limit)
        return [_account(row) for row in self._connection.execute(query)]

    def events_before(self, sorts: Sequence[EventSort], before: int | None, limit: int) -> list[NumberedEvent]:
        """List events of these sorts, newest first, from the newest or from below a row."""
        below = audit.c.id < before if before is not None else true()
        found = self._events(_of_sort(*sort).where(below).order_by(audit.c.id.desc()).limit(limit) for sort in sorts)
        return heapq.nlargest(limit, found, key=_row_of)

    def events_since(self, sorts: Sequence[EventSort], after: int, limit: int) -> list[NumberedEvent]:
        """List events of these sorts, oldest first, beyond a row."""
        beyond = audit.c.id > after
        found = self._events(_of_sort(*sort).where(beyond).order_by(audit.c.id).limit(limit) for sort in sorts)
        return heapq.nsmallest(limit, found, key=_row_of)

    def newest_row(self) -> int:
        """Answer the number of the audit log's newest row, 0 for none."""
        return self._connection.execute(select(func.max(audit.c.id))).scalar() or 0

    def _events(self, queries: Iterable[Select[Any]]) -> list[NumberedEvent]:
        """Ask all at once. Each walks its own part of the index, and stops at its limit."""
        parts = [select(query.subquery()) for query in queries]
        return [_numbered(row) for row in self._connection.execute(union_all(*parts))]


def _of_sort(kind: str, result: str) -> Select[Any]:
    return select(*_EVENT).where(audit.c.kind == kind, audit.c.result == result)


def _page(query: Select[Any], column: Column[str], prefixes: Iterable[str], after: str, limit: int) -> Select[Any]:
    begins = [_begins_with(column, prefix) for prefix in prefixes]
    return query.where(or_(*begins), column > after).order_by(column).limit(limit)


def _begins_with(column: Column[str], prefix: str) -> ColumnElement[bool]:
    """Say it as a range: LIKE reads signs in the prefix, and not every database looks it up in the index."""
    # Both databases compare code point by code point, and no name holds the last code point there is.
    return and_(column >= prefix, column < prefix[:-1] + chr(ord(prefix[-1]) + 1))


def _account(row: Row[Any]) -> Account:
    return Account(row.id, row.name, Standing(row.failures, row.locked_until, bool(row.held)))


def _row_of(numbered: NumberedEvent) -> int:
    return numbered.row


def _numbered(row: Row[Any]) -> NumberedEvent:
    values = row._asdict()
    return NumberedEvent(values.pop("id"), AuditEvent(**values))
