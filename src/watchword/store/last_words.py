"""What a work writes last, and wants to know nothing of but that it was written: to MariaDB in one go.

A round trip costs a batch of logins more than the statement that it carries: whoever else runs on the machine meanwhile
leaves the caches of both sides cold (docs/benchmarks.md). SQLite has none, and is told at once.
"""

from collections.abc import Mapping

from sqlalchemy import Connection

from watchword.store.composed import ComposedStatement
from watchword.store.database import RaceLost, end_with

MOST_AT_ONCE = 4 * 1024 * 1024
"""Characters: MariaDB takes 16 MiB, if nobody has told it otherwise."""

# Number 1020, "record has changed since last read", is a race that was lost (database.py).
_UNLESS = (
    "IF ROW_COUNT() <> {rows:d} THEN"
    " SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1020, MESSAGE_TEXT = 'a row is not as it was'; END IF"
)


class LastWords:
    """Statements in their order, sent together at the end of a work, before its transaction is committed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._statements: list[str] = []
        self._length = 0

    @property
    def are_sent_at_once(self) -> bool:
        """Whether the database is one without round trips."""
        return self._connection.dialect.name == "sqlite"

    def say(self, statement: ComposedStatement, values: Mapping[str, str | int | bytes], *, rows: int = -1) -> None:
        """Have a statement run; if it is to change so many rows, and does not, the work is begun anew."""
        if self.are_sent_at_once:
            if statement.execute(self._connection, values).rowcount != rows >= 0:
                raise RaceLost
            return
        self.say_text(statement.as_text(self._connection.dialect, values), rows=rows)

    def say_text(self, statement: str, *, rows: int = -1) -> None:
        """Have a statement run that is in MariaDB's words, its values written as `literal` does."""
        self._statements.append(statement)
        if rows >= 0:
            self._statements.append(_UNLESS.format(rows=rows))
        self._length += len(statement)
        # ROW_COUNT() is that of the statement before it: the two must not be torn apart.
        if self._length > MOST_AT_ONCE and statement.startswith("INSERT"):
            self.send()

    def send(self) -> None:
        """Send what was said."""
        if self._statements:
            self._connection.exec_driver_sql(self._take())

    def send_and_commit(self) -> None:
        """Send what was said, and with it the word that ends the transaction."""
        if self._statements:
            self._statements.append("COMMIT")
            end_with(self._connection, self._take())

    def _take(self) -> str:
        taken = f"BEGIN NOT ATOMIC {'; '.join(self._statements)}; END"
        self._statements, self._length = [], 0
        return taken
