"""A real server, under what nobody meant to send, and under States that are not what they seem."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.server_under_fire import LOGGED_TOO_MUCH, endure
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from watchword.services.handles import Handles
from watchword.settings import read_settings
from watchword.store.keyring import Keyring
from watchword.store.sealing import Sealer
from watchword.wiring import assemble
from watchword_pam.clock import boot_seconds
from watchword_pam.exchange import Person, Reply, answer, begin, exchange
from watchword_pam.settings import Server

pytestmark = pytest.mark.slow

PACKETS = 4000
CHALLENGE_SECONDS = 600
CLOCKS_APART_SECONDS = 60
MOST_GROWTH_OCTETS = 64 * 2**20

ALICE, BOB = Person("alice", "192.0.2.7", "login1"), Person("bob", "192.0.2.7", "login1")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ServerSettings:
    directory = tmp_path_factory.mktemp("fuzz")
    return ServerSettings(directory, f"sqlite:///{directory / 'watchword.db'}")


@pytest.fixture(scope="module")
def server(settings: ServerSettings) -> Iterator[RadiusServer]:
    with running_radius_server(settings) as running:
        yield running


@pytest.fixture(scope="module")
def codes(server: RadiusServer) -> dict[str, str]:
    """Codes that stay good, so that a State is all that a refusal can be for."""
    services = assemble(read_settings(server.watchword.config), role="test")
    try:
        return {person.account: services.pairer.add_static(person.account).code for person in (ALICE, BOB)}
    finally:
        services.close()


@pytest.fixture(scope="module")
def sealer(server: RadiusServer, settings: ServerSettings) -> Sealer:
    """What the server itself seals with."""
    return Sealer(Keyring(settings.keyring))


def ask(server: RadiusServer, attributes: list[tuple[int, bytes]]) -> Reply:
    at = Server(host="127.0.0.1", port=server.port, secret=server.secret.encode(), timeout_seconds=10)
    return exchange(at, attributes, boot_seconds() + 30)


def state_of(server: RadiusServer, person: Person) -> bytes:
    (state,) = ask(server, begin(person)).state
    return state


def accepts(server: RadiusServer, person: Person, code: str, state: bytes) -> bool:
    """Answer a challenge with a right code; a State that is no good must end the login, with no other try."""
    reply = ask(server, answer(person, code.encode(), [state]))
    assert not reply.challenges
    return reply.accepts


def test_a_server_goes_on_under_packets_that_nobody_meant(server: RadiusServer) -> None:
    endured = endure(server, PACKETS)
    assert endured.log_lines < LOGGED_TOO_MUCH
    assert endured.memory_after - endured.memory_before < MOST_GROWTH_OCTETS


def test_a_state_is_good_for_its_account_as_it_came(server: RadiusServer, codes: dict[str, str]) -> None:
    assert accepts(server, ALICE, codes["alice"], state_of(server, ALICE))


def test_a_state_with_an_octet_changed_is_refused(server: RadiusServer, codes: dict[str, str]) -> None:
    state = state_of(server, ALICE)
    places = [0, 1, 4, 5, 16, 17, len(state) - 1]
    changed = [state[:place] + bytes([state[place] ^ 1]) + state[place + 1 :] for place in places]
    cut = [state[:-1], state + b"\0", state[:17], state * 2, b"", b"\x01", os.urandom(len(state))]
    for other in (*changed, *cut):
        assert not accepts(server, ALICE, codes["alice"], other), other


def test_a_state_of_somebody_elses_is_refused(server: RadiusServer, codes: dict[str, str]) -> None:
    assert not accepts(server, ALICE, codes["alice"], state_of(server, BOB))


def test_a_state_spliced_of_two_logins_is_refused(server: RadiusServer, codes: dict[str, str]) -> None:
    first, second = state_of(server, ALICE), state_of(server, ALICE)
    for cut in (9, 17, 26, len(first) - 16):  # in the nonce, after it, at the tag
        assert not accepts(server, ALICE, codes["alice"], first[:cut] + second[cut:])


@pytest.mark.parametrize("age_seconds", [CHALLENGE_SECONDS + 1, 10 * 365 * 86400, -CLOCKS_APART_SECONDS - 10])
def test_a_state_that_is_old_or_of_tomorrow_is_refused(
    server: RadiusServer, codes: dict[str, str], sealer: Sealer, age_seconds: int
) -> None:
    made_at = time.time() - age_seconds
    assert not accepts(server, ALICE, codes["alice"], Handles(sealer, CHALLENGE_SECONDS).make("alice", 3, made_at))


def test_a_state_without_a_try_left_is_refused(server: RadiusServer, codes: dict[str, str], sealer: Sealer) -> None:
    handles = Handles(sealer, CHALLENGE_SECONDS)
    assert not accepts(server, ALICE, codes["alice"], handles.make("alice", 0, time.time()))
    assert accepts(server, ALICE, codes["alice"], handles.make("alice", 1, time.time()))


@pytest.mark.parametrize("sealed", [b"", b"\0", bytes(9), bytes(20), b"\xff" * 9, bytes(200)])
def test_what_was_sealed_for_another_purpose_is_no_state(
    server: RadiusServer, codes: dict[str, str], sealer: Sealer, sealed: bytes
) -> None:
    assert not accepts(server, ALICE, codes["alice"], sealer.seal(sealed, "tokens.sealed_secret/alice"))


def test_a_state_sealed_with_a_keyring_of_ones_own_is_refused(
    server: RadiusServer, codes: dict[str, str], sealer: Sealer, tmp_path: Path
) -> None:
    state = state_of(server, ALICE)
    elsewhere = ServerSettings(tmp_path, f"sqlite:///{tmp_path / 'watchword.db'}")
    elsewhere.write("elsewhere", 1812).do("init")
    theirs = Handles(Sealer(Keyring(elsewhere.keyring)), CHALLENGE_SECONDS).make("alice", 3, time.time())
    assert not accepts(server, ALICE, codes["alice"], theirs)
    # And under our key's name, in case that were all that is looked at.
    assert not accepts(server, ALICE, codes["alice"], state[:5] + theirs[5:])


def test_each_wrong_answer_to_one_and_the_same_state_counts(server: RadiusServer, codes: dict[str, str]) -> None:
    """A State can be sent again and again; it gives no more guesses than the lockout leaves."""
    state = state_of(server, BOB)
    for _ in range(3):
        ask(server, answer(BOB, b"wrong", [state]))
    shown = server.watchword.do("account", "show", "bob")
    assert re.search(r"\b3\b", shown), shown
