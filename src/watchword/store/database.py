"""One database, MariaDB or SQLite, and how a piece of work is done in it: whole, or not at all."""

import contextlib
import random
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pymysql
import sqlalchemy
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from watchword.domain.errors import Conflict, SettingsError, StoreUnavailable

Result = TypeVar("Result")

Rows = Sequence[tuple[Any, ...]]

ATTEMPTS = 8
"""How often a piece of work that lost a race is begun anew."""

LONGEST_PAUSE_SECONDS = 0.05

# MariaDB: lock wait timeout, deadlock (with Galera also: certification failed), record changed since last read; and a
# savepoint that is gone: the transaction was ended in the middle of one, by either of the first two.
_RACE_LOST = {1205, 1213, 1020, 1305}

MOST_CONNECTIONS = 15
"""Of one process to MariaDB; opened when they are needed."""

OLDEST_MARIADB = (10, 6)
"""The first with JSON_TABLE."""

OLDEST_SQLITE = (3, 33)
"""The first with UPDATE … FROM."""

_ABOUT_MARIADB = "SELECT VERSION(), @@innodb_flush_log_at_trx_commit"

_READING = "watchword_reading"


class RaceLost(Exception):
    """Somebody else was quicker: the work is to be begun anew, on rows as they are now."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a database says of itself; `is_durable`: what was committed is on disk."""

    name: str
    version: tuple[int, ...]
    is_new_enough: bool
    is_durable: bool


class Database:
    """Where Watchword's rows live. Nothing connects before the first piece of work."""

    def __init__(self, url: str) -> None:
        """Take a SQLAlchemy URL: `sqlite:///…` or `mysql+pymysql://…`."""
        self.engine = _make_engine(url)

    @property
    def file(self) -> Path | None:
        """The file that holds a SQLite database; None for a server's."""
        url = self.engine.url
        return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """Do the work in one transaction, and again from its start if it lost a race.

        Raises StoreUnavailable if the database does not answer, cannot be written, or keeps losing, and Conflict if it
        refuses a value.
        """
        return self._run(work, reading=False)

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """Do the work in one transaction that changes nothing. Raises StoreUnavailable."""
        return self._run(work, reading=True)

    def _run(self, work: Callable[[Connection], Result], *, reading: bool) -> Result:
        for attempt in range(ATTEMPTS):
            _make_way(attempt)
            try:
                with self._transaction(reading=reading) as connection:
                    return work(connection)
            except RaceLost:
                continue
            except DataError as error:
                # One row of the work cannot be written; the database is well.
                raise Conflict(f"the database refused a value: {_cause(error)}") from None
            except DBAPIError as error:
                last = attempt == ATTEMPTS - 1
                if last or not (_lost_race(error) or (error.connection_invalidated and attempt == 0)):
                    # The driver's own words quote statements and parameters: they stay inside.
                    raise StoreUnavailable(
                        f"the database failed: {_cause(error)}", hint="`watchword doctor` looks for the reason"
                    ) from None
            except SQLAlchemyError as error:
                raise StoreUnavailable(f"the database failed: {type(error).__name__}") from None
        raise StoreUnavailable("the database failed: others were quicker, again and again")

    @contextlib.contextmanager
    def _transaction(self, *, reading: bool) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            if reading:
                connection.execution_options(**{_READING: True})
            with connection.begin():
                yield connection

    def ping(self) -> None:
        """Ask the database for a sign of life; raises StoreUnavailable."""
        self.read(lambda connection: connection.execute(text("SELECT 1")).scalar_one())

    def facts(self) -> Facts:
        """Ask the database what it is; raises StoreUnavailable."""
        if self.engine.dialect.name == "sqlite":
            ours = sqlite3.sqlite_version_info
            return Facts("SQLite", ours, is_new_enough=ours >= OLDEST_SQLITE, is_durable=True)
        row = self.read(lambda connection: connection.exec_driver_sql(_ABOUT_MARIADB).one())
        version = tuple(int(number) for number in re.findall(r"\d+", row[0])[:3])
        return Facts("MariaDB", version, is_new_enough=version >= OLDEST_MARIADB, is_durable=row[1] == 1)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _make_way(lost: int) -> None:
    """Wait before another try, by chance and each time longer: who met at once would meet again.

    The second try follows the first at once. Most have lost to one who is done by then.
    """
    if lost > 1:
        time.sleep(random.uniform(0, min(LONGEST_PAUSE_SECONDS, 0.002 * 2**lost)))  # noqa: S311  (no secret)


def _cause(error: DBAPIError) -> str:
    """Name the driver's error and its number, without the text."""
    origin = error.orig
    number = origin.args[0] if origin is not None and origin.args and isinstance(origin.args[0], int) else ""
    name = getattr(origin, "sqlite_errorname", "")
    return f"{type(origin).__name__} {number}{name}".strip()


def _lost_race(error: DBAPIError) -> bool:
    origin = error.orig
    if isinstance(error, IntegrityError):
        return True  # somebody else made the same row first
    if isinstance(origin, sqlite3.OperationalError):
        return getattr(origin, "sqlite_errorname", "") in ("SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED")
    return bool(origin is not None and origin.args and origin.args[0] in _RACE_LOST)


def _make_engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except SQLAlchemyError:
        raise SettingsError(
            "database.url is not a database URL", hint="sqlite:////var/lib/watchword/watchword.db or mysql+pymysql://…"
        ) from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    if parsed.drivername in ("mysql+pymysql", "mariadb+pymysql"):
        return _mariadb_engine(url)
    raise SettingsError(f"database.url names {parsed.drivername}, which Watchword does not know")


class _MariadbConnection(pymysql.connections.Connection):
    """PyMySQL's, which can be told that what it ran last was a commit already."""

    is_over = False

    def query(self, sql: str | bytes, unbuffered: bool = False) -> int:
        """Run a statement: whatever it is, there may be something to commit after it."""
        self.is_over = False
        return super().query(sql, unbuffered)

    def commit(self) -> None:
        """Commit, unless that is done."""
        if not self.is_over:
            super().commit()


def run_directly(connection: Connection, statement: str, values: Mapping[str, Any] | None = None) -> Rows:
    """Run a statement in MariaDB's words on SQLAlchemy's connection, but not through it; answer its rows.

    For the few statements of a batch of logins, of which SQLAlchemy's own steps would be a twentieth. What the driver
    raises comes as what SQLAlchemy would have made of it.
    """
    driver = _driver_of(connection)
    try:
        with driver.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()
    except pymysql.Error as error:
        cause: Any = error  # SQLAlchemy's name for a driver's errors is of no class
        is_lost = connection.dialect.is_disconnect(cause, connection.connection, None)
        if is_lost:
            connection.invalidate(error)
            connection.engine.dispose()  # those that lie idle were opened before, and are as dead
        raise DBAPIError.instance(
            None, None, error, pymysql.Error, hide_parameters=True, connection_invalidated=is_lost
        ) from None
    except BaseException as error:
        # Nobody knows how much of its answer is still to come: nobody else may read that as theirs.
        connection.invalidate(error)
        raise


def end_with(connection: Connection, statement: str) -> None:
    """Run a statement for MariaDB that ends in a COMMIT, and have no other one sent after it: a round trip less."""
    run_directly(connection, statement)
    _driver_of(connection).is_over = True


def _driver_of(connection: Connection) -> _MariadbConnection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, _MariadbConnection)  # noqa: S101  (`do_connect`, below)
    return driver


def _mariadb_engine(url: str) -> Engine:
    engine = sqlalchemy.create_engine(
        url,
        # Each piece of work locks what it changes; gap locks would only make strangers wait for each other.
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        # Every piece of work ends its own transaction: a ROLLBACK after it would be one more round trip.
        pool_reset_on_return=None,
        pool_recycle=3600,
        # Those that are open stay open: PyMySQL reads the system's certificates anew for each, which takes longer than
        # a page does. Whoever comes when all are in use waits for one.
        pool_size=MOST_CONNECTIONS,
        max_overflow=0,
        connect_args={"connect_timeout": 3, "read_timeout": 10, "write_timeout": 10, "charset": "utf8mb4"},
    )

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Dialect, _record: Any, _arguments: list[Any], options: dict[str, Any]) -> _MariadbConnection:
        return _MariadbConnection(**options)

    return engine


def _sqlite_engine(url: str) -> Engine:
    engine = sqlalchemy.create_engine(url, hide_parameters=True, connect_args={"timeout": 10})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        # Let BEGIN be ours: the driver's own begins too late to settle a race.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        # A spent code must stay spent when the power fails.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # As MariaDB does with our collation: `train*` is not `TRAINER`.
        connection.execute("PRAGMA case_sensitive_like = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get(_READING, False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
