"""What passes over loopback, seen from outside of both ends. Needs CAP_NET_RAW.

The kernel hands a copy of each datagram to the tap: also of one that nobody waits for any more.
"""

import ctypes
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

ETH_P_IP = 0x0800
PACKET_HOST = 0  # loopback shows each packet twice: as it leaves, and as it comes in
SOL_PACKET, PACKET_STATISTICS = 263, 6
SO_RCVBUFFORCE, SO_ATTACH_FILTER = 33, 26
BUFFER_OCTETS = 64 * 2**20
POLL_SECONDS = 0.2
UDP_HEADER = 8

# Classic BPF (linux/filter.h)
_LOAD_BYTE, _LOAD_HALF, _JUMP_IF_EQUAL, _RETURN = 0x30, 0x28, 0x15, 0x06


class Datagram(NamedTuple):
    """One UDP datagram of loopback; `at` is monotonic."""

    at: float
    source_port: int
    target_port: int
    data: bytes


class Wiretap:
    """Collects the datagrams that come from, or go to, some ports."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_OCTETS)
        self._attach(_filter(ports))
        self._socket.bind(("lo", ETH_P_IP))
        self._socket.settimeout(POLL_SECONDS)
        self._datagrams: list[Datagram] = []
        self._closing = False
        self._thread = threading.Thread(target=self._listen, name="wiretap", daemon=True)
        self._thread.start()

    def _attach(self, program: list[bytes]) -> None:
        code = ctypes.create_string_buffer(b"".join(program))
        whole = struct.pack("HL", len(program), ctypes.addressof(code))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, whole)

    @property
    def count(self) -> int:
        """How many datagrams have passed since the last `take`."""
        return len(self._datagrams)

    def take(self) -> list[Datagram]:
        """Hand over what has passed since the last time; raises AssertionError if the kernel had to drop any."""
        seen, missed = struct.unpack("II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        if missed:
            raise AssertionError(f"the tap missed {missed} of {seen} datagrams")
        taken, self._datagrams = self._datagrams, []
        return taken

    def close(self) -> None:
        """Stop listening."""
        self._closing = True
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._closing:
            try:
                packet, address = self._socket.recvfrom(65536)
            except TimeoutError:
                continue
            if address[2] == PACKET_HOST:
                header = (packet[0] & 0x0F) * 4
                source, target = struct.unpack("!HH", packet[header : header + 4])
                self._datagrams.append(Datagram(time.monotonic(), source, target, packet[header + UDP_HEADER :]))


def _filter(ports: Sequence[int]) -> list[bytes]:
    """Compose what lets UDP of these ports pass, and nothing else: databases talk over loopback, too."""
    count = len(ports)
    # An IPv4 header of 20 octets, as Linux writes it; octet 9 says UDP, the ports follow the header.
    program = [_instruction(_LOAD_BYTE, 0, 0, 9), _instruction(_JUMP_IF_EQUAL, 0, 2 * count + 2, 17)]
    program.append(_instruction(_LOAD_HALF, 0, 0, 20))
    program += [_instruction(_JUMP_IF_EQUAL, 2 * count - index + 1, 0, port) for index, port in enumerate(ports)]
    program.append(_instruction(_LOAD_HALF, 0, 0, 22))
    program += [_instruction(_JUMP_IF_EQUAL, count - index, 0, port) for index, port in enumerate(ports)]
    program.append(_instruction(_RETURN, 0, 0, 0))
    program.append(_instruction(_RETURN, 0, 0, 0xFFFF))
    return program


def _instruction(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


@contextmanager
def wiretap(ports: Sequence[int]) -> Iterator[Wiretap]:
    """Give a tap that listens as long as the block."""
    tap = Wiretap(ports)
    try:
        yield tap
    finally:
        tap.close()
