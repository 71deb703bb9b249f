"""Pieces of work on MariaDB past SQLAlchemy: what goes wrong comes to the same as it would through it."""

from collections.abc import Iterator

import pymysql
import pytest
from sqlalchemy import Connection

from tests.harness.mariadb import Mariadb
from watchword.domain.errors import Conflict, StoreUnavailable
from watchword.store.database import ATTEMPTS, Database, end_with, run_directly

pytestmark = pytest.mark.slow


@pytest.fixture
def database(mariadb: Mariadb) -> Iterator[Database]:
    database = Database(mariadb.create_database())
    database.write(lambda connection: run_directly(connection, "CREATE TABLE t (n INT PRIMARY KEY, word VARCHAR(3))"))
    yield database
    database.close()


def numbers(connection: Connection) -> list[int]:
    return [number for (number,) in run_directly(connection, "SELECT n FROM t ORDER BY n")]


def test_what_is_run_directly_is_of_the_transaction(database: Database) -> None:
    class Stop(Exception):
        """Ends a piece of work."""

    def insert_and_stop(connection: Connection) -> None:
        run_directly(connection, "INSERT INTO t (n) VALUES (%(n)s)", {"n": 1})
        assert numbers(connection) == [1]
        raise Stop

    with pytest.raises(Stop):
        database.write(insert_and_stop)
    assert database.read(numbers) == []


def test_a_connection_that_was_cut_is_made_anew_and_the_work_begun_anew(database: Database) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> list[int]:
        tries.append(run_directly(connection, "SELECT CONNECTION_ID()")[0][0])
        end_with(connection, "BEGIN NOT ATOMIC INSERT INTO t (n) VALUES (1); COMMIT; END")
        return tries

    mine = database.read(lambda connection: run_directly(connection, "SELECT CONNECTION_ID()")[0][0])
    other = Database(str(database.engine.url.render_as_string(hide_password=False)))
    other.write(lambda connection: run_directly(connection, f"KILL {mine}"))
    other.close()
    database.write(work)
    assert len(tries) == 1  # the first of them found no connection, and came to nothing
    assert tries[0] != mine
    assert database.read(numbers) == [1]


def test_when_all_idle_connections_were_cut_every_work_is_done_all_the_same(database: Database) -> None:
    idle = [database.engine.connect() for _ in range(5)]
    mine = [run_directly(connection, "SELECT CONNECTION_ID()")[0][0] for connection in idle]
    for connection in idle:
        connection.close()
    other = Database(str(database.engine.url.render_as_string(hide_password=False)))
    other.write(lambda connection: [run_directly(connection, f"KILL {number}") for number in mine])
    other.close()
    assert [database.read(numbers) for _ in range(6)] == [[]] * 6


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError])
def test_an_answer_that_was_not_read_is_never_read_as_anothers(
    database: Database, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_connection: object) -> None:
        raise kind

    with monkeypatch.context() as patch:
        patch.setattr(pymysql.connections.MySQLResult, "read", interrupted)
        with pytest.raises(kind):
            database.write(lambda connection: end_with(connection, "BEGIN NOT ATOMIC SET @a = 1; COMMIT; END"))
    assert [database.read(lambda connection: run_directly(connection, "SELECT 5")[0][0]) for _ in range(3)] == [5] * 3


def test_a_connection_that_is_cut_in_every_work_ends_in_store_unavailable(database: Database) -> None:
    def work(connection: Connection) -> None:
        run_directly(connection, "KILL CONNECTION_ID()")

    with pytest.raises(StoreUnavailable, match="OperationalError") as caught:
        database.write(work)
    assert "KILL" not in str(caught.value)
    assert database.read(numbers) == []


@pytest.mark.parametrize("number", [1213, 1205, 1020])
def test_a_race_that_was_lost_is_begun_anew(database: Database, number: int) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> None:
        tries.append(number)
        if len(tries) < 3:
            run_directly(connection, f"SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'lost'")
        run_directly(connection, "INSERT INTO t (n) VALUES (7)")

    database.write(work)
    assert len(tries) == 3
    assert database.read(numbers) == [7]


def test_a_row_that_somebody_else_made_is_a_race_and_a_value_that_does_not_fit_a_conflict(database: Database) -> None:
    tries: list[str] = []

    def work(connection: Connection) -> None:
        tries.append("again")
        run_directly(connection, "INSERT INTO t (n) VALUES (1), (1)")

    with pytest.raises(StoreUnavailable, match="IntegrityError 1062"):
        database.write(work)
    assert len(tries) == ATTEMPTS
    with pytest.raises(Conflict, match="DataError 1406") as caught:
        database.write(
            lambda connection: run_directly(connection, "INSERT INTO t VALUES (1, %(word)s)", {"word": "long"})
        )
    assert "long" not in str(caught.value)
    assert database.read(numbers) == []


def test_a_statement_that_ends_the_transaction_and_fails_leaves_nothing_and_no_lock(database: Database) -> None:
    failing = "BEGIN NOT ATOMIC INSERT INTO t (n) VALUES (1); INSERT INTO t VALUES (2, 'long'); COMMIT; END"
    with pytest.raises(Conflict):
        database.write(lambda connection: end_with(connection, failing))
    assert database.read(numbers) == []
    other = Database(str(database.engine.url.render_as_string(hide_password=False)))
    other.write(lambda connection: run_directly(connection, "INSERT INTO t (n) VALUES (1)"))
    assert other.read(numbers) == [1]
    other.close()
