"""Whose turn it is, across logins."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.radius_peer import SECRET, Answer, RadiusPeer, accept, refusing_port
from watchword_pam.clock import boot_seconds
from watchword_pam.exchange import Person, begin
from watchword_pam.server_memory import OVERDUE_SECONDS, Memory, MemoryUnusable, change_memory
from watchword_pam.servers import NobodyAnswers, Servers
from watchword_pam.settings import Settings, settings_from

ALICE = begin(Person("alice", "192.0.2.7", "login1"))
NAMES = ["a:1", "b:1", "c:1"]


def settings_for(state: Path, ports: list[int], timeout_seconds: float = 0.3) -> Settings:
    servers = [
        {"host": "127.0.0.1", "port": port, "secret": SECRET.decode(), "timeout_seconds": timeout_seconds}
        for port in ports
    ]
    settings = settings_from(
        {"mode": "full", "info_url": "https://x", "state_dir": str(state), "server": servers}, "login1"
    )
    assert settings.mistakes == ()
    return settings


def login(settings: Settings) -> str:
    """Ask once, as one login does; return who answered."""
    servers = Servers(settings, boot_seconds() + 60)
    servers.ask(ALICE)
    return servers.last


@pytest.fixture
def peers() -> Iterator[list[RadiusPeer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(RadiusPeer(lambda _: accept())) for _ in range(3)]


def test_logins_take_turns(tmp_path: Path, peers: list[RadiusPeer]) -> None:
    settings = settings_for(tmp_path / "state", [peer.port for peer in peers])
    assert [login(settings) for _ in range(6)] == [f"127.0.0.1:{peer.port}" for peer in peers] * 2
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_one_silent_server_of_three_costs_one_login_one_timeout(tmp_path: Path, peers: list[RadiusPeer]) -> None:
    peers[1].script = lambda _: []
    settings = settings_for(tmp_path / "state", [peer.port for peer in peers])
    answered = Counter(login(settings) for _ in range(9))
    assert len(peers[1].requests) == 3  # one login's three sendings
    assert set(answered) == {f"127.0.0.1:{peers[0].port}", f"127.0.0.1:{peers[2].port}"}
    assert min(answered.values()) >= 4


def test_while_a_server_owes_an_answer_nobody_else_waits_for_it(tmp_path: Path, peers: list[RadiusPeer]) -> None:
    asked = threading.Event()

    def silent(_: object) -> list[Answer]:
        asked.set()
        return []

    peers[0].script = silent
    settings = settings_for(tmp_path / "state", [peer.port for peer in peers], 1)
    first = threading.Thread(target=login, args=(settings,))
    first.start()
    assert asked.wait(5)
    time.sleep(OVERDUE_SECONDS)
    answered = Counter(login(settings) for _ in range(6))
    assert f"127.0.0.1:{peers[0].port}" not in answered
    first.join()
    assert len({request.raw for request in peers[0].requests}) == 1


def test_who_answers_owes_nothing_any_more(tmp_path: Path, peers: list[RadiusPeer]) -> None:
    settings = settings_for(tmp_path / "state", [peer.port for peer in peers])
    login(settings)
    assert "asked" not in (tmp_path / "state" / "servers").read_text()


def test_an_answer_that_was_owed_by_a_login_that_is_gone_is_forgotten() -> None:
    memory = Memory(asked={"a:1": 100.0})
    assert memory.take_turn(NAMES, 101.0, 60, 3)[0] == "b:1"
    memory.turn = "a:1"
    assert memory.take_turn(NAMES, 104.0, 60, 3)[0] == "a:1"
    assert memory.asked["a:1"] == 104.0


@pytest.mark.parametrize("since", [float("nan"), float("inf"), 10_000.0])
def test_a_debt_that_this_boot_cannot_have_written_is_none(since: float) -> None:
    memory = Memory(asked={"a:1": since})
    assert memory.take_turn(NAMES, 100.0, 60, 3)[0] == "a:1"


def test_when_all_owe_an_answer_turns_are_taken_as_ever() -> None:
    memory = Memory(asked=dict.fromkeys(NAMES, 99.0))
    assert [memory.take_turn(NAMES, 100.0, 60, 3)[0] for _ in range(3)] == NAMES


def test_a_machine_that_says_nobody_listens_is_passed_over_as_well(tmp_path: Path, peers: list[RadiusPeer]) -> None:
    dead = refusing_port()
    settings = settings_for(tmp_path / "state", [dead, peers[0].port], 30)
    assert {login(settings) for _ in range(3)} == {f"127.0.0.1:{peers[0].port}"}
    assert f"dead 127.0.0.1:{dead} " in (tmp_path / "state" / "servers").read_text()


def test_when_all_are_dead_all_are_tried(tmp_path: Path, peers: list[RadiusPeer]) -> None:
    for peer in peers[:2]:
        peer.script = lambda _: []
    settings = settings_for(tmp_path / "state", [peer.port for peer in peers[:2]])
    with pytest.raises(NobodyAnswers):
        login(settings)
    peers[1].script = lambda _: accept()
    assert login(settings) == f"127.0.0.1:{peers[1].port}"
    assert f"dead 127.0.0.1:{peers[1].port} " not in (tmp_path / "state" / "servers").read_text()


def test_within_a_login_the_server_that_answered_is_asked_again_and_silence_fails_over(
    tmp_path: Path, peers: list[RadiusPeer]
) -> None:
    settings = settings_for(tmp_path / "state", [peer.port for peer in peers])
    servers = Servers(settings, boot_seconds() + 60)
    servers.ask(ALICE)
    servers.ask(ALICE)
    assert [len(peer.requests) for peer in peers] == [2, 0, 0]
    peers[0].script = lambda _: []
    servers.ask(ALICE)
    servers.ask(ALICE)
    assert [len(peer.requests) for peer in peers] == [5, 2, 0]
    assert not servers.is_outage


def test_without_servers_nobody_answers(tmp_path: Path) -> None:
    servers = Servers(settings_from({}, "login1"), boot_seconds() + 60)
    with pytest.raises(NobodyAnswers):
        servers.ask(ALICE)
    assert not servers.is_outage


def test_it_is_an_outage_only_if_every_server_was_asked_and_none_spoke(tmp_path: Path, peers: list[RadiusPeer]) -> None:
    settings = settings_for(tmp_path / "state", [refusing_port(), refusing_port()])
    in_time, too_late = Servers(settings, boot_seconds() + 60), Servers(settings, boot_seconds())
    for servers in (in_time, too_late):
        with pytest.raises(NobodyAnswers):
            servers.ask(ALICE)
    assert in_time.is_outage
    assert not too_late.is_outage


def test_a_memory_in_the_wrong_hands_is_left_alone(tmp_path: Path, peers: list[RadiusPeer]) -> None:
    ports = [peer.port for peer in peers]
    victim = tmp_path / "victim"
    victim.write_text("precious")
    linked = tmp_path / "linked"
    linked.mkdir(0o700)
    (linked / "servers").symlink_to(victim)
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    link = tmp_path / "link"
    link.symlink_to(linked)
    for state in (linked, open_to_all, link, tmp_path / "no" / "parent", victim):
        with pytest.raises(MemoryUnusable):
            change_memory(str(state), lambda memory: None)
        login(settings_for(state, ports))
    assert victim.read_text() == "precious"
    assert list(open_to_all.iterdir()) == []


def test_who_was_silent_is_probed_by_exactly_one_login_when_the_pause_is_over() -> None:
    memory = Memory("a:1", {"b:1": 100.0})
    assert memory.take_turn(NAMES, 99.0, 60, 0) == ["a:1", "c:1", "b:1"]
    assert memory.take_turn(NAMES, 101.0, 60, 0)[0] == "b:1"
    assert [memory.take_turn(NAMES, now, 60, 0)[0] for now in (102.0, 103.0, 104.0)] == ["a:1", "c:1", "a:1"]
    assert memory.take_turn(NAMES, 162.0, 60, 0)[0] == "b:1"


def test_two_whose_pause_is_over_are_probed_by_two_logins() -> None:
    memory = Memory("a:1", {"a:1": 1.0, "b:1": 1.0})
    assert memory.take_turn(NAMES, 2.0, 60, 3) == ["a:1", "c:1", "b:1"]
    assert memory.take_turn(NAMES, 2.0, 60, 3)[0] == "b:1"


@pytest.mark.parametrize("until", [1e9, float("nan"), float("inf"), -5.0])
def test_a_time_that_this_boot_can_not_have_written_does_not_keep_a_server_dead(until: float) -> None:
    memory = Memory("a:1", {"a:1": until})
    assert memory.take_turn(NAMES, 100.0, 60, 3)[0] == "a:1"


@given(st.binary() | st.text(st.characters(codec="ascii")).map(lambda text: f"turn {text}\ndead {text}".encode()))
def test_whatever_the_file_holds_every_server_has_its_place(data: bytes) -> None:
    memory = Memory.parse(data)
    assert sorted(memory.take_turn(NAMES, 100.0, 60, 3)) == NAMES
    assert sorted(Memory.parse(memory.lines()).take_turn(NAMES, 100.0, 60, 3)) == NAMES


def test_an_edit_of_the_list_confuses_nothing() -> None:
    memory = Memory("b:1", {"b:1": 130.0, "gone:1": 130.0})
    assert memory.take_turn(["c:1", "b:1"], 100.0, 60, 3) == ["c:1", "b:1"]
    assert memory.dead == {"b:1": 130.0}
