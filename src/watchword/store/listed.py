"""Questions whose rows come as one column each, a JSON list: what pages ask for.

PyMySQL reads in Python, and takes as long for each column of each row as the database takes to find the row. JSON is
read in C.
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, func, literal_column

from watchword.store.composed import ComposedStatement


class ListedStatement:
    """A question about numbers and texts, composed once. Octets have no place in JSON."""

    def __init__(self, query: Select[Any] | CompoundSelect[Any]) -> None:
        """Take a question, or several together that are `as_lists` already; `rows` is given its bound parameters."""
        listed = as_lists(query) if isinstance(query, Select) else query
        self._statement = ComposedStatement(lambda _: listed)

    def rows(self, connection: Connection, values: Mapping[str, str | int | bytes]) -> list[list[Any]]:
        """Ask; answers a list of the columns for each row."""
        return [json.loads(row) for row in self._statement.execute(connection, values).scalars()]


def first(query: Select[Any], most: ColumnElement[int] | int) -> Select[Any]:
    """Ask for the first rows alone. Where only a limit is said, SQLAlchemy binds an offset that nobody gives."""
    return query.limit(literal_column(str(most)) if isinstance(most, int) else most).offset(literal_column("0"))


def as_lists(query: Select[Any]) -> Select[Any]:
    """Ask the same for one column: the list of all."""
    return query.with_only_columns(func.json_array(*query.selected_columns), maintain_column_froms=True)
