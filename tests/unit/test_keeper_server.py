"""The keeper's socket: whoever connects and says nothing keeps nobody else waiting."""

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from watchword.domain.outcome import Granted, Outcome
from watchword.keeper.client import KeeperClient
from watchword.keeper.lobby import MOST_SILENT
from watchword.keeper.server import MOST_AT_ONCE, QUESTION_SECONDS, KeeperServer, open_socket
from watchword.keeper.wire import Request, write_request

QUESTION = write_request(Request("check", {"account": "alice", "code": "1", "address": "", "node": "portal"}))


class GrantingKeeper:
    """Grants whatever is asked."""

    def check(self, account: str, **_rest: Any) -> Outcome:
        """Grant it."""
        return Granted(account)


@dataclass
class Running:
    """A keeper at a socket, whose clock stands still until a test moves it."""

    path: Path
    seconds: list[float] = field(default_factory=lambda: [0.0])

    def visit(self, says: bytes = b"") -> socket.socket:
        """Connect, say that, and then nothing more."""
        visitor = socket.socket(socket.AF_UNIX)
        visitor.settimeout(10)
        visitor.connect(str(self.path))
        visitor.sendall(says)
        return visitor

    def is_answered(self) -> bool:
        """Ask as the portal does."""
        return KeeperClient(self.path).check("alice", "1", "") == Granted("alice")


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "keeper")
    server = KeeperServer(
        cast("Any", GrantingKeeper()),
        allowed_uids=frozenset({os.geteuid()}),
        before_each=lambda: None,
        monotonic=lambda: running.seconds[0],
    )
    thread = threading.Thread(target=server.serve, args=(open_socket(running.path, None),))
    thread.start()
    yield running
    server.stop()
    thread.join()


def is_hung_up_on(visitor: socket.socket) -> bool:
    """Wait for the other side to hang up."""
    try:
        return visitor.recv(1) == b""
    except ConnectionResetError:
        return True


def close(visitors: list[socket.socket]) -> None:
    for visitor in visitors:
        visitor.close()


@pytest.mark.parametrize("says", [b"", b"\x00", QUESTION[:-1]])
def test_a_question_is_answered_while_others_are_silent_or_stop_in_their_midst(keeper: Running, says: bytes) -> None:
    silent = [keeper.visit(says) for _ in range(2 * MOST_AT_ONCE)]
    assert keeper.is_answered()
    silent[0].sendall(QUESTION[len(says) :])
    assert b"granted" in silent[0].recv(4096), "it was still listened to"
    close(silent)


def test_the_oldest_silent_one_makes_room_for_who_comes(keeper: Running) -> None:
    silent = [keeper.visit() for _ in range(MOST_SILENT + 3)]
    assert keeper.is_answered()
    assert [is_hung_up_on(visitor) for visitor in silent[:3]] == [True] * 3
    silent[-1].sendall(QUESTION)
    assert b"granted" in silent[-1].recv(4096)
    close(silent)


def test_whoever_is_silent_for_too_long_is_hung_up_on(keeper: Running) -> None:
    silent = [keeper.visit(b"\x00") for _ in range(3)]
    assert keeper.is_answered()
    keeper.seconds[0] += QUESTION_SECONDS
    assert keeper.is_answered()
    assert [is_hung_up_on(visitor) for visitor in silent] == [True] * 3
    close(silent)


def test_a_question_that_comes_octet_by_octet_is_understood(keeper: Running) -> None:
    slow = keeper.visit()
    for octet in QUESTION:
        slow.sendall(bytes([octet]))
    assert b"granted" in slow.recv(4096)
    slow.close()


def test_a_keeper_that_stops_hangs_up_on_the_silent(tmp_path: Path) -> None:
    running = Running(tmp_path / "keeper")
    server = KeeperServer(
        cast("Any", GrantingKeeper()), allowed_uids=frozenset({os.geteuid()}), before_each=lambda: None, monotonic=float
    )
    thread = threading.Thread(target=server.serve, args=(open_socket(running.path, None),))
    thread.start()
    silent = running.visit(b"\x00")
    assert running.is_answered()
    server.stop()
    thread.join()
    assert is_hung_up_on(silent)
    silent.close()
