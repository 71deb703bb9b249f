"""A relay for UDP that does to datagrams what it is told: loses, doubles, delays, alters them, or adds its own."""

import heapq
import itertools
import selectors
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from tests.harness.ports import LOOPBACK

Address = tuple[str, int]

MOST_CLIENTS = 400
"""Whoever has been silent longest is forgotten: each login asks from a port of its own."""
LARGEST_DATAGRAM = 65536
LONGEST_PAUSE_SECONDS = 0.2


class Delivery(NamedTuple):
    """A datagram on its way, to the client or to the server."""

    data: bytes
    to_client: bool
    after_seconds: float = 0.0


Mischief = Callable[[bytes, bool, Address], Iterable[Delivery]]
"""Answers what becomes of a datagram: (data, whether it comes from the client, who the client is)."""


def faithful(data: bytes, from_client: bool, _client: Address) -> Iterable[Delivery]:
    """Pass everything on."""
    return [Delivery(data, to_client=not from_client)]


class UdpProxy:
    """Stands before one server; `port` is where clients find it."""

    def __init__(self, server_port: int, mischief: Mischief = faithful) -> None:
        self.mischief = mischief
        self._server: Address = (LOOPBACK, server_port)
        self._front = self._open()
        self._front.bind((LOOPBACK, 0))
        self.port: int = self._front.getsockname()[1]
        self._behind: OrderedDict[Address, socket.socket] = OrderedDict()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._front, selectors.EVENT_READ, None)
        self._waiting: list[tuple[float, int, Address, Delivery]] = []
        self._order = itertools.count()
        self._closing = False
        self._thread = threading.Thread(target=self._relay, name="udp-proxy", daemon=True)
        self._thread.start()

    @staticmethod
    def _open() -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setblocking(False)
        return opened

    def close(self) -> None:
        """Stop relaying; what is on its way is lost."""
        self._closing = True
        self._thread.join()
        self._selector.close()
        for opened in (self._front, *self._behind.values()):
            opened.close()

    def _relay(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select(self._pause_seconds()):
                self._receive(key.data)
            self._deliver_due()

    def _pause_seconds(self) -> float:
        until = self._waiting[0][0] - time.monotonic() if self._waiting else LONGEST_PAUSE_SECONDS
        return min(max(until, 0), LONGEST_PAUSE_SECONDS)

    def _receive(self, client: Address | None) -> None:
        """Read what a client has sent, or, for a known client, what the server has answered it."""
        with suppress(OSError):  # nobody listens behind us: the client finds out by silence
            if client is None:
                data, who = self._front.recvfrom(LARGEST_DATAGRAM)
            else:
                data, who = self._behind[client].recv(LARGEST_DATAGRAM), client
            for delivery in self.mischief(data, client is None, who):
                due = time.monotonic() + delivery.after_seconds
                heapq.heappush(self._waiting, (due, next(self._order), who, delivery))

    def _deliver_due(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            _, _, client, delivery = heapq.heappop(self._waiting)
            with suppress(OSError):
                if delivery.to_client:
                    self._front.sendto(delivery.data, client)
                else:
                    self._socket_of(client).send(delivery.data)

    def _socket_of(self, client: Address) -> socket.socket:
        """Return the socket through which the server sees this client, always the same one."""
        if client in self._behind:
            self._behind.move_to_end(client)
            return self._behind[client]
        if len(self._behind) >= MOST_CLIENTS:
            _, oldest = self._behind.popitem(last=False)
            self._selector.unregister(oldest)
            oldest.close()
        opened = self._open()
        opened.connect(self._server)
        self._selector.register(opened, selectors.EVENT_READ, client)
        self._behind[client] = opened
        return opened


@contextmanager
def udp_proxies(server_ports: Iterable[int], mischief: Mischief = faithful) -> Iterator[list[UdpProxy]]:
    """Give a proxy for each server."""
    proxies = [UdpProxy(port, mischief) for port in server_ports]
    try:
        yield proxies
    finally:
        for proxy in proxies:
            proxy.close()
