"""Senders of packets that nobody asked for, in processes of their own, as fast as the machine lets them."""

from __future__ import annotations

import multiprocessing
import os
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fuzz.mutation import Mutator
from tests.fuzz.packets import ATTRIBUTES, BODIES, DATAGRAMS, USER_NAME, USER_PASSWORD, attribute, hidden, signed
from tests.harness.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.sharedctypes import Synchronized
    from multiprocessing.synchronize import Event

DIFFERENT_PACKETS = 5000
DIFFERENT_LOGINS = 100_000
"""More than a server remembers replies: each is settled anew."""

PACKETS_BETWEEN_COUNTS = 500

STRANGER = "127.0.0.9"
"""An address that is no client's."""

NEIGHBOURS = [f"127.0.0.{number}" for number in range(2, 8)]
"""Addresses of clients, from which nobody logs in."""


def rubbish() -> list[bytes]:
    """Make packets that are none, or none of ours."""
    return list(Mutator(DATAGRAMS, ATTRIBUTES, number=1).inputs(DIFFERENT_PACKETS))


def wrongly_signed() -> list[bytes]:
    """Make logins that are right but for the secret."""
    return [
        signed(BODIES[4], identifier=number % 256, secret=b"guessed", authenticator=os.urandom(16))
        for number in range(DIFFERENT_PACKETS)
    ]


def rightly_signed(secret: str) -> list[bytes]:
    """Make wrong codes for names of nobody, as a node sends them whose secret is in the wrong hands."""
    return [
        signed(
            attribute(USER_NAME, b"nobody%d" % number) + attribute(USER_PASSWORD, hidden(b"123456")),
            identifier=number % 256,
            secret=secret.encode("ascii"),
            authenticator=os.urandom(16),
        )
        for number in range(DIFFERENT_LOGINS)
    ]


@dataclass
class Flood:
    """A flood, and how many packets it has sent."""

    sent: Synchronized[int]
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Packets a second."""
        return self.sent.value / self.seconds if self.seconds else 0.0

    def await_packets(self, count: int) -> None:
        """Wait until so many have been sent."""
        while self.sent.value < count:
            time.sleep(0.01)


@contextmanager
def flood(port: int, make: Callable[[], Sequence[bytes]], source: str = LOOPBACK) -> Iterator[Flood]:
    """Send packets from an address, without a pause, as long as the block."""
    context = multiprocessing.get_context("spawn")
    sent, stop, begun = context.Value("Q", 0), context.Event(), context.Event()
    sender = context.Process(target=_send, args=(port, make, source, sent, stop, begun))
    sender.start()
    begun.wait()
    running = Flood(sent)
    start = time.monotonic()
    try:
        yield running
    finally:
        stop.set()
        sender.join()
        running.seconds = time.monotonic() - start


def _send(
    port: int, make: Callable[[], Sequence[bytes]], source: str, sent: Synchronized[int], stop: Event, begun: Event
) -> None:
    packets = make()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        sender.connect((LOOPBACK, port))
        # What the server answers is of no interest, and must not wait in a buffer.
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        begun.set()
        while not stop.is_set():
            for start in range(0, len(packets), PACKETS_BETWEEN_COUNTS):
                for packet in packets[start : start + PACKETS_BETWEEN_COUNTS]:
                    sender.send(packet)
                sent.value += len(packets[start : start + PACKETS_BETWEEN_COUNTS])
