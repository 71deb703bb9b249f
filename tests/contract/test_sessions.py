"""Sessions and throttles, on both databases."""

import threading
from dataclasses import replace

import pytest

from tests.contract.world import World
from watchword.domain.lockout import Standing
from watchword.services.ports_sessions import Session, Visitor
from watchword.services.throttle import Limit, Throttle, TooMany
from watchword.store.keyring import promote, read_keys, write_keys
from watchword.store.store import RowWork

SESSION = Session(b"\x01" * 32, "alice", 1000, 1000, 0, False, "192.0.2.1", "Firefox")
EVERY_SIGN = "".join(map(chr, (*range(32, 127), 0xA0, 0x2028, 0xD7FF, 0xE000, 0xFFFF, 0x1F600, 0x10FFFF)))[::-1]
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


def test_a_visitor_is_the_session_and_how_its_account_and_tokens_stand(world: World) -> None:
    store, pairer = world.server.store, world.server.pairer
    session = replace(SESSION, address="192.0.2.1", browser=EVERY_SIGN[:200], splash_put_off=True)
    store.write(lambda rows: rows.sessions.add(session))

    def visitor() -> Visitor:
        found = store.read(lambda rows: rows.sessions.visitor(SESSION.session_hash))
        assert found is not None
        return found

    assert visitor() == Visitor(session, Standing(), []), "who never paired is known by the session alone"
    serials = [pairer.add_soft("alice").serial for _ in range(2)]
    store.write(lambda rows: rows.tokens.set_label(serials[0], EVERY_SIGN[:60]))
    store.write(lambda rows: rows.tokens.set_rank(serials[0], 7))
    store.write(lambda rows: rows.tokens.set_enabled(serials[1], enabled=False))
    world.server.administrator.lock("alice")
    tokens = store.read(lambda rows: rows.tokens.describe_page("", 9, account="alice"))
    assert visitor() == Visitor(session, Standing(held=True), sorted(tokens, key=lambda facts: facts.rank))
    account = store.read(lambda rows: rows.search.account("alice"))
    assert account is not None and (account.standing, account.tokens) == (visitor().standing, visitor().tokens)
    assert store.read(lambda rows: rows.sessions.visitor(b"\x02" * 32)) is None
    assert store.read(lambda rows: rows.search.account("nobody")) is None


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


def test_a_count_is_found_by_nobody_who_has_a_copy_of_the_database_alone_and_outlives_a_rotation(world: World) -> None:
    throttle = Throttle(world.server.store, clock=world.clock)
    for _ in range(THREE_A_MINUTE.tries):
        throttle.take(THREE_A_MINUTE, "dave", "192.0.2.1")
    with world.server.database.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT bucket_hash FROM throttles").scalars().all()
    bucket = THREE_A_MINUTE.bucket("dave", "192.0.2.1")
    assert found and bucket not in found
    path = world.directory / "keyring"
    write_keys(path, promote(read_keys(path), 2))
    world.server.keyring.refresh()
    with pytest.raises(TooMany):
        throttle.take(THREE_A_MINUTE, "dave", "192.0.2.1")
    assert found == [world.server.keyring.mark("throttle", bucket)]


def test_a_forgotten_count_begins_anew(world: World) -> None:
    throttle = Throttle(world.server.store, clock=world.clock)
    for _ in range(THREE_A_MINUTE.tries):
        throttle.take(THREE_A_MINUTE, "bob")
    throttle.forget(THREE_A_MINUTE, "bob")
    throttle.take(THREE_A_MINUTE, "bob")
