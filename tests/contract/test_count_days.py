"""The audit log is counted by day: exactly, once, and without reading what was counted."""

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from ipaddress import ip_network
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import insert

from tests.contract.world import World
from tests.harness.mariadb import Mariadb
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.outcome import Pairing
from watchword.domain.tokens import Kind
from watchword.services import count_days, day_tally
from watchword.services.attempts import Attempt, PairingQuery
from watchword.services.count_days import Backlog, DayCounter
from watchword.store.anchors import Anchors
from watchword.store.schema import audit, audit_heads
from watchword.store.sealing import Sealer
from watchword.store.store import Store

INTERNAL = [ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")]
EVERY_DAY = (date(1970, 1, 1), date(2200, 1, 1))


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Middle European time, as POSIX spells it: no file of zones is needed."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        day_tally._day_of_quarter.cache_clear()
        yield
    time.tzset()
    day_tally._day_of_quarter.cache_clear()


def at(text: str) -> int:
    """Milliseconds of a moment in UTC, such as `2026-03-28 22:30`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def code(account: str, when: str = "2026-11-20 12:00", address: str = "10.1.2.3") -> AuditEvent:
    return AuditEvent(at(when), EventKind.LOGIN, Result.GRANTED, account, "SOFT-1", address, "login1", "right_code")


def asked(account: str, when: str = "2026-11-20 12:00", address: str = "10.1.2.3", serial: str = "") -> AuditEvent:
    return AuditEvent(at(when), EventKind.PAIRING_QUERY, Result.ANSWERED, account, serial, address, "login1")


def pairing(account: str, reason: str, when: str = "2026-11-20 12:00", kind: str = "soft") -> AuditEvent:
    return AuditEvent(at(when), EventKind.PAIRING, Result.DONE, account, "SOFT-1", reason=reason, detail=kind)


LATE = code("alice")._asdict()


class Log:
    """Somebody's audit log, and who counts it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.counter = DayCounter(world.server.store, internal_networks=INTERNAL)

    def writer(self, name: str) -> Store:
        """Another process's store, under its own name in the log."""
        server = self.world.server
        anchors = self.world.directory / name.replace("/", "-")
        anchors.mkdir(exist_ok=True)
        return Store(server.database, Sealer(server.keyring), server.keyring, writer=name, anchors=Anchors(anchors))

    def write(self, *events: AuditEvent, writer: str = "one/radius-0") -> None:
        self.writer(writer).write(lambda rows: rows.audit.record(events))

    def counts(self) -> dict[tuple[str, str], int]:
        found = self.world.server.store.read(lambda rows: rows.day_counts.days(*EVERY_DAY))
        return {(day.isoformat(), what): number for (day, what), number in found.items() if number}

    def count(self) -> dict[tuple[str, str], int]:
        assert self.counter.catch_up() == Backlog(0)
        return self.counts()


@pytest.fixture
def log(world: World) -> Log:
    return Log(world)


def test_an_empty_log_comes_to_nothing(log: Log) -> None:
    assert log.count() == {}


def test_logins_are_counted_by_factor_and_origin_and_people_once_a_day(log: Log) -> None:
    log.write(code("alice"), code("alice", address="192.0.2.7"), code("bob"), code("bob", address="2001:db8::7"))
    log.write(asked("carol"), asked("carol"), asked("dave", address=""), asked("bob", serial="SOFT-1"))
    log.write(code("alice", "2026-11-21 12:00", "::ffff:10.0.0.1"))
    assert log.count() == {
        ("2026-11-20", "logins code internal"): 3,
        ("2026-11-20", "logins code external"): 1,
        ("2026-11-20", "people code"): 2,
        ("2026-11-20", "logins none internal"): 2,
        ("2026-11-20", "logins none unknown"): 1,
        ("2026-11-20", "people none"): 2,
        ("2026-11-21", "logins code internal"): 1,
        ("2026-11-21", "people code"): 1,
    }


def test_what_is_no_login_counts_as_none(log: Log) -> None:
    refused = AuditEvent(at("2026-11-20 12:00"), EventKind.LOGIN, Result.DENIED, "alice")
    challenged = AuditEvent(at("2026-11-20 12:00"), EventKind.CHALLENGE, Result.CHALLENGED, "alice")
    log.write(refused, challenged)
    log.write(code("alice"), asked("bob"), writer="one/keeper")
    log.write(code("alice"), writer="one/portal")
    assert log.count() == {}


def test_an_account_without_a_token_that_an_operator_holds_is_refused_and_is_no_login_without_a_code(log: Log) -> None:
    server = log.world.server
    server.administrator.lock("erin")
    (outcome,) = server.answer(Attempt("erin", PairingQuery(), "10.1.2.3", "login1"))
    assert outcome == Pairing(Kind.SOFT)
    ((_, asked_of_erin),) = server.reporter.newest(1, account="erin")
    assert asked_of_erin.event.reason == "held_by_operator"
    log.write(asked_of_erin.event, asked("bob"))
    assert log.count() == {("2026-11-20", "logins none internal"): 1, ("2026-11-20", "people none"): 1}


def test_pairings_are_counted_by_kind_and_accounts_by_what_they_have_at_the_end_of_the_day(log: Log) -> None:
    log.write(pairing("alice", "paired", "2026-11-18 12:00"), pairing("alice", "paired", "2026-11-19 12:00", "sms"))
    log.write(pairing("alice", "removed", "2026-11-20 12:00"), pairing("bob", "paired"), pairing("bob", "removed"))
    log.write(pairing("alice", "unpaired", "2026-11-21 12:00", "hard"), pairing("", "removed"))
    assert log.count() == {
        ("2026-11-18", "paired soft"): 1,
        ("2026-11-18", "accounts"): 1,
        ("2026-11-19", "paired sms"): 1,
        ("2026-11-20", "ended soft"): 2,
        ("2026-11-20", "paired soft"): 1,
        ("2026-11-21", "ended hard"): 1,
        ("2026-11-21", "accounts"): -1,
    }


def test_what_one_writer_ended_may_be_counted_before_another_began_it(log: Log) -> None:
    log.write(pairing("alice", "removed", "2026-11-20 12:00"), writer="a/portal")
    log.count()
    log.write(pairing("alice", "paired", "2026-11-18 12:00"), writer="z/command-line")
    assert {day: n for (day, what), n in log.count().items() if what == "accounts"} == {
        "2026-11-18": 1,
        "2026-11-20": -1,
    }


def test_a_day_is_the_machines_own_and_has_23_or_25_hours_when_the_clock_is_changed(log: Log) -> None:
    # 29 March 2026 is from 23:00 UTC to 22:00 UTC, 25 October 2026 from 22:00 to 23:00.
    edges = ["03-28 22:59", "03-28 23:00", "03-29 21:59", "03-29 22:00"]
    edges += ["10-24 21:59", "10-24 22:00", "10-25 00:30", "10-25 01:30", "10-25 22:59", "10-25 23:00"]
    log.write(*(code("alice", f"2026-{edge}") for edge in edges))
    logins = {day: number for (day, what), number in log.count().items() if what == "logins code internal"}
    assert logins == {
        "2026-03-28": 1,
        "2026-03-29": 2,
        "2026-03-30": 1,
        "2026-10-24": 1,
        "2026-10-25": 4,
        "2026-10-26": 1,
    }


def test_what_somebody_else_may_have_written_into_the_log_stops_no_counting(log: Log) -> None:
    log.write(
        AuditEvent(-(2**62), EventKind.LOGIN, Result.GRANTED, "alice", address="10.0.0.1"),
        AuditEvent(2**62, EventKind.LOGIN, Result.GRANTED, "alice", address="10.0.0.1"),
        code("x' OR 1=1 -- <b>\\\"", address="no address"),
        pairing("alice", "paired", kind="=cmd()"),
        AuditEvent(at("2026-11-20 12:00"), "nonsense", "nonsense"),
    )
    assert log.count() == {
        ("2026-11-20", "logins code unknown"): 1,
        ("2026-11-20", "people code"): 1,
        ("2026-11-20", "paired other"): 1,
        ("2026-11-20", "accounts"): 1,
    }


def test_counting_again_counts_nothing_twice_and_goes_on_where_it_ended(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_days, "EVENTS_AT_ONCE", 3)
    log.write(*(code(f"user{n % 4}") for n in range(10)))
    assert log.counter.backlog() == Backlog(10)
    left = log.counter.catch_up(most=4)
    assert left.events == log.counter.backlog().events > 0
    told: list[int] = []
    assert log.counter.catch_up(progress=told.append) == Backlog(0)
    assert sum(told) == left.events
    once = log.count()
    assert once["2026-11-20", "logins code internal"] == 10
    assert once["2026-11-20", "people code"] == 4
    assert log.count() == once
    log.counter.recount()
    assert log.counts() == {}
    assert log.count() == once


def test_a_recount_that_was_cut_off_is_finished_by_whoever_counts_next(log: Log) -> None:
    log.write(code("alice"), code("bob", "2026-11-19 12:00"), pairing("alice", "paired"))
    once = log.count()
    store = log.world.server.store
    store.write(lambda rows: rows.day_counts.begin_clearing())
    (chain,) = store.read(lambda rows: rows.day_counts.chains())
    assert not store.write(lambda rows: rows.day_counts.advance(chain, chain.newest)), "nothing is counted meanwhile"
    store.write(lambda rows: rows.day_counts.clear_some())
    assert log.counts() == {}
    assert log.count() == once
    store.write(lambda rows: rows.day_counts.clear_some())
    assert log.count() == once, "nothing is forgotten that was not to be"


def test_a_chain_that_ends_before_what_was_counted_is_told_of(log: Log) -> None:
    log.write(code("alice"), code("bob"))
    log.count()
    with log.world.server.database.engine.begin() as connection:
        connection.execute(sqlalchemy.text("DELETE FROM audit WHERE writer = 'one/radius-0' AND sequence = 2"))
    assert log.counter.catch_up() == Backlog(0, ("one/radius-0",))


def test_two_who_count_at_the_same_moment_count_nothing_twice(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_days, "EVENTS_AT_ONCE", 7)
    for writer in ("one/radius-0", "two/radius-0", "two/radius-1"):
        log.write(*(code(f"user{n % 9}") for n in range(60)), writer=writer)
        log.write(*(pairing(f"user{n}", "paired") for n in range(9)), writer=writer.replace("radius", "x"))
    begin = threading.Barrier(3)
    failed: list[BaseException] = []

    def run() -> None:
        counter = DayCounter(log.world.another_server(os.urandom(4).hex()).store, internal_networks=INTERNAL)
        begin.wait()
        try:
            counter.catch_up()
        except BaseException as error:  # noqa: BLE001  (told below)
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert log.count() == {
        ("2026-11-20", "logins code internal"): 180,
        ("2026-11-20", "people code"): 9,
        ("2026-11-20", "paired soft"): 27,
        ("2026-11-20", "accounts"): 9,
    }


@pytest.mark.slow
def test_events_that_are_committed_late_are_counted_though_later_rows_were_before_them(
    mariadb: Mariadb, tmp_path: Any
) -> None:
    world = World(mariadb.create_database(), tmp_path)
    log = Log(world)
    with world.server.database.engine.begin() as late:
        # By hand, since a store may keep its rows back until the end: this one's row number is taken now.
        late.execute(insert(audit_heads).values(writer="one/radius-0", sequence=1, mac=bytes(32)))
        late.execute(insert(audit).values(**LATE, writer="one/radius-0", sequence=1, key_id="", mac=bytes(32)))
        log.write(code("bob"), writer="two/radius-0")
        assert log.count() == {("2026-11-20", "logins code internal"): 1, ("2026-11-20", "people code"): 1}
    with world.server.database.engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text("SELECT account FROM audit WHERE kind = 'login' ORDER BY id"))
        assert [row.account for row in rows] == ["alice", "bob"]
    assert log.count() == {("2026-11-20", "logins code internal"): 2, ("2026-11-20", "people code"): 2}
    world.close()


def test_what_people_really_do_comes_to_what_the_tables_hold(log: Log) -> None:
    pairer = log.world.server.pairer
    pairer.add_soft("alice")
    phone = pairer.add_sms("alice", "+15125551234", country_code="1").serial
    pairer.add_hard("bob", "FOB1", secret=bytes(20))
    pairer.add_static("carol")
    pairer.remove(phone)
    pairer.unassign("FOB1")
    counts = log.count()
    totals: dict[str, int] = {}
    for (_, what), number in counts.items():
        totals[what] = totals.get(what, 0) + number
    assert totals == {
        "paired soft": 1,
        "paired sms": 1,
        "paired hard": 1,
        "paired static": 1,
        "ended sms": 1,
        "ended hard": 1,
        "accounts": 2,
    }
