"""A sender's packets wait in one lane: its flood takes no room from those in others."""

import ipaddress
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.harness.ports import free_udp_port
from watchword_radius import lanes
from watchword_radius.lanes import LANES, MOST_SOCKETS, open_lanes

SENDERS = [f"127.0.0.{number}" for number in range(1, 65)]
PORTS_OF_EACH = 20
LARGE = bytes(4096)

CHOSEN = "2001:db8:0:7::25", "2a02:1234:5678:9abc:200:0:5e7b:8512"
"""Two addresses whose words, taken together by XOR, are the same."""


class Opened:
    """The sockets of some workers on one port of loopback."""

    def __init__(self, workers: list[list[socket.socket]], port: int) -> None:
        self.workers = workers
        self.port = port

    def came_in(self) -> list[tuple[int, int]]:
        """Take all that has come: of each packet, in which worker's lane it was."""
        places = []
        for worker, sockets in enumerate(self.workers):
            for lane, bound in enumerate(sockets):
                while True:
                    try:
                        bound.recv(8192)
                    except BlockingIOError:
                        break
                    places.append((worker, lane))
        return places

    def send_from(self, sender: str, *, ports: int = 1, packets: int = 1, payload: bytes = b"x") -> None:
        """Send packets to the port from so many ports of an address."""
        for _ in range(ports):
            with sending_from(sender) as sending:
                for _ in range(packets):
                    sending.sendto(payload, ("127.0.0.1", self.port))


@contextmanager
def sending_from(sender: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.bind((sender, 0))
        yield sending


@contextmanager
def opened(workers: int) -> Iterator[Opened]:
    port = free_udp_port()
    sockets = open_lanes([f"127.0.0.1:{port}"], workers)
    with ExitStack() as undo:
        for bound in (bound for theirs in sockets for bound in theirs):
            undo.enter_context(bound)
        yield Opened(sockets, port)


def test_an_address_has_one_lane_whatever_port_it_sends_from_and_many_have_many() -> None:
    lanes_used = set()
    with opened(workers=1) as server:
        for sender in SENDERS:
            server.send_from(sender, ports=PORTS_OF_EACH)
            places = server.came_in()
            assert len(places) == PORTS_OF_EACH
            assert len(set(places)) == 1
            lanes_used.add(places[0])
    assert len(lanes_used) > LANES // 2


def test_a_port_of_an_address_has_one_worker_and_many_have_all() -> None:
    with opened(workers=3) as server:
        workers_used = set()
        for _ in range(60):
            server.send_from(SENDERS[0], packets=3)
            places = server.came_in()
            assert len(places) == 3
            assert len(set(places)) == 1
            workers_used.add(places[0][0])
    assert workers_used == {0, 1, 2}


def test_a_lane_that_is_full_loses_its_own_packets_and_nobody_elses() -> None:
    with opened(workers=1) as server:
        lane_of = {}
        for sender in SENDERS:
            server.send_from(sender)
            ((_, lane_of[sender]),) = server.came_in()
        attacker = SENDERS[0]
        others = [sender for sender in SENDERS if lane_of[sender] != lane_of[attacker]]
        server.send_from(attacker, packets=3000, payload=LARGE)
        for sender in others:
            server.send_from(sender)
        came = [lane for _, lane in server.came_in()]
    assert came.count(lane_of[attacker]) < 3000
    assert sorted(lane for lane in came if lane != lane_of[attacker]) == sorted(lane_of[sender] for sender in others)


@pytest.mark.parametrize("shared", [False, True])
def test_an_address_that_another_server_has_is_refused(*, shared: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        other.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            open_lanes([f"127.0.0.1:{other.getsockname()[1]}"], workers=2)


def test_an_ipv6_sender_has_one_lane_too() -> None:
    port = free_udp_port()
    (sockets,) = open_lanes([f"[::1]:{port}"], workers=1)
    with ExitStack() as undo:
        for bound in sockets:
            undo.enter_context(bound)
        for _ in range(PORTS_OF_EACH):
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sending:
                sending.sendto(b"x", ("::1", port))
        places = Opened([sockets], port).came_in()
    assert len(places) == PORTS_OF_EACH
    assert len(set(places)) == 1


def test_what_was_opened_is_closed_if_a_later_address_is_taken() -> None:
    free = free_udp_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use") as error:
            open_lanes([f"127.0.0.1:{free}", f"127.0.0.1:{other.getsockname()[1]}"], workers=1)
    for bound in (bound for theirs in open_lanes([f"127.0.0.1:{free}"], workers=1) for bound in theirs):
        bound.close()
    assert error.value.errno is not None  # kept until here, with all that its traceback holds


@pytest.mark.parametrize("option", ["_SO_ATTACH_REUSEPORT_CBPF", "_SO_ATTACH_FILTER"])
def test_a_kernel_that_sets_up_no_lanes_is_said_and_served(
    option: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lanes, option, 32767)
    with opened(workers=2) as server:
        for sender in SENDERS:
            server.send_from(sender)
        assert len(server.came_in()) == len(SENDERS)
    assert "sets up no lanes" in caplog.text


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_the_program_names_every_place_and_none_beyond(family: socket.AddressFamily) -> None:
    senders = [secrets.token_bytes(16 if family == socket.AF_INET6 else 4) for _ in range(2000)]
    program = lanes._program(family, 3, 5)
    places = {place_of(program, sender, number) for number, sender in enumerate(senders)}
    assert places == set(range(15))


def test_no_address_can_be_chosen_to_share_a_lane_at_each_start() -> None:
    victim, attacker = (ipaddress.ip_address(it).packed for it in CHOSEN)
    programs = [lanes._program(socket.AF_INET6, 1, LANES) for _ in range(200)]
    shared = sum(place_of(program, victim, 1) == place_of(program, attacker, 1) for program in programs)
    assert shared < 50  # by chance, one in sixteen


def test_nodes_whose_numbers_stand_twice_in_their_addresses_have_many_lanes() -> None:
    nodes = [ipaddress.ip_address(f"2001:db8:0:{number:x}::{number:x}").packed for number in range(1, 65)]
    program = lanes._program(socket.AF_INET6, 1, LANES)
    assert len({place_of(program, node, 1) for node in nodes}) > LANES // 2


def test_nodes_that_all_send_from_one_port_have_many_workers() -> None:
    nodes = [ipaddress.ip_address(f"10.0.0.{number}").packed for number in range(1, 65)]
    program = lanes._program(socket.AF_INET, 4, 1)
    assert {place_of(program, node, 1812) for node in nodes} == {0, 1, 2, 3}


def test_what_is_sent_to_all_waits_in_one_place() -> None:
    port = free_udp_port()
    workers = open_lanes([f"0.0.0.0:{port}"], workers=2)
    with ExitStack() as undo:
        for bound in (bound for theirs in workers for bound in theirs):
            undo.enter_context(bound)
        for sender in SENDERS:
            with sending_from(sender) as sending:
                sending.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                sending.sendto(b"x", ("127.255.255.255", port))
        assert len(Opened(workers, port).came_in()) == len(SENDERS)


def place_of(steps: list[lanes.Step], sender: bytes, port: int) -> int:
    """Run a program on a packet's sender."""
    first, port_at = (12, 20) if len(sender) == 4 else (8, 40)
    header = {first + at: int.from_bytes(sender[at : at + 4], "big") for at in range(0, len(sender), 4)}
    return run([*steps, (0x16, 0)], header | {port_at: port})


def run(steps: list[lanes.Step], header: dict[int, int]) -> int:
    """Interpret a program as the kernel does (Documentation/networking/filter.rst), on words of an IP header."""
    accumulator = index = 0
    memory = [0] * 16
    for code, operand in steps:
        match code:
            case 0x20 | 0x28:
                accumulator = header[operand - lanes._NETWORK_HEADER]
            case 0x24:
                accumulator *= operand
            case 0x74:
                accumulator >>= operand
            case 0xAC:
                accumulator ^= index
            case 0x0C:
                accumulator += index
            case 0x02:
                memory[operand] = accumulator
            case 0x61:
                index = memory[operand]
            case 0x16:
                return accumulator
        accumulator &= 0xFFFFFFFF
    raise AssertionError("the program has no end")


def test_there_are_never_more_sockets_than_a_process_may_have_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MOST_SOCKETS", 12)
    with opened(workers=4) as server:
        assert [len(sockets) for sockets in server.workers] == [3] * 4
    monkeypatch.setattr(lanes, "MOST_SOCKETS", 3)
    with opened(workers=4) as server:
        assert [len(sockets) for sockets in server.workers] == [1] * 4
    assert MOST_SOCKETS < 1024
