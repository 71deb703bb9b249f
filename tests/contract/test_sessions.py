"""Sessions and throttles, on both databases."""

import threading

import pytest

from tests.contract.world import World
from watchword.services.ports_sessions import Session
from watchword.services.throttle import Limit, Throttle, TooMany
from watchword.store.store import RowWork

SESSION = Session(b"\x01" * 32, "alice", 1000, 1000, 0, False, "192.0.2.1", "Firefox")
THREE_A_MINUTE = Limit("test", 3, 60)


def add(rows: RowWork) -> None:
    rows.sessions.add(SESSION)


def test_a_session_gets_another_name_once_and_the_old_one_is_gone(world: World) -> None:
    store = world.server.store
    store.write(add)

    def rename(rows: RowWork) -> bool:
        return rows.sessions.replace(SESSION.session_hash, b"\x02" * 32, 1010, "SOFT-1")

    assert store.write(rename) and not store.write(rename)
    assert store.read(lambda rows: rows.sessions.find(SESSION.session_hash)) is None
    renamed = store.read(lambda rows: rows.sessions.find(b"\x02" * 32))
    assert renamed is not None and (renamed.proved_at, renamed.account) == (1010, "alice")


def test_an_accounts_sessions_end_all_but_one_and_nobody_elses(world: World) -> None:
    store = world.server.store
    store.write(add)

    def add_others(rows: RowWork) -> None:
        for number, account in enumerate(("alice", "alice", "Alice", "bob"), start=2):
            rows.sessions.add(Session(bytes([number]) * 32, account, 1000 + number, 1000, 0, False, "", ""))

    store.write(add_others)
    assert store.write(lambda rows: rows.sessions.end_all("alice", but=b"\x02" * 32)) == 2
    assert [session.session_hash for session in store.read(lambda rows: rows.sessions.of_account("alice"))] == [
        b"\x02" * 32
    ]
    assert len(store.read(lambda rows: rows.sessions.of_account("Alice"))) == 1


def test_tries_are_counted_for_a_window_and_then_anew(world: World) -> None:
    throttle = Throttle(world.server.store, clock=world.clock)
    for _ in range(THREE_A_MINUTE.tries):
        throttle.take(THREE_A_MINUTE, "alice", "192.0.2.1")
    world.clock.seconds += 20
    with pytest.raises(TooMany) as stopped:
        throttle.take(THREE_A_MINUTE, "alice", "192.0.2.1")
    assert stopped.value.retry_after_seconds == 40
    throttle.take(THREE_A_MINUTE, "alice", "192.0.2.2")
    world.clock.seconds += 40
    throttle.take(THREE_A_MINUTE, "alice", "192.0.2.1")
    assert throttle.prune() == 0
    world.clock.seconds += 60
    assert throttle.prune() == 2


def test_of_twenty_tries_at_once_exactly_three_go_through(world: World) -> None:
    servers = [world.another_server(f"portal{number}") for number in range(4)]
    through: list[int] = []

    def try_five(number: int) -> None:
        throttle = Throttle(servers[number].store, clock=world.clock)
        for _ in range(5):
            try:
                throttle.take(THREE_A_MINUTE, "carol")
            except TooMany:
                continue
            through.append(number)

    threads = [threading.Thread(target=try_five, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(through) == THREE_A_MINUTE.tries


def test_a_forgotten_count_begins_anew(world: World) -> None:
    throttle = Throttle(world.server.store, clock=world.clock)
    for _ in range(THREE_A_MINUTE.tries):
        throttle.take(THREE_A_MINUTE, "bob")
    throttle.forget(THREE_A_MINUTE, "bob")
    throttle.take(THREE_A_MINUTE, "bob")
