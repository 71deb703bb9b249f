"""A request that is sent twice is done once, on both databases, whoever dies in between."""

import hashlib
import os
import threading
from collections.abc import Callable

import pytest

from tests.contract.world import Server, World
from watchword.domain.errors import Conflict, InvalidValue, StoreUnavailable
from watchword.services.administer import Administrator
from watchword.services.replay_protection import (
    CLAIM_SECONDS,
    KEPT_SECONDS,
    SECRET_KEPT_SECONDS,
    Answer,
    Claim,
    KeyReused,
    OutcomeUnknown,
    ReplayProtection,
    StillInProgress,
)
from watchword.store.keyring import promote, read_keys, write_keys

ANSWER = Answer(201, {"content-type": "application/json"}, b'{"otpauth": "secret"}')


@pytest.fixture
def replays(world: World) -> ReplayProtection:
    return replays_of(world, world.server)


def replays_of(world: World, server: Server) -> ReplayProtection:
    return ReplayProtection(server.store, clock=world.clock, random_octets=os.urandom)


def claim(replays: ReplayProtection, key: str = "k", request: bytes = b"POST /x", caller: str = "me") -> Claim:
    begun = replays.begin(caller, key, request)
    assert isinstance(begun, Claim)
    return begun


def lock_alice(world: World, replays: ReplayProtection, claimed: Claim) -> None:
    """Do some work in the name of a request."""
    administrator = Administrator(
        replays.store_for(claimed), clock=world.clock, random_octets=os.urandom, lockout=world.policy.lockout
    )
    administrator.lock("alice")


def is_locked(server: Server) -> bool:
    return bool(server.administrator.view("alice").locked)


def test_the_same_request_gets_the_same_answer_at_any_portal(world: World, replays: ReplayProtection) -> None:
    replays.finish(claim(replays), ANSWER)
    for one in (replays, replays_of(world, world.another_server("two"))):
        assert one.begin("me", "k", b"POST /x") == ANSWER


def test_an_answer_is_sealed_at_rest(world: World, replays: ReplayProtection) -> None:
    replays.finish(claim(replays), ANSWER)
    with world.server.database.engine.connect() as connection:
        (row,) = connection.exec_driver_sql("SELECT * FROM api_answers").all()
    assert b"otpauth" not in b"".join(part for part in row if isinstance(part, bytes))
    assert "secret" not in repr(ANSWER)


def test_another_request_with_the_same_key_is_refused(replays: ReplayProtection) -> None:
    first = claim(replays)
    with pytest.raises(KeyReused):
        replays.begin("me", "k", b"POST /y")
    replays.finish(first, ANSWER)
    with pytest.raises(KeyReused):
        replays.begin("me", "k", b"POST /y")


def test_each_caller_has_keys_of_their_own(replays: ReplayProtection) -> None:
    replays.finish(claim(replays), ANSWER)
    claim(replays, caller="you")


def test_while_a_request_is_worked_on_the_same_one_is_told_to_wait(world: World, replays: ReplayProtection) -> None:
    claim(replays)
    world.clock.seconds += 20
    with pytest.raises(StillInProgress) as waits:
        replays.begin("me", "k", b"POST /x")
    assert waits.value.retry_after_seconds == CLAIM_SECONDS - 20


def test_a_request_that_was_refused_before_it_changed_anything_can_be_sent_again(replays: ReplayProtection) -> None:
    replays.release(claim(replays))
    claim(replays, request=b"POST /y")


def test_a_portal_that_died_before_it_changed_anything_holds_nobody_up(
    world: World, server: Server, replays: ReplayProtection
) -> None:
    claim(replays)
    world.clock.seconds += CLAIM_SECONDS
    again = claim(replays)
    lock_alice(world, replays, again)
    assert is_locked(server)


def test_what_a_dead_portal_changed_is_not_changed_again(
    world: World, server: Server, replays: ReplayProtection
) -> None:
    lock_alice(world, replays, claim(replays))
    world.clock.seconds += CLAIM_SECONDS
    with pytest.raises(OutcomeUnknown):
        replays.begin("me", "k", b"POST /x")
    replays.release(Claim(b"", b""))
    with pytest.raises(OutcomeUnknown):
        replays.begin("me", "k", b"POST /x")


def test_what_is_changed_elsewhere_is_noted_before(world: World, replays: ReplayProtection) -> None:
    claimed = claim(replays)
    replays.note_written(claimed)
    replays.release(claimed)
    world.clock.seconds += CLAIM_SECONDS
    with pytest.raises(OutcomeUnknown):
        replays.begin("me", "k", b"POST /x")


def test_a_portal_that_was_taken_for_dead_changes_nothing_any_more(
    world: World, server: Server, replays: ReplayProtection
) -> None:
    slow = claim(replays)
    world.clock.seconds += CLAIM_SECONDS
    claim(replays)
    with pytest.raises(Conflict):
        lock_alice(world, replays, slow)
    assert not is_locked(server)
    replays.finish(slow, ANSWER)
    with pytest.raises(StillInProgress):
        replays.begin("me", "k", b"POST /x")


def test_after_a_day_a_key_is_forgotten(world: World, replays: ReplayProtection) -> None:
    replays.finish(claim(replays), ANSWER)
    world.clock.seconds += KEPT_SECONDS - 1
    assert replays.begin("me", "k", b"POST /x") == ANSWER
    assert replays.prune() == 0
    world.clock.seconds += 1
    claim(replays, request=b"POST /y")
    world.clock.seconds += KEPT_SECONDS
    assert replays.prune() == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "é"])
def test_a_key_is_short_and_printable(replays: ReplayProtection, key: str) -> None:
    with pytest.raises(InvalidValue):
        replays.begin("me", key, b"")


def test_of_many_that_send_the_same_request_at_once_one_does_it(world: World) -> None:
    portals = [replays_of(world, world.another_server(f"portal{n}")) for n in range(4)]
    barrier, claims = threading.Barrier(8), []

    def send(replays: ReplayProtection) -> None:
        barrier.wait()
        try:
            claims.append(replays.begin("me", "k", b"POST /x"))
        except (StillInProgress, StoreUnavailable):
            return

    run_all([lambda n=n: send(portals[n % 4]) for n in range(8)])  # type: ignore[misc]  # each thread its own portal
    assert len(claims) == 1


def run_all(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_an_answer_with_a_secret_is_told_again_for_minutes_and_never_done_twice(world: World) -> None:
    replays = ReplayProtection(world.server.store, clock=world.clock, random_octets=os.urandom)
    claim = replays.begin("portal", "key-1", b"POST /tokens")
    assert isinstance(claim, Claim)
    replays.store_for(claim).write(lambda rows: rows.throttles.forget(b"\0" * 32))
    replays.finish(claim, Answer(201, {}, b"otpauth://"), is_secret=True)
    assert replays.begin("portal", "key-1", b"POST /tokens") == Answer(201, {}, b"otpauth://")
    world.clock.seconds += SECRET_KEPT_SECONDS
    with pytest.raises(OutcomeUnknown):
        replays.begin("portal", "key-1", b"POST /tokens")
    replays.prune()
    with world.server.database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT sealed_answer FROM api_answers").scalar() is None


def test_a_copy_of_the_database_is_no_place_to_guess_what_a_request_said_and_a_rotation_forgets_none(
    world: World, replays: ReplayProtection
) -> None:
    request = b'POST /accounts/alice/pairings {"phone": "+15125551234"}'
    claimed = claim(replays, request=request)
    with world.server.database.engine.connect() as connection:
        (kept,) = connection.exec_driver_sql("SELECT request_hash FROM api_answers").scalars()
    assert kept not in {hashlib.sha256(request).digest(), hashlib.sha256(claimed.replay_hash + request).digest()}
    replays.finish(claimed, ANSWER)
    path = world.directory / "keyring"
    write_keys(path, promote(read_keys(path), 2))
    world.server.keyring.refresh()
    assert replays.begin("me", "k", request) == ANSWER
    with pytest.raises(KeyReused):
        replays.begin("me", "k", request + b" ")
