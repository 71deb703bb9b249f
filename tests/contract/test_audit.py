"""The audit log cannot be changed unnoticed."""

import pytest
import sqlalchemy

from tests.contract.world import Server, World
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.errors import StoreUnavailable
from watchword.services.ports import Work
from watchword.store import last_words


@pytest.fixture
def busy(world: World, server: Server) -> Server:
    for _ in range(5):
        server.one_shot("alice", world.code())
        world.clock.seconds += 30
    other = world.another_server("two")
    other.one_shot("alice", "000")
    return server


def faults(server: Server) -> list[str]:
    return [report.fault for report in server.reporter.verify() if report.fault]


def tamper(server: Server, statement: str) -> None:
    with server.database.engine.begin() as connection:
        assert connection.execute(sqlalchemy.text(statement)).rowcount > 0


def test_an_untouched_log_is_whole(busy: Server) -> None:
    reports = busy.reporter.verify()
    assert faults(busy) == []
    assert {report.writer: report.events for report in reports} == {"one/test": 6, "two/test": 1}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET result = 'granted' WHERE writer = 'two/test'",
        "UPDATE audit SET account = 'bob' WHERE sequence = 3",
        "UPDATE audit SET at_milliseconds = at_milliseconds + 1 WHERE sequence = 6",
        "UPDATE audit SET kind = 'nonsense' WHERE sequence = 2",
        "UPDATE audit SET address = '192.0.2.1' WHERE sequence = 4",
        "UPDATE audit SET key_id = 'ffffffff' WHERE sequence = 4",
        "DELETE FROM audit WHERE sequence = 3",
        "DELETE FROM audit WHERE sequence = 1 AND writer = 'one/test'",
        "DELETE FROM audit WHERE sequence = 6",
        "DELETE FROM audit WHERE writer = 'one/test'",
        "UPDATE audit SET sequence = 100 WHERE sequence = 6",
        "UPDATE audit_heads SET sequence = 99 WHERE writer = 'two/test'",
        "UPDATE audit SET writer = 'one/tests' WHERE writer = 'two/test'",
    ],
)
def test_a_changed_cut_or_moved_event_shows(busy: Server, change: str) -> None:
    tamper(busy, change)
    assert faults(busy)


def test_two_events_that_changed_places_show(busy: Server) -> None:
    for step in (("60", "3"), ("3", "4"), ("4", "60")):
        tamper(busy, f"UPDATE audit SET sequence = {step[0]} WHERE sequence = {step[1]} AND writer = 'one/test'")
    assert faults(busy)


def test_an_end_that_was_cut_off_shows_even_if_the_head_was_set_back(busy: Server) -> None:
    tamper(busy, "DELETE FROM audit WHERE writer = 'one/test' AND sequence > 4")
    with busy.database.engine.begin() as connection:
        query = sqlalchemy.text("SELECT mac FROM audit WHERE writer = 'one/test' AND sequence = 4")
        mac = connection.execute(query).scalar()
        connection.execute(
            sqlalchemy.text("UPDATE audit_heads SET sequence = 4, mac = :mac WHERE writer = 'one/test'"), {"mac": mac}
        )
    assert faults(busy) == ["the end was cut off: this server wrote up to event 6"]


def test_a_head_that_was_set_back_shows_and_forks_no_chain(busy: Server) -> None:
    with busy.database.engine.begin() as connection:
        query = sqlalchemy.text("SELECT mac FROM audit WHERE writer = 'one/test' AND sequence = 4")
        back = sqlalchemy.text("UPDATE audit_heads SET sequence = 4, mac = :mac WHERE writer = 'one/test'")
        connection.execute(back, {"mac": connection.execute(query).scalar()})
    assert faults(busy) == ["the head was set back: it stands at event 4, and 6 were written"]
    with pytest.raises(StoreUnavailable):
        busy.one_shot("alice", "000")


def test_a_writer_that_was_removed_without_a_trace_shows(busy: Server) -> None:
    tamper(busy, "DELETE FROM audit WHERE writer = 'one/test'")
    tamper(busy, "DELETE FROM audit_heads WHERE writer = 'one/test'")
    assert faults(busy) == ["the end was cut off: this server wrote up to event 6"]


def test_two_processes_with_one_writers_name_keep_one_chain(world: World, server: Server) -> None:
    twin = world.another_server("one")
    for _ in range(5):
        server.one_shot("alice", "000")
        twin.one_shot("alice", "000")
    assert faults(server) == []
    assert server.reporter.verify()[0].events == 11


def test_an_end_that_was_cut_off_still_shows_after_the_next_event(world: World, busy: Server) -> None:
    tamper(busy, "DELETE FROM audit WHERE writer = 'one/test' AND sequence > 4")
    with busy.database.engine.begin() as connection:
        query = sqlalchemy.text("SELECT mac FROM audit WHERE writer = 'one/test' AND sequence = 4")
        mac = connection.execute(query).scalar()
        back = sqlalchemy.text("UPDATE audit_heads SET sequence = 4, mac = :mac WHERE writer = 'one/test'")
        connection.execute(back, {"mac": mac})
    for _ in range(5):
        busy.one_shot("alice", "000")
    (fault,) = faults(busy)
    assert "it had come to event 6, and was found ending at event 4" in fault


def test_a_chain_that_was_begun_anew_shows(busy: Server) -> None:
    tamper(busy, "DELETE FROM audit WHERE writer = 'one/test'")
    tamper(busy, "DELETE FROM audit_heads WHERE writer = 'one/test'")
    for _ in range(9):
        busy.one_shot("alice", "000")
    assert len(faults(busy)) == 1


@pytest.mark.parametrize("content", ["", "rubbish", "\x00"])
def test_an_anchor_that_cannot_be_read_is_a_fault_and_stops_no_login(world: World, busy: Server, content: str) -> None:
    (anchor,) = (world.directory / "anchors-one").glob("*.anchor")
    anchor.write_text(content)
    assert len(faults(busy)) == 1
    busy.one_shot("alice", "000")
    assert faults(busy) == [], "the next event sets it right"


ODD_TEXTS = [
    "it's",
    'a "b"',
    "back\\slash",
    "100%s %(x)s",
    "émile 王 😀",
    "\x00\x1a\n",
    "X'41'",
    "); DROP TABLE audit; --",
    "",
]


def test_an_event_of_any_words_comes_back_as_it_was_and_verifies(server: Server) -> None:
    events = [AuditEvent(1, EventKind.TEXT, Result.DONE, account=text, actor=text, detail=text) for text in ODD_TEXTS]
    server.store.write(lambda rows: rows.audit.record(events))
    written = server.store.read(lambda rows: list(rows.audit.chain("one/test")))
    assert [chained.event for chained in written[-len(events) :]] == events
    assert faults(server) == []


@pytest.mark.parametrize("most_at_once", [last_words.MOST_AT_ONCE, 1000])
def test_more_events_than_one_statement_takes_are_one_chain(
    server: Server, most_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_words, "MOST_AT_ONCE", most_at_once)
    event = AuditEvent(1, EventKind.TEXT, Result.DONE, detail="x" * 500)

    def record_twice(rows: Work) -> None:
        rows.audit.record([event] * 1100)
        rows.audit.record([event])

    server.store.write(record_twice)
    assert faults(server) == []
    assert server.reporter.verify()[0].events == 1102
