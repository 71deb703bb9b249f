"""Pieces of work on MariaDB past SQLAlchemy: what goes wrong comes to the same as it would through it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest
from sqlalchemy import Connection

from tests.harness.mariadb import Mariadb
from watchword.clock import monotonic_seconds
from watchword.domain.errors import Conflict, StoreUnavailable
from watchword.store import at_hand
from watchword.store.at_hand import OLDEST_CONNECTION_SECONDS
from watchword.store.database import ATTEMPTS, MOST_CONNECTIONS, Database, end_with, run_directly

pytestmark = pytest.mark.slow


@pytest.fixture
def database(mariadb: Mariadb) -> Iterator[Database]:
    database = Database(mariadb.create_database())
    database.write(lambda connection: run_directly(connection, "CREATE TABLE t (n INT PRIMARY KEY, word VARCHAR(3))"))
    yield database
    database.close()


def numbers(connection: Connection) -> list[int]:
    return [number for (number,) in run_directly(connection, "SELECT n FROM t ORDER BY n")]


def connection_id(connection: Connection) -> int:
    return int(run_directly(connection, "SELECT CONNECTION_ID()")[0][0])


def cut(database: Database, connections: list[int]) -> None:
    other = Database(str(database.engine.url.render_as_string(hide_password=False)))
    other.write(lambda connection: [run_directly(connection, f"KILL {number}") for number in connections])
    other.close()


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

    mine = database.write(connection_id)
    cut(database, [mine])
    database.write(work)
    assert len(tries) == 1  # the first of them found no connection, and came to nothing
    assert tries[0] != mine
    assert database.read(numbers) == [1]


@pytest.mark.parametrize("order", ["reading first", "writing first"])
def test_when_all_idle_connections_were_cut_every_work_is_done_all_the_same(database: Database, order: str) -> None:
    first, second = (database.read, database.write) if order == "reading first" else (database.write, database.read)
    idle = [database.engine.connect() for _ in range(5)]
    mine = [connection_id(connection) for connection in idle]
    for connection in idle:
        connection.close()
    cut(database, [*mine, database.write(connection_id)])
    assert [first(numbers) for _ in range(6)] == [[]] * 6
    assert [second(numbers) for _ in range(2)] == [[]] * 2


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


def test_one_work_after_another_has_the_same_connection_until_it_is_old(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = database.write(connection_id)
    assert [database.write(connection_id) for _ in range(3)] == [mine] * 3
    now = monotonic_seconds() + OLDEST_CONNECTION_SECONDS
    monkeypatch.setattr(at_hand, "monotonic_seconds", lambda: now)
    monkeypatch.setattr(database.engine.pool, "_recycle", 0)  # its own clock goes on as it does
    assert database.write(connection_id) == mine  # whose end it was
    assert database.write(connection_id) != mine


def test_what_went_wrong_in_one_work_is_not_there_in_the_next(database: Database) -> None:
    class Stop(Exception):
        """Ends a piece of work."""

    def lock_and_stop(connection: Connection) -> None:
        run_directly(connection, "INSERT INTO t (n) VALUES (1)")
        raise Stop

    database.write(connection_id)
    with pytest.raises(Stop):
        database.write(lock_and_stop)
    assert database.write(numbers) == []
    other = Database(str(database.engine.url.render_as_string(hide_password=False)))
    other.write(lambda connection: run_directly(connection, "INSERT INTO t (n) VALUES (1)"))
    other.close()
    assert database.write(numbers) == [1]  # no snapshot of before, no transaction that was left open


def test_works_at_the_same_time_never_share_a_connection_and_no_more_are_opened_than_allowed(
    database: Database,
) -> None:
    database.write(connection_id)
    together = threading.Barrier(MOST_CONNECTIONS)
    seen: list[int] = []

    def work(connection: Connection) -> None:
        seen.append(connection_id(connection))
        together.wait(10)

    for _ in range(2):
        seen.clear()
        with ThreadPoolExecutor(MOST_CONNECTIONS) as threads:
            list(threads.map(lambda _: database.write(work), range(MOST_CONNECTIONS)))
        assert len(set(seen)) == MOST_CONNECTIONS


def test_who_waits_for_a_connection_has_the_one_that_comes_free(database: Database) -> None:
    together = threading.Barrier(MOST_CONNECTIONS + 1)
    release = [threading.Event() for _ in range(MOST_CONNECTIONS)]

    def hold(number: int) -> None:
        def work(_connection: Connection) -> None:
            together.wait(10)
            release[number].wait(20)

        database.write(work)

    with ThreadPoolExecutor(MOST_CONNECTIONS + 1) as threads:
        for number in range(MOST_CONNECTIONS):
            threads.submit(hold, number)
        together.wait(10)
        waiting = threads.submit(database.read, connection_id)
        with pytest.raises(TimeoutError):
            waiting.result(0.2)
        release[0].set()
        try:
            assert waiting.result(10)
        finally:
            for each in release:
                each.set()
