"""Statements in the words of the driver, composed once and sent as they are.

SQLAlchemy takes as long to find a statement among those that it has compiled, and to make sense of its parameters and
results, as the driver takes for all the rest. A batch of logins has few statements, and none of that to gain from it.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ClauseElement, Connection
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

from watchword.store.database import Rows, run_directly


class _Words(NamedTuple):
    """A statement in a driver's words; `places`: which parameter each of its marks is, if they have no names."""

    statement: str
    places: tuple[str, ...]


class ComposedStatement:
    """A statement whose parameters are numbers, texts and octets, which every driver takes as they are."""

    def __init__(self, compose: Callable[[Dialect], ClauseElement]) -> None:
        """Take what composes the statement for a database."""
        self._compose = compose
        self._words: dict[str, _Words] = {}

    def execute(self, connection: Connection, values: Mapping[str, str | int | bytes]) -> Any:
        """Run the statement; answers SQLAlchemy's CursorResult."""
        dialect = connection.dialect
        statement, places = self._in_words(dialect)
        return connection.exec_driver_sql(statement, tuple(values[name] for name in places) if places else values)

    def rows(self, connection: Connection, values: Mapping[str, str | int | bytes]) -> Rows:
        """Run the statement; answer its rows, in the fewest steps."""
        if connection.dialect.name == "sqlite":
            return [tuple(row) for row in self.execute(connection, values)]
        words = self._in_words(connection.dialect)
        return run_directly(connection, words.statement, values)

    def as_text(self, dialect: Dialect, values: Mapping[str, str | int | bytes]) -> str:
        """Write the statement with its values in it, as MariaDB reads them."""
        words = self._in_words(dialect)
        return words.statement % {name: literal(value) for name, value in values.items()}

    def _in_words(self, dialect: Dialect) -> _Words:
        known = self._words.get(dialect.name)
        if known is not None:
            return known
        compiled = self._compose(dialect).compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101  (it is no statement about tables)
        words = _Words(str(compiled), tuple(compiled.positiontup or ()))
        self._words[dialect.name] = words
        return words


def literal(value: str | int | bytes) -> str:
    """Write a value as MariaDB reads it: a text in hex digits, so that whatever it says is nothing but data."""
    match value:
        case str():
            return f"_utf8mb4 X'{value.encode('utf-8').hex()}'"
        case bytes():
            return f"X'{value.hex()}'"
        case int():
            return f"{value:d}"
