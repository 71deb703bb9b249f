"""What operators look for, found by index: names and serials by their beginning, the newest events of some sorts."""

import heapq
import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from watchword.domain.audit import AuditEvent
from watchword.domain.lockout import Standing
from watchword.services.ports import Account
from watchword.services.ports_search import AccountFacts, EventSort, FoundToken, NumberedEvent
from watchword.store import search_questions as questions
from watchword.store.holders import find_holder

NAMES_AT_ONCE = 25
"""As many as a page shows: so there is one statement for whatever number there is on the last one."""


class SearchRows:
    """Lists that never read a whole table, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def account(self, name: str) -> AccountFacts | None:
        """Find an account and its tokens."""
        return find_holder(self._connection, name)

    def accounts_like(self, prefixes: Sequence[str], after: str, limit: int) -> list[Account]:
        """List accounts whose names begin with any of these, by name, from the first beyond `after`."""
        values = questions.beginnings(prefixes) | {"after": after, "most": limit}
        return [_account(row) for row in questions.accounts_like(len(prefixes)).rows(self._connection, values)]

    def serials_like(self, prefixes: Sequence[str], after: str, limit: int) -> list[FoundToken]:
        """List tokens whose serials begin with any of these, by serial, from the first beyond `after`."""
        values = questions.beginnings(prefixes) | {"after": after, "most": limit}
        rows = questions.serials_like(len(prefixes)).rows(self._connection, values)
        return [
            FoundToken(serial, kind, label, bool(enabled), name or "") for serial, kind, label, enabled, name in rows
        ]

    def kinds_of(self, names: Collection[str]) -> Mapping[str, list[str]]:
        """Answer the kinds of each account's tokens; accounts without any are left out."""
        wanted = sorted(names)
        rows: list[list[Any]] = []
        for start in range(0, len(wanted), NAMES_AT_ONCE):
            some = wanted[start : start + NAMES_AT_ONCE]
            some += some[-1:] * (NAMES_AT_ONCE - len(some))
            values: questions.Values = {f"name{number}": name for number, name in enumerate(some)}
            rows += questions.kinds_of(NAMES_AT_ONCE).rows(self._connection, values)
        by_name = itertools.groupby(sorted(rows), lambda row: row[0])
        return {name: [kind for _, _, _, kind in group] for name, group in by_name}

    def shut(self, now_seconds: int, after: str, limit: int) -> list[Account]:
        """List accounts that are locked now, by an operator or by failures, by name, beyond `after`."""
        values: questions.Values = {"held": 1, "now": now_seconds, "after": after, "most": limit}
        found = {row[1]: row for row in questions.shut.rows(self._connection, values)}
        return [_account(found[name]) for name in heapq.nsmallest(limit, found)]

    def events_before(self, sorts: Sequence[EventSort], before: int | None, limit: int) -> list[NumberedEvent]:
        """List events of these sorts, newest first, from the newest or from below a row; so many of each sort."""
        values = questions.names_of(sorts) | {"before": _below(before), "most": limit}
        found = questions.events_before(len(sorts)).rows(self._connection, values)
        return [_numbered(row) for row in sorted(found, key=_row_of, reverse=True)]

    def events_since(self, sorts: Sequence[EventSort], after: int, limit: int) -> list[NumberedEvent]:
        """List events of these sorts, oldest first, beyond a row."""
        values = questions.names_of(sorts) | {"after": after, "most": limit}
        found = questions.events_since(len(sorts)).rows(self._connection, values)
        return [_numbered(row) for row in heapq.nsmallest(limit, found, key=_row_of)]

    def story(self, account: str, before: int | None, limit: int) -> list[NumberedEvent]:
        """List an account's events, newest first, from the newest or from below a row."""
        values: questions.Values = {"account": account, "before": _below(before), "most": limit}
        return [_numbered(row) for row in questions.story(0).rows(self._connection, values)]

    def story_of(
        self, kinds: Sequence[str], account: str, before: int | None, limit: int, *, within: int
    ) -> tuple[list[NumberedEvent], int | None]:
        """List an account's events of some kinds as `story` does, among its newest `within` rows; and their last row.

        The row is None if there are no more of that account's.
        """
        here: questions.Values = {"account": account, "before": _below(before)}
        deepest = questions.depth.rows(self._connection, here | {"one": 1, "rows": within - 1})
        floor: int | None = deepest[0][0] if deepest else None
        named: questions.Values = {f"kind{number}": str(kind) for number, kind in enumerate(kinds)}
        values = here | named | {"floor": floor or 0, "most": limit}
        return [_numbered(row) for row in questions.story(len(kinds)).rows(self._connection, values)], floor

    def newest_row(self) -> int:
        """Answer the number of the audit log's newest row, 0 for none."""
        return questions.newest_row.rows(self._connection, {})[0][0] or 0

    def newest_event_at(self) -> int:
        """Answer the time of the audit log's newest row, in milliseconds since 1970; 0 for none."""
        newest = questions.newest_time.rows(self._connection, {})
        return newest[0][0] if newest else 0


def _below(before: int | None) -> int:
    return questions.ALL_ROWS if before is None else before


def _account(row: list[Any]) -> Account:
    number, name, failures, locked_until, held = row
    return Account(number, name, Standing(failures, locked_until, bool(held)))


def _row_of(row: list[Any]) -> int:
    number: int = row[0]
    return number


def _numbered(row: list[Any]) -> NumberedEvent:
    return NumberedEvent(row[0], AuditEvent(*row[1:]))
