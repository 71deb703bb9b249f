"""Keys change while logins go on."""

import os
import threading
from pathlib import Path

import pytest
import sqlalchemy

from tests.contract.world import SECRET, Server, World
from watchword.domain.errors import KeyringError, SealError
from watchword.domain.outcome import Granted
from watchword.services.api_keys import ApiKeys, Scope
from watchword.services.ports import Resealed
from watchword.store.keyring import Keyring, KeyState, change_keys, new_key, promote, read_keys, write_keys
from watchword.store.sealing import Sealer


def rotate(world: World, server: Server) -> Resealed:
    path = world.directory / "keyring"
    write_keys(path, promote(read_keys(path), 2))
    server.keyring.refresh()
    return server.rotator.reseal(server.keyring.primary.key_id)


def test_after_a_rotation_every_secret_is_sealed_with_the_new_key(world: World, server: Server) -> None:
    before = server.keyring.primary.key_id
    server.pairer.add_sms("bob", "+15125551234", country_code="1")
    assert rotate(world, server) == Resealed("", 2, [])
    assert server.keyring.primary.key_id != before
    with server.database.engine.connect() as connection:
        sealed = connection.execute(sqlalchemy.text("SELECT sealed_secret FROM tokens")).scalars().all()
    assert all(Sealer(server.keyring).is_current(one) for one in sealed)
    assert isinstance(server.one_shot("alice", world.code()), Granted)
    assert [report.fault for report in server.reporter.verify() if report.fault] == []


def test_a_damaged_secret_is_named_and_stops_no_rotation(world: World, server: Server) -> None:
    server.pairer.add_soft("bob", secret=SECRET)
    server.pairer.add_soft("carol", secret=SECRET)
    (bobs,) = server.administrator.tokens(account="bob")
    with server.database.engine.begin() as connection:
        damage = sqlalchemy.text("UPDATE tokens SET sealed_secret = 'rubbish' WHERE serial = :serial")
        connection.execute(damage, {"serial": bobs.serial})
    assert rotate(world, server) == Resealed("", 2, [bobs.serial])
    assert isinstance(server.one_shot("carol", world.code()), Granted)
    assert server.rotator.reseal(server.keyring.primary.key_id).changed == 0


def test_a_rotation_seals_what_http_digest_needs_anew_so_the_old_key_is_not_needed_for_it(
    world: World, server: Server
) -> None:
    made = [_api_key(server, name) for name in ("one", "two", "three")]
    _api_key(server, "bearer alone", for_digest=False)
    old = server.keyring.primary.key_id
    with server.database.engine.begin() as connection:
        damage = sqlalchemy.text("UPDATE api_keys SET sealed_digest = 'rubbish' WHERE key_id = :key_id")
        connection.execute(damage, {"key_id": made[2]})
    assert rotate(world, server) == Resealed("", 3, [f"API key {made[2]}"])
    path = world.directory / "keyring"
    write_keys(path, [key for key in read_keys(path) if key.key_id != old])
    server.keyring.refresh()
    digests = server.store.read(lambda rows: {row.key_id: row.digest for row in rows.api_keys.list_all()})
    assert [len(digests[key_id]) > 0 for key_id in made] == [True, True, False]
    assert server.rotator.reseal(server.keyring.primary.key_id).changed == 0


def _api_key(server: Server, name: str, *, for_digest: bool = True) -> str:
    keys = ApiKeys(server.store, clock=server.clock, random_octets=os.urandom, actor="olga")
    return keys.add(name, scopes=[Scope.VALIDATE], days=30, for_digest=for_digest).facts.key_id


def test_a_challenge_made_before_a_rotation_is_answered_after_it(world: World, server: Server) -> None:
    challenge = server.begin("alice")
    rotate(world, server)
    assert isinstance(server.reply("alice", world.code(), challenge), Granted)


def test_logins_go_on_while_keys_rotate(world: World, server: Server) -> None:
    names = [f"user{number}" for number in range(40)]
    for name in names:
        server.pairer.add_soft(name, secret=SECRET)
    other = world.another_server("two")
    outcomes = []

    def log_in() -> None:
        for name in names:
            other.keyring.refresh()
            outcomes.append(other.one_shot(name, world.code()))

    logins = threading.Thread(target=log_in)
    logins.start()
    for _ in range(3):
        rotate(world, server)
    logins.join()
    assert len(outcomes) == 40
    assert all(isinstance(outcome, Granted) for outcome in outcomes)


def test_what_is_sealed_for_one_place_opens_nowhere_else(tmp_path: Path) -> None:
    write_keys(tmp_path / "keyring", [new_key(KeyState.PRIMARY, 1)])
    sealer = Sealer(Keyring(tmp_path / "keyring"))
    sealed = sealer.seal(b"secret", "here")
    assert sealer.unseal(sealed, "here") == b"secret"
    with pytest.raises(SealError):
        sealer.unseal(sealed, "there")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises((SealError, KeyringError)):
            sealer.unseal(bytes(altered), "here")


@pytest.mark.parametrize("mode", [0o644, 0o666, 0o660, 0o604])
def test_a_keyring_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keyring"
    write_keys(path, [new_key(KeyState.PRIMARY, 1)])
    path.chmod(mode)
    with pytest.raises(KeyringError, match="reached by others"):
        Keyring(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[[key]]",
        "not toml",
        '[[key]]\nid = "00000000"\nstate = "primary"\ncreated = 1\nsecret = "c2hvcnQ="\n',
        "\ud800",
    ],
)
def test_a_damaged_keyring_is_one_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keyring"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    path.chmod(0o600)
    with pytest.raises(KeyringError):
        Keyring(path)


def test_a_keys_secret_is_in_no_repr(tmp_path: Path) -> None:
    key = new_key(KeyState.PRIMARY, 1)
    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in repr(key)


def test_two_rotations_at_once_lose_no_key(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    write_keys(path, [new_key(KeyState.PRIMARY, 1)])
    barrier = threading.Barrier(8)

    def rotate_once() -> None:
        barrier.wait()
        change_keys(path, lambda keys: promote(keys, 2))

    threads = [threading.Thread(target=rotate_once) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_keys(path)) == 9


def test_a_change_that_would_lose_a_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    write_keys(path, [new_key(KeyState.PRIMARY, 1)])
    before = path.read_bytes()
    with pytest.raises(KeyringError, match="lost"):
        change_keys(path, lambda _keys: [new_key(KeyState.PRIMARY, 2)])
    assert path.read_bytes() == before
