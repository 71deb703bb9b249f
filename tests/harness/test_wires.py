"""What the tests of broken networks and clocks stand on must itself stand."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.harness.fake_clock import FakeClock
from tests.harness.ports import LOOPBACK
from tests.harness.udp_proxy import Address, Delivery, udp_proxies
from tests.harness.wiretap import Wiretap, wiretap


def bound() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((LOOPBACK, 0))
    opened.settimeout(10)
    return opened


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with bound() as opened:
        yield opened


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with bound() as opened:
        yield opened


def wait_for(tap: Wiretap, count: int) -> None:
    deadline = time.monotonic() + 10
    while tap.count < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_tap_hears_both_ways_once_and_no_other_port(server: socket.socket, client: socket.socket) -> None:
    port, who = server.getsockname()[1], client.getsockname()
    with bound() as stranger, wiretap([port, port + 1]) as tap:
        stranger.sendto(b"not for us", who)
        client.sendto(b"asked", (LOOPBACK, port))
        server.sendto(b"answered", who)
        wait_for(tap, 2)
        heard = [(one.source_port, one.target_port, one.data) for one in tap.take()]
    assert heard == [(who[1], port, b"asked"), (port, who[1], b"answered")]


def test_the_tap_hears_what_nobody_receives(client: socket.socket) -> None:
    with bound() as gone:
        port = gone.getsockname()[1]
    with wiretap([port]) as tap:
        client.sendto(b"too late", (LOOPBACK, port))
        wait_for(tap, 1)
        assert tap.take()[0].data == b"too late"
        assert tap.count == 0


def test_a_proxy_passes_on_both_ways_and_keeps_clients_apart(server: socket.socket, client: socket.socket) -> None:
    with bound() as other, udp_proxies([server.getsockname()[1]]) as (proxy,):
        seen = []
        for sender in (client, other, client):
            sender.sendto(b"ping", (LOOPBACK, proxy.port))
            data, who = server.recvfrom(100)
            seen.append(who)
            server.sendto(b"pong", who)
            assert (data, sender.recv(100)) == (b"ping", b"pong")
    assert seen[0] == seen[2] != seen[1]


def test_a_proxy_does_what_it_is_told(server: socket.socket, client: socket.socket) -> None:
    def mischief(data: bytes, from_client: bool, _client: Address) -> Iterable[Delivery]:
        yield Delivery(b"second", to_client=False, after_seconds=0.05)
        yield Delivery(data[:5], to_client=False)
        yield Delivery(b"forged", to_client=True)

    with udp_proxies([server.getsockname()[1]], mischief) as (proxy,):
        client.sendto(b"first, and more", (LOOPBACK, proxy.port))
        assert [server.recv(100), server.recv(100)] == [b"first", b"second"]
        assert client.recv(100) == b"forged"


def test_a_false_clock_moves_while_its_program_runs_and_leaves_what_only_goes_forward_alone(tmp_path: Path) -> None:
    (tmp_path / "clocked.py").write_text(
        "import sys, time\nfor line in sys.stdin:\n    print(int(time.time()), int(time.monotonic()), flush=True)\n"
    )
    clock = FakeClock(tmp_path / "clock")
    argv = [str(word) for word in clock.command("clocked")]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(tmp_path)}
    ) as program:
        assert program.stdin is not None and program.stdout is not None
        for seconds_off in (0, 1000, -1000):
            clock.set(seconds_off)
            program.stdin.write("\n")
            program.stdin.flush()
            wall, forward = map(int, program.stdout.readline().split())
            assert wall - time.time() - seconds_off == pytest.approx(0, abs=100)
            assert forward - time.monotonic() == pytest.approx(0, abs=100)
        program.stdin.close()
    assert program.returncode == 0
    assert sys.executable in argv
