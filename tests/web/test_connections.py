"""Connections that ask nothing keep nobody's request from being answered."""

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from tests.harness.ports import LOOPBACK, free_tcp_port
from watchword.portal import connections
from watchword.portal.connections import BoundedConnection

MOST = 20

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
HALF = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Read all of a request, and answer; `/wait` once it is hung up on."""
    if scope["type"] != "http":
        return
    while (message := await receive()).get("more_body"):
        pass
    if scope["path"] == "/wait":
        await receive()
    status = 200 if message["type"] == "http.request" else 400
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def port() -> Iterator[int]:
    """Where a server listens that takes 20 connections."""
    port = free_tcp_port()
    server = uvicorn.Server(
        uvicorn.Config(answer, LOOPBACK, port, http=BoundedConnection, limit_concurrency=MOST, log_level="error")
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    yield port
    server.should_exit = server.force_exit = True  # whatever is still held
    thread.join()


def connect(port: int, says: bytes = b"") -> socket.socket:
    connection = socket.create_connection((LOOPBACK, port), timeout=20)
    connection.sendall(says)
    return connection


def ask(port: int) -> int:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=20)
    connection.request("GET", "/")
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize(("says", "rest"), [(b"", HEAD + b"\r\n"), (HEAD, b"\r\n"), (HALF, b"01234")])
def test_requests_are_answered_while_far_more_connections_ask_nothing(
    port: int, says: bytes, rest: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr(connections, "HEAD_SECONDS", 1000.0)
    idle = [connect(port, says) for _ in range(3 * MOST)]
    assert [ask(port) for _ in range(5)] == [200] * 5
    answered = [comes_to_its_end(connection, rest) for connection in idle]
    assert 0 < sum(answered) < MOST, "some made room, and the others are still listened to"
    for connection in idle:
        connection.close()


def comes_to_its_end(connection: socket.socket, rest: bytes) -> bool:
    """Send the rest of a request; tell whether it is answered."""
    try:
        connection.sendall(rest)
        return b"200 OK" in connection.recv(100)
    except (ConnectionResetError, BrokenPipeError):
        return False


def test_a_request_in_work_is_never_hung_up_on_for_others(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    working = connect(port, b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    kept = http.client.HTTPConnection(LOOPBACK, port, timeout=20)
    kept.request("GET", "/")
    assert kept.getresponse().read() == b"ok"
    monkeypatch.setattr(connections, "GRACE_SECONDS", 0.0)
    idle = [connect(port) for _ in range(2 * MOST)]
    assert ask(port) == 200
    working.settimeout(0.05)
    with pytest.raises(TimeoutError):
        working.recv(1)
    for connection in (working, *idle):
        connection.close()
    kept.close()


def test_too_many_requests_in_work_are_told_so(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "GRACE_SECONDS", 1000.0)
    working = [connect(port, b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(MOST)]
    assert ask(port) == 503
    for connection in working:
        connection.close()


@pytest.mark.parametrize(
    "says",
    [
        b"",
        HEAD,
        HALF,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET",
    ],
)
def test_a_request_that_does_not_come_to_its_end_is_not_waited_for_for_ever(
    port: int, says: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.1)
    connection = connect(port)
    came = b""
    # On a busy machine the time may be over before anything is said.
    with suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(says)
        while some := connection.recv(4096):
            came += some
    assert came == b"" or b"200 OK" in came
    connection.close()


def test_octets_that_trickle_gain_no_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    connection = connect(port)
    connection.settimeout(0.05)
    assert trickle(connection) < 10_000
    connection.close()


def trickle(connection: socket.socket) -> int:
    """Send octets until the other side hangs up; answers how many went."""
    for sent in range(10_000):
        try:
            connection.sendall(b"G")
            if connection.recv(1) == b"":
                return sent
        except TimeoutError:
            continue
        except (ConnectionResetError, BrokenPipeError):
            return sent
    return 10_000
