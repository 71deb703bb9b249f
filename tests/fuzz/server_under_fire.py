"""A real server, over UDP, under packets by the hundred thousand that nobody meant."""

import itertools
import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.mutation import Mutator
from tests.fuzz.packets import ATTRIBUTES, BODIES, DATAGRAMS, LARGEST_PACKET, PROXY_STATE, attribute, signed
from tests.harness.ports import LOOPBACK
from tests.harness.radius_server import RadiusServer

PACKETS_BETWEEN_LOOKS = 100
"""Few enough to lie in the socket's buffer, so that the server reads each of them."""

SIGNED_SHARE = 0.05
"""Of packets that a client signed; each of them costs a transaction."""

PATIENCE_SECONDS = 30.0
LOGGED_TOO_MUCH = 200
"""Lines. The server complains of at most 20 senders or reasons in ten seconds."""

TRACES = ("Traceback", "could not be answered", "could not be read", "failed:")
"""What the log says when an exception came as far as the edge."""


@dataclass(frozen=True)
class Endurance:
    """What became of the server."""

    packets: int
    memory_before: int
    memory_after: int
    """Octets that are resident."""
    log_lines: int


def endure(server: RadiusServer, packets: int, number: int = 1) -> Endurance:
    """Send packets, and see that the server goes on; raises AssertionError if it stumbles, TimeoutError if it hangs."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((LOOPBACK, server.port))
        client.settimeout(PATIENCE_SECONDS)
        before = resident_octets(server)
        hostile = _hostile_packets(server.secret.encode(), number)
        for start in range(0, packets, PACKETS_BETWEEN_LOOKS):
            for datagram in itertools.islice(hostile, min(PACKETS_BETWEEN_LOOKS, packets - start)):
                client.send(datagram)
            await_status(client, server.secret.encode(), start // PACKETS_BETWEEN_LOOKS)
        text = server.server.log_text()
        assert server.server.is_running
        assert [line for line in text.splitlines() if any(trace in line for trace in TRACES)] == []
        return Endurance(packets, before, resident_octets(server), text.count("\n"))


def _hostile_packets(secret: bytes, number: int) -> Iterator[bytes]:
    draw = random.Random(number)
    datagrams, bodies = Mutator(DATAGRAMS, ATTRIBUTES, number), Mutator(BODIES, ATTRIBUTES, number)
    for identifier in itertools.count():
        if draw.random() < SIGNED_SHARE:
            body = bodies.next_input()[: LARGEST_PACKET - 38]
            yield signed(body, identifier=identifier % 256, secret=secret, authenticator=draw.randbytes(16))
        else:
            yield datagrams.next_input()[:LARGEST_PACKET]


def await_status(client: socket.socket, secret: bytes, turn: int) -> None:
    """Ask whether the server is alive, and pass over what it says to others until it answers."""
    # A number that comes back, in an authenticator that is new each time: else the last answer would come again.
    number = turn.to_bytes(16, "big")
    client.send(signed(attribute(PROXY_STATE, number), code=12, secret=secret, authenticator=number))
    while attribute(PROXY_STATE, number) not in client.recv(LARGEST_PACKET):
        pass


def resident_octets(server: RadiusServer) -> int:
    """Look up how much memory a server holds."""
    status = Path(f"/proc/{server.server.pid}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
