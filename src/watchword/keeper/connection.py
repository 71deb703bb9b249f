"""One connection between portal and keeper: whole messages within a time, and who is at the other end."""

import socket
import struct
from typing import NamedTuple

from watchword.clock import Clock
from watchword.keeper.wire import Receive

_CREDENTIALS = struct.Struct("3i")


class Peer(NamedTuple):
    """The process at the other end of a socket, as the kernel knows it (SO_PEERCRED, unix(7))."""

    pid: int
    uid: int
    gid: int


def peer_of(connection: socket.socket) -> Peer:
    """Ask the kernel who connected."""
    return Peer(*_CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)))


def receiver(connection: socket.socket, seconds: float, monotonic: Clock) -> Receive:
    """Make what receives exactly so many octets, all of them within `seconds` from now, or raises OSError."""
    ends_at = monotonic() + seconds

    def receive(count: int) -> bytes:
        octets = bytearray()
        while len(octets) < count:
            left = ends_at - monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            connection.settimeout(left)
            some = connection.recv(count - len(octets))
            if not some:
                raise ConnectionResetError("the other side hung up")
            octets += some
        return bytes(octets)

    return receive
