"""The questions behind operators' lists and people's histories, composed once for each shape that they come in."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Column, Select, String, and_, bindparam, func, or_, select, union_all

from watchword.domain.audit import AuditEvent
from watchword.services.ports_search import EventSort
from watchword.store.facts import token_facts as tokens
from watchword.store.listed import ListedStatement, as_lists, first
from watchword.store.schema import accounts, audit

Values = dict[str, str | int | bytes]

ACCOUNT = (accounts.c.id, accounts.c.name, accounts.c.failures, accounts.c.locked_until, accounts.c.held)
EVENT = (audit.c.id, *(audit.c[name] for name in AuditEvent._fields))
"""No MAC: nobody verifies a list."""

ALL_ROWS = 2**63 - 1
"""Beyond each row's number."""

_MOST = bindparam("most", type_=BigInteger)
_AFTER = bindparam("after", type_=String)


@cache
def accounts_like(prefixes: int) -> ListedStatement:
    """Ask for accounts whose names begin with one of so many texts."""
    return _like(select(*ACCOUNT), accounts.c.name, prefixes)


@cache
def serials_like(prefixes: int) -> ListedStatement:
    """Ask for tokens whose serials begin with one of so many texts."""
    columns = (tokens.c.serial, tokens.c.kind, tokens.c.label, tokens.c.enabled, accounts.c.name)
    query = select(*columns).select_from(tokens.outerjoin(accounts, accounts.c.id == tokens.c.account_id))
    return _like(query, tokens.c.serial, prefixes)


def _like(query: Select[Any], column: Column[str], prefixes: int) -> ListedStatement:
    # A range, and not LIKE: that reads signs in the prefix, and not every database looks it up in the index.
    begins = [and_(column >= bindparam(f"from{n}"), column < bindparam(f"to{n}")) for n in range(prefixes)]
    return ListedStatement(first(query.where(or_(*begins), column > _AFTER).order_by(column), _MOST))


def beginnings(prefixes: Sequence[str]) -> Values:
    """Answer where each range begins and ends."""
    # Both databases compare code point by code point, and no name holds the last code point there is.
    ends = [prefix[:-1] + chr(ord(prefix[-1]) + 1) for prefix in prefixes]
    values: Values = {f"from{n}": prefix for n, prefix in enumerate(prefixes)}
    return values | {f"to{n}": end for n, end in enumerate(ends)}


@cache
def kinds_of(names: int) -> ListedStatement:
    """Ask for the tokens of so many accounts: account, rank, serial, kind; in no order."""
    return ListedStatement(
        select(accounts.c.name, tokens.c.rank, tokens.c.serial, tokens.c.kind)
        .join_from(accounts, tokens, tokens.c.account_id == accounts.c.id)
        .where(accounts.c.name.in_([bindparam(f"name{n}") for n in range(names)]))
    )


def _shut() -> ListedStatement:
    # Two questions, since each has an index; asked as one with OR, neither would be used. (Nor with IS TRUE.)
    beyond = select(*ACCOUNT).where(accounts.c.name > _AFTER).order_by(accounts.c.name)
    held = first(beyond.where(accounts.c.held == bindparam("held")), _MOST)
    locked_out = first(beyond.where(accounts.c.locked_until > bindparam("now")), _MOST)
    return _together([held, locked_out])


@cache
def events_before(sorts: int) -> ListedStatement:
    """Ask for the newest events of so many sorts, so many of each."""
    below = [_of_sort(n).where(audit.c.id < bindparam("before")).order_by(audit.c.id.desc()) for n in range(sorts)]
    return _together([first(query, _MOST) for query in below])


@cache
def events_since(sorts: int) -> ListedStatement:
    """Ask for the events of so many sorts that came after a row, so many of each."""
    beyond = [_of_sort(n).where(audit.c.id > bindparam("after")).order_by(audit.c.id) for n in range(sorts)]
    return _together([first(query, _MOST) for query in beyond])


def _of_sort(number: int) -> Select[Any]:
    of_kind = audit.c.kind == bindparam(f"kind{number}")
    return select(*EVENT).where(of_kind, audit.c.result == bindparam(f"result{number}"))


def names_of(sorts: Sequence[EventSort]) -> Values:
    """Answer the kind and the result of each sort."""
    kinds: Values = {f"kind{number}": str(kind) for number, (kind, _) in enumerate(sorts)}
    return kinds | {f"result{number}": str(result) for number, (_, result) in enumerate(sorts)}


def _together(queries: Sequence[Select[Any]]) -> ListedStatement:
    """Ask all at once. Each walks its own part of an index, and stops at its limit."""
    return ListedStatement(union_all(*(select(as_lists(query).subquery()) for query in queries)))


@cache
def story(kinds: int) -> ListedStatement:
    """Ask for an account's newest events, of so many kinds, or of all if that is 0; down to a row."""
    query = select(*EVENT).where(audit.c.account == bindparam("account"), audit.c.id < bindparam("before"))
    if kinds:
        named = audit.c.kind.in_([bindparam(f"kind{number}") for number in range(kinds)])
        query = query.where(audit.c.id >= bindparam("floor"), named)
    return ListedStatement(first(query.order_by(audit.c.id.desc()), _MOST))


_OF_ACCOUNT = select(audit.c.id).where(audit.c.account == bindparam("account"), audit.c.id < bindparam("before"))

# Read in the index alone.
depth = ListedStatement(
    _OF_ACCOUNT.order_by(audit.c.id.desc()).limit(bindparam("one")).offset(bindparam("rows", type_=BigInteger))
)
newest_row = ListedStatement(select(func.max(audit.c.id)))
newest_time = ListedStatement(first(select(audit.c.at_milliseconds).order_by(audit.c.id.desc()), 1))
shut = _shut()
