"""Keys of the API, and who is let in with them, on both databases."""

import os
import threading
from contextlib import suppress

import pytest
import sqlalchemy

from tests.contract.world import Server, World
from watchword.domain.audit import AuditEvent
from watchword.domain.errors import InvalidValue, NotFound
from watchword.services.api_keys import ApiKeys, NewApiKey, Scope
from watchword.services.api_keys_admission import REFUSALS_BY_ADDRESS, Caller, Doorkeeper, KeyRefused, Knock
from watchword.services.digest_access import NONCE_SECONDS, REALM, _hash, hash_for_digest
from watchword.services.throttle import TooMany
from watchword.store.keyring import promote, read_keys, write_keys
from watchword.store.sealing import Sealer

ADDRESS = "192.0.2.7"


@pytest.fixture
def keys(world: World) -> ApiKeys:
    return ApiKeys(world.server.store, clock=world.clock, random_octets=os.urandom, actor="olga")


@pytest.fixture
def door(world: World) -> Doorkeeper:
    return door_of(world, world.server)


def door_of(world: World, server: Server, *, requests_per_minute: int = 600) -> Doorkeeper:
    seal = Sealer(server.keyring)
    return Doorkeeper(server.store, seal, clock=world.clock, requests_per_minute=requests_per_minute)


def a_key(keys: ApiKeys, **terms: object) -> NewApiKey:
    wanted = {"scopes": [Scope.VALIDATE], "days": 30} | terms
    return keys.add("portal", **wanted)  # type: ignore[arg-type]  # the test's own words


def knock(authorization: str | None, *, address: str = ADDRESS, target: str = "/api/v1/key") -> Knock:
    return Knock("GET", target, address, authorization)


def bearer(door: Doorkeeper, key: str, *, address: str = ADDRESS) -> Caller:
    return door.admit(knock(f"Bearer {key}", address=address))


def digest(key: NewApiKey, nonce: str, *, nc: int = 1, uri: str = "/api/v1/key") -> str:
    """Compute the header as RFC 7616, section 3.4.1, says, from the key alone."""
    user = key.facts.key_id
    ha1 = _hash(f"{user}:{REALM}:{key.key}".encode())
    asked = _hash(f"GET:{uri}".encode())
    response = _hash(f"{ha1}:{nonce}:{nc:08x}:c:auth:{asked}".encode())
    return (
        f'Digest username="{user}", realm="{REALM}", uri="{uri}", algorithm=SHA-256, nonce="{nonce}", '
        f'nc={nc:08x}, cnonce="c", qop=auth, response="{response}"'
    )


def reasons(world: World) -> list[str]:
    events = (chained.event for _, chained in world.server.reporter.newest(100))
    return [event.reason for event in events if event.kind == "sign_in"]


def test_a_key_lets_in_and_says_who_it_is(keys: ApiKeys, door: Doorkeeper) -> None:
    new = a_key(keys, scopes=[Scope.TOKENS_READ, Scope.VALIDATE])
    caller = bearer(door, new.key)
    assert (caller.key_id, caller.scopes) == (new.facts.key_id, frozenset({Scope.TOKENS_READ, Scope.VALIDATE}))
    assert caller.actor == f"api key {new.facts.key_id} (portal)"
    assert caller.quota.left == caller.quota.limit - 1


def test_what_opens_the_api_is_nowhere_in_the_database(world: World, keys: ApiKeys) -> None:
    new = a_key(keys, for_digest=True)
    with world.server.database.engine.connect() as connection:
        (row,) = connection.execute(sqlalchemy.text("SELECT * FROM api_keys")).all()
    stored = repr(tuple(row))
    assert new.key not in stored and new.key.split("_", 2)[2] not in stored
    assert hash_for_digest(new.facts.key_id, new.key).decode() not in stored
    assert new.key not in repr(new)


@pytest.mark.parametrize("scheme", [None, "", "Bearer", "Bearer x", "Basic eDp5", "Bearer ww_000000000000_" + "A" * 43])
def test_without_a_key_nobody_is_let_in(door: Doorkeeper, scheme: str | None) -> None:
    with pytest.raises(KeyRefused):
        door.admit(knock(scheme))


def test_a_changed_key_is_refused_and_the_audit_log_says_so(world: World, keys: ApiKeys, door: Doorkeeper) -> None:
    key = a_key(keys).key
    changed = key[:-1] + ("A" if key[-1] != "A" else "B")
    with pytest.raises(KeyRefused):
        bearer(door, changed)
    assert reasons(world) == ["wrong_secret"]


def test_a_key_ends_when_it_expires(world: World, keys: ApiKeys, door: Doorkeeper) -> None:
    key = a_key(keys, days=1).key
    world.clock.seconds += 86399
    bearer(door, key)
    world.clock.seconds += 1
    with pytest.raises(KeyRefused):
        bearer(door, key)
    assert reasons(world) == ["expired"]


def test_a_revoked_key_opens_nothing_from_the_next_request_on_at_any_portal(
    world: World, keys: ApiKeys, door: Doorkeeper
) -> None:
    new = a_key(keys)
    other = door_of(world, world.another_server("two"))
    bearer(other, new.key)
    assert keys.revoke(new.facts.key_id).revoked_at == int(world.clock.seconds)
    for one in (door, other):
        with pytest.raises(KeyRefused):
            bearer(one, new.key)
    assert [event.reason for event in _administration(world)] == ["api key made", "api key revoked"]
    keys.revoke(new.facts.key_id)
    assert len(_administration(world)) == 2, "what is ended already is not ended again"
    with pytest.raises(NotFound):
        keys.revoke("000000000000")


def _administration(world: World) -> list[AuditEvent]:
    events = (chained.event for _, chained in world.server.reporter.newest(100))
    return [event for event in events if event.kind == "administration"]


def test_a_key_is_good_only_from_its_networks(world: World, keys: ApiKeys, door: Doorkeeper) -> None:
    key = a_key(keys, networks=["192.0.2.0/24", "2001:db8::/32"]).key
    for address in ("192.0.2.200", "2001:db8::7", "::ffff:192.0.2.1"):
        bearer(door, key, address=address)
    for address in ("192.0.3.1", "2001:db9::7", "", "nowhere"):
        with pytest.raises(KeyRefused):
            bearer(door, key, address=address)
    assert reasons(world) == ["wrong_network"] * 4


def test_the_last_use_is_written_down_once_a_minute(world: World, keys: ApiKeys, door: Doorkeeper) -> None:
    key = a_key(keys).key
    assert keys.list_all()[0].last_used_at is None
    first = int(world.clock.seconds)
    for seconds in (0, 59, 1):
        world.clock.seconds += seconds
        bearer(door, key)
        assert keys.list_all()[0].last_used_at == (first if seconds != 1 else first + 60)


def test_a_key_has_so_many_requests_a_minute_at_all_portals_together(world: World, keys: ApiKeys) -> None:
    key, stranger = a_key(keys).key, a_key(keys).key
    doors = [door_of(world, server, requests_per_minute=4) for server in (world.server, world.another_server("two"))]
    assert [bearer(doors[n % 2], key).quota.left for n in range(4)] == [3, 2, 1, 0]
    with pytest.raises(TooMany) as refused:
        bearer(doors[0], key)
    assert 0 < refused.value.retry_after_seconds <= 60
    bearer(doors[0], stranger)
    world.clock.seconds += 60
    bearer(doors[1], key)


def test_refusals_without_end_are_not_written_down_one_by_one(world: World, keys: ApiKeys, door: Doorkeeper) -> None:
    key = a_key(keys).key
    changed = key[:-1] + ("A" if key[-1] != "A" else "B")
    for _ in range(REFUSALS_BY_ADDRESS.tries):
        with pytest.raises(KeyRefused):
            bearer(door, changed)
    with pytest.raises(TooMany):
        bearer(door, changed)
    assert len(reasons(world)) == REFUSALS_BY_ADDRESS.tries
    assert bearer(door, key).key_id, "who has the key is let in from there all the same"


@pytest.mark.parametrize(
    "terms",
    [{"days": 0}, {"days": 5000}, {"scopes": []}, {"networks": ["192.0.2.1/24"]}, {"networks": ["x"]}],
)
def test_a_key_that_makes_no_sense_is_not_made(keys: ApiKeys, terms: dict[str, object]) -> None:
    with pytest.raises(InvalidValue):
        a_key(keys, **terms)
    with pytest.raises(InvalidValue):
        keys.add("line\nbreak", scopes=[Scope.VALIDATE], days=1)
    assert keys.list_all() == []


def test_digest_lets_in_whoever_has_the_key(keys: ApiKeys, door: Doorkeeper) -> None:
    new = a_key(keys, for_digest=True)
    nonce = door.new_nonce()
    assert door.admit(knock(digest(new, nonce))).key_id == new.facts.key_id
    assert door.admit(knock(digest(new, nonce, nc=7))).key_id == new.facts.key_id
    assert door.admit(knock(digest(new, nonce, nc=3))).key_id == new.facts.key_id, "in whatever order they come"


def test_a_digest_that_was_seen_is_worth_nothing_at_any_portal(world: World, keys: ApiKeys, door: Doorkeeper) -> None:
    new = a_key(keys, for_digest=True)
    other = door_of(world, world.another_server("two"))
    header = digest(new, other.new_nonce())
    door.admit(knock(header))
    for one in (door, other):
        with pytest.raises(KeyRefused) as refused:
            one.admit(knock(header))
        assert refused.value.stale


def test_of_many_that_send_the_same_digest_at_once_one_is_let_in(world: World, keys: ApiKeys) -> None:
    new = a_key(keys, for_digest=True)
    doors = [door_of(world, world.another_server(f"portal{n}")) for n in range(4)]
    header = digest(new, doors[0].new_nonce())
    barrier, admitted = threading.Barrier(8), []

    def send(door: Doorkeeper) -> None:
        barrier.wait()
        with suppress(KeyRefused):
            admitted.append(door.admit(knock(header)))

    threads = [threading.Thread(target=send, args=[doors[n % 4]]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 1


def test_a_nonce_is_good_for_five_minutes_and_then_asked_for_anew(
    world: World, keys: ApiKeys, door: Doorkeeper
) -> None:
    new = a_key(keys, for_digest=True)
    header = digest(new, door.new_nonce())
    world.clock.seconds += NONCE_SECONDS
    with pytest.raises(KeyRefused) as refused:
        door.admit(knock(header))
    assert refused.value.stale


def test_a_digest_is_for_one_path_one_nonce_of_ours_and_a_key_that_was_made_for_it(
    world: World, keys: ApiKeys, door: Doorkeeper
) -> None:
    new, plain = a_key(keys, for_digest=True), a_key(keys)
    with pytest.raises(KeyRefused):
        door.admit(knock(digest(new, door.new_nonce()), target="/api/v1/accounts"))
    with pytest.raises(KeyRefused):
        door.admit(knock(digest(new, "made-up")))
    with pytest.raises(KeyRefused) as refused:
        door.admit(knock(digest(plain, door.new_nonce())))
    assert not refused.value.stale
    assert reasons(world) == ["wrong_secret"]


def test_a_key_that_was_made_before_the_keyring_rotated_is_good_after_it(
    world: World, keys: ApiKeys, door: Doorkeeper
) -> None:
    new = a_key(keys, for_digest=True)
    path = world.directory / "keyring"
    write_keys(path, promote(read_keys(path), 2))
    world.server.keyring.refresh()
    door.admit(knock(digest(new, door.new_nonce())))
