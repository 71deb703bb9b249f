"""A wire between two programs that can be listened to."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from tests.harness.ports import LOOPBACK, free_tcp_port


class TcpRelay:
    """Passes connections to its own port on to another one of loopback, and remembers what passed."""

    def __init__(self, target_port: int) -> None:
        self.port = free_tcp_port()
        self._target_port = target_port
        self._streams: list[bytearray] = []
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((LOOPBACK, self.port))
        self._acceptor = _started(self._accept)

    @property
    def streams(self) -> list[bytes]:
        """What passed so far, each direction of each connection by itself."""
        return [bytes(stream) for stream in self._streams]

    def close(self) -> None:
        """Cut every connection, and take no other; do nothing if that is done."""
        _cut(self._listener)
        self._acceptor.join()
        for each in self._sockets:
            _cut(each)
        for thread in self._threads:
            thread.join()
        for each in [self._listener, *self._sockets]:
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                called = socket.create_connection((LOOPBACK, self._target_port))
                self._sockets += [caller, called]
                self._threads.append(_started(partial(self._pass_on, caller, called)))
                self._threads.append(_started(partial(self._pass_on, called, caller)))

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        stream = bytearray()
        self._streams.append(stream)
        with suppress(OSError):
            while data := source.recv(65536):
                stream += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def _cut(one: socket.socket) -> None:
    with suppress(OSError):  # not connected any more
        one.shutdown(socket.SHUT_RDWR)


def _started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@contextmanager
def relayed(target_port: int) -> Iterator[TcpRelay]:
    """Give a relay to a port that works as long as the block."""
    relay = TcpRelay(target_port)
    try:
        yield relay
    finally:
        relay.close()
