"""`watchword keeper`: what it does for the portal, whom it answers, and what becomes of all else."""

import json
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.keeper import running_keeper
from tests.harness.processes import Server
from tests.harness.soft_token import pair_soft_token
from tests.harness.watchword_command import Watchword
from watchword.domain.errors import InvalidValue, KeeperUnavailable, NotFound
from watchword.domain.outcome import Challenge, Denied, Granted
from watchword.keeper.client import KeeperClient

pytestmark = pytest.mark.slow

ASKER, STRANGER = "nobody", "daemon"
"""Accounts that every Debian has."""

ASK = """
import socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.settimeout(10)
    connection.connect(sys.argv[1])
    connection.sendall(bytes.fromhex(sys.argv[2]))
    while some := connection.recv(4096):
        sys.stdout.buffer.write(some)
"""


@dataclass(frozen=True)
class Centre:
    """A database, a keyring, and the configuration of a keeper."""

    watchword: Watchword
    path: Path

    @property
    def client(self) -> KeeperClient:
        """The portal's side."""
        return KeeperClient(self.path)

    def ask_as(self, account: str, octets: bytes) -> bytes:
        """Send octets to the keeper as another account; answers what came back."""
        words = ["/usr/bin/python3", "-I", "-c", ASK, str(self.path), octets.hex()]
        group = pwd.getpwnam(account).pw_gid
        return subprocess.run(words, user=account, group=group, capture_output=True, check=False).stdout


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """A directory that other accounts may look into, unlike pytest's."""
    path = Path(tempfile.mkdtemp(prefix="watchword-keeper-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def make_centre(directory: Path, name: str) -> Centre:
    """Make a centre with the keeper's socket `name`."""
    config, path = directory / f"{name}.toml", directory / name
    config.write_text(
        f'[database]\nurl = "sqlite:///{directory}/watchword.db"\n[keyring]\nfile = "{directory}/keyring"\n'
        f'[audit]\nanchors = "{directory}/anchors"\n'
        f'[portal]\nkeeper_socket = "{path}"\nkeeper_user = "{ASKER}"\n',
        encoding="utf-8",
    )
    centre = Centre(Watchword(config), path)
    centre.watchword.do("init")
    return centre


@pytest.fixture(scope="module")
def centre(directory: Path) -> Centre:
    centre = make_centre(directory, "keeper")
    seeds = directory / "seeds.csv"
    seeds.write_text(f"F1,{bytes(range(20)).hex()}\nF2,{bytes(range(20, 40)).hex()}\n", encoding="ascii")
    centre.watchword.do("token", "import", seeds)
    centre.watchword.do("token", "add", "train01", "--kind", "static", "--code", "271828")
    return centre


@pytest.fixture(scope="module", autouse=True)
def keeper(centre: Centre) -> Iterator[Server]:
    with running_keeper(centre.watchword, centre.path) as server:
        yield server


def framed(body: object) -> bytes:
    """Frame JSON as the protocol does."""
    text = json.dumps(body).encode("ascii")
    return struct.pack(">I", len(text)) + text


CHECK = framed(
    {
        "version": 1,
        "verb": "check",
        "arguments": {"account": "train01", "code": "271828", "address": "", "node": "portal"},
    }
)


def test_the_keeper_opens_what_the_portal_may_not(centre: Centre) -> None:
    token, client = pair_soft_token(centre.watchword, "alice"), centre.client
    code = token.fresh_code()
    assert client.check("alice", code, "192.0.2.7") == Granted(token.serial)
    assert isinstance(client.check("alice", code, "192.0.2.7"), Denied)
    challenge = client.begin("alice", "192.0.2.7")
    assert isinstance(challenge, Challenge)
    assert client.answer("alice", challenge.handle, token.fresh_code(), "192.0.2.7") == Granted(token.serial)


def test_an_operators_work_goes_through_and_what_is_refused_says_why(centre: Centre) -> None:
    client = centre.client
    client.assign("bob", "F1", actor="olga", why="new here", address="192.0.2.9")
    assert isinstance(client.assign_proved("carol", "F1", "000000", "192.0.2.7"), Denied)
    client.unassign("F1", actor="olga")
    assert client.masked_phones("bob") == {}
    with pytest.raises(NotFound, match="F9") as caught:
        client.assign("bob", "F9", actor="olga")
    assert caught.value.hint
    with pytest.raises(InvalidValue):
        client.resync("F1", "1", "2", actor="olga")
    newest = centre.watchword.ask("audit", "list", "--account", "bob")
    assert [(event["actor"], event["detail"]) for event in newest] == [("olga", "hard: new here"), ("olga", "hard")]


def test_many_questions_at_once_are_answered_each(centre: Centre) -> None:
    with ThreadPoolExecutor(48) as threads:
        answers = list(threads.map(lambda _: centre.client.check("train01", "271828", "192.0.2.7"), range(200)))
    assert {type(answer) for answer in answers} == {Granted}
    centre.watchword.do("audit", "verify")


def test_keys_that_were_rotated_meanwhile_open_what_they_sealed(centre: Centre) -> None:
    centre.watchword.do("keys", "rotate")
    assert isinstance(centre.client.check("train01", "271828", "192.0.2.7"), Granted)


def test_the_socket_is_the_askers_group_to_use_and_nobody_elses(centre: Centre) -> None:
    status = centre.path.stat()
    assert (status.st_mode & 0o777, status.st_gid) == (0o660, pwd.getpwnam(ASKER).pw_gid)
    assert b"granted" in centre.ask_as(ASKER, CHECK)
    assert centre.ask_as(STRANGER, CHECK) == b""


def test_whoever_gets_past_the_sockets_mode_is_not_answered(centre: Centre, keeper: Server) -> None:
    centre.path.chmod(0o666)
    try:
        assert centre.ask_as(STRANGER, CHECK) == b""
    finally:
        centre.path.chmod(0o660)
    assert f"uid {pwd.getpwnam(STRANGER).pw_uid} " in keeper.log_text()


@pytest.mark.parametrize(
    "octets",
    [b"", b"\x00", b"\xff\xff\xff\xff" + bytes(100), framed({"version": 9}), framed([]), b"GET / HTTP/1.1\r\n\r\n" * 9],
)
def test_what_makes_no_sense_gets_no_answer_and_harms_nobody(centre: Centre, octets: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(centre.path))
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        assert b"result" not in connection.recv(4096)
    assert isinstance(centre.client.check("train01", "271828", ""), Granted)


def test_no_code_and_no_seed_is_in_the_log(centre: Centre, keeper: Server) -> None:
    centre.client.check("train01", "314159", "192.0.2.7")
    centre.client.assign_proved("dave", "161803", "141421", "192.0.2.7")
    text = keeper.log_text()
    secrets = ("271828", "314159", "161803", "141421", bytes(range(20)).hex())
    assert text and not [secret for secret in secrets if secret in text]


# A keeper that is not there, or not well


def test_a_second_keeper_does_not_take_the_socket(centre: Centre) -> None:
    done = centre.watchword.run("keeper")
    assert (done.returncode, "another keeper answers" in done.stderr) == (1, True)
    assert isinstance(centre.client.check("train01", "271828", ""), Granted)


def test_a_keeper_that_was_killed_is_followed_by_another_at_its_socket(directory: Path) -> None:
    centre = make_centre(directory, "mortal")
    with running_keeper(centre.watchword, centre.path) as server:
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(KeeperUnavailable):
            _ask_until_it_fails(centre.client)
    with running_keeper(centre.watchword, centre.path) as server:
        assert isinstance(centre.client.check("train01", "271828", ""), Granted)
        assert server.stop() == 0
    assert not centre.path.exists()


def _ask_until_it_fails(client: KeeperClient) -> None:
    while True:
        client.check("train01", "271828", "")


@contextmanager
def false_keeper(path: Path, says: bytes | None) -> Iterator[None]:
    """Listen at a path, and say something to whoever asks; None: nothing at all, for as long as they wait."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        held = []

        def answer() -> None:
            connection, _ = listening.accept()
            held.append(connection)
            if says is not None:
                connection.recv(65536)
                connection.sendall(says)
                connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join()
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    "says",
    [
        None,
        b"",
        b"\x00\x00\x00\x05gran",
        b"\xff\xff\xff\xff",
        framed({"version": 2, "result": {"outcome": "granted", "serial": "S"}}),
        framed({"version": 1, "result": None}),
        framed({"version": 1, "result": True}),
        framed({"version": 1, "result": {"outcome": "denied", "text": "", "reason": "none"}}),
        framed({"version": 1, "error": {"name": "SystemExit", "message": "", "hint": ""}}),
    ],
)
def test_an_answer_that_is_none_grants_nothing(tmp_path: Path, says: bytes | None) -> None:
    path = tmp_path / "keeper"
    with false_keeper(path, says), pytest.raises(KeeperUnavailable):
        KeeperClient(path, reply_seconds=0.3).check("alice", "123456", "192.0.2.7")


def test_a_keeper_that_is_not_there_grants_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeeperUnavailable) as caught:
        KeeperClient(tmp_path / "keeper").check("alice", "123456", "192.0.2.7")
    assert "watchword keeper" in caught.value.hint
    assert "123456" not in str(caught.value)


def test_a_configuration_without_a_socket_says_what_to_do(directory: Path) -> None:
    config = directory / "without.toml"
    config.write_text(f'[keyring]\nfile = "{directory}/keyring"\n', encoding="utf-8")
    done = Watchword(config).run("keeper")
    assert (done.returncode, "portal.keeper_socket" in done.stderr) == (1, True)


def test_a_file_at_the_sockets_place_is_left_alone(directory: Path) -> None:
    centre = make_centre(directory, "taken")
    centre.path.write_text("mine", encoding="ascii")
    assert centre.watchword.run("keeper").returncode == 1
    assert centre.path.read_text(encoding="ascii") == "mine"
