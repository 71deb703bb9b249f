"""How an account and its tokens stand, in one question: what pages ask first, of whoever asks for them.

One question for several tables, since a page waits for each answer, and for the thread that fetches it.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection, String, bindparam, select

from watchword.domain.lockout import Standing
from watchword.services.ports_search import AccountFacts
from watchword.services.ports_sessions import Session, Visitor
from watchword.services.ports_tokens import TokenFacts
from watchword.store.facts import token_facts
from watchword.store.listed import ListedStatement, first
from watchword.store.portal_schema import sessions
from watchword.store.schema import accounts
from watchword.store.tokens import read_facts

MOST_TOKENS = 100


class _TokenRow(NamedTuple):
    """What is read of each token; the names are the columns'."""

    account_name: str
    serial: str | None
    kind: str
    label: str
    rank: int
    enabled: int
    algorithm: str
    digits: int
    period_seconds: int
    drift_steps: int
    created_at: int
    last_used_at: int | None


_STANDING = (accounts.c.failures, accounts.c.locked_until, accounts.c.held)
_TOKEN = tuple(token_facts.c[name] for name in _TokenRow._fields if name != "account_name")
_SESSION = tuple(column for column in sessions.c if column is not sessions.c.session_hash)
_SESSION_NAMES = [column.name for column in _SESSION]
_BY_RANK = (token_facts.c.rank, token_facts.c.serial)
_ITS_TOKENS = token_facts.c.account_id == accounts.c.id

_holder = ListedStatement(
    first(
        select(*_STANDING, *_TOKEN)
        .select_from(accounts.outerjoin(token_facts, _ITS_TOKENS))
        .where(accounts.c.name == bindparam("name", type_=String))
        .order_by(*_BY_RANK),
        MOST_TOKENS,
    )
)

_visitor = ListedStatement(
    first(
        select(*_SESSION, *_STANDING, *_TOKEN)
        # Whoever never paired has no row in accounts.
        .select_from(
            sessions.outerjoin(accounts, accounts.c.name == sessions.c.account).outerjoin(token_facts, _ITS_TOKENS)
        )
        .where(sessions.c.session_hash == bindparam("session_hash"))
        .order_by(*_BY_RANK),
        MOST_TOKENS,
    )
)


def find_holder(connection: Connection, name: str) -> AccountFacts | None:
    """Find an account, and its tokens by rank."""
    rows = _holder.rows(connection, {"name": name})
    return AccountFacts(*_facts(name, rows)) if rows else None


def find_visitor(connection: Connection, session_hash: bytes) -> Visitor | None:
    """Find a session, however old it is, and how its holder's account stands."""
    rows = _visitor.rows(connection, {"session_hash": session_hash})
    if not rows:
        return None
    known = dict(zip(_SESSION_NAMES, rows[0], strict=False))
    session = Session(session_hash, **known | {"splash_put_off": bool(known["splash_put_off"])})
    return Visitor(session, *_facts(session.account, [row[len(_SESSION) :] for row in rows]))


def _facts(name: str, rows: list[list[Any]]) -> tuple[Standing, list[TokenFacts]]:
    failures, locked_until, held = rows[0][: len(_STANDING)]
    tokens = [_TokenRow(name, *row[len(_STANDING) :]) for row in rows]
    return (
        Standing(failures or 0, locked_until or 0, bool(held)),
        [read_facts(token) for token in tokens if token.serial is not None],
    )
