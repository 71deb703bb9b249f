"""Many rows in one statement: a JSON array, sent as one parameter, stands in a statement like a table.

The statement's text stays the same however many rows there are, so it is composed once. A statement for each row would
cost a login more than all else together (docs/benchmarks.md).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, TextClause, text
from sqlalchemy.engine import Dialect

from watchword.store.composed import ComposedStatement

Given = Sequence[Sequence[str | int]]

_write_json = json.JSONEncoder(ensure_ascii=False).encode


def given_table(dialect: Dialect, columns: Sequence[Column[Any]]) -> str:
    """Compose what stands in FROM for the parameter `:given`: a table `given` of these columns, in this order."""
    if dialect.name == "sqlite":
        fields = ", ".join(f"json_extract(value, '$[{n}]') AS {column.name}" for n, column in enumerate(columns))
        return f"(SELECT {fields} FROM json_each(:given)) AS given"  # noqa: S608  (names of our own columns)
    fields = ", ".join(
        f"{column.name} {column.type.compile(dialect)} PATH '$[{n}]'" for n, column in enumerate(columns)
    )
    return f"JSON_TABLE(:given, '$[*]' COLUMNS ({fields})) AS given"


class GivenStatement:
    """A statement with a `{given}` in its text, where the rows that it is given are to stand."""

    def __init__(self, columns: Sequence[Column[Any]], *, mariadb: str, sqlite: str) -> None:
        """Take the columns of the given rows, and the statement in each database's own words."""
        self._columns = columns
        self._texts: Mapping[str, str] = {"mysql": mariadb, "mariadb": mariadb, "sqlite": sqlite}
        self.composed = ComposedStatement(self._compose)

    def execute(self, connection: Connection, rows: Given, **parameters: int) -> Any:
        """Run the statement on rows; answers SQLAlchemy's CursorResult."""
        return self.composed.execute(connection, self.values(rows, **parameters))

    def values(self, rows: Given, **parameters: int) -> dict[str, str | int | bytes]:
        """Answer the values of the composed statement's parameters, for these rows."""
        return {"given": _write_json(rows), **parameters}

    def _compose(self, dialect: Dialect) -> TextClause:
        return text(self._texts[dialect.name].replace("{given}", given_table(dialect, self._columns)))
