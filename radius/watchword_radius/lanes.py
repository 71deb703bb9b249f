"""Sockets in lanes: a sender's packets wait in one of sixteen buffers, so that its flood fills that one and no other.

The kernel asks a small program (classic BPF, socket(7), SO_ATTACH_REUSEPORT_CBPF) in which socket of a port a packet is
to wait. Ours goes by the sender's address for the lane, and by its port for the worker: a login's packets come from one
port, and so does what is sent again, which the worker that settled it knows.
"""

import ctypes
import logging
import secrets
import socket
import struct
from collections.abc import Sequence

from watchword.settings import split_address

LANES = 16
"""Of each worker, on each address. Who shares one is drawn anew at each start."""

MOST_SOCKETS = 512
"""In all: with more workers and addresses, there are fewer lanes. A process may have 1024 files open."""

RECEIVE_BUFFER_OCTETS = 4 * 1024 * 1024

log = logging.getLogger(__name__)

_SO_ATTACH_REUSEPORT_CBPF = 51
"""Linux since 4.5; Python has no name for it."""

# linux/bpf_common.h: class, size or operation, mode or source
_LOAD_WORD, _LOAD_HALF = 0x20, 0x28
_MULTIPLY, _SHIFT_RIGHT, _XOR_X, _ADD_X = 0x24, 0x74, 0xAC, 0x0C
_STORE, _LOAD_X, _RETURN = 0x02, 0x61, 0x16

_NETWORK_HEADER = 0xFFF00000
"""SKF_NET_OFF of linux/filter.h, -0x100000: offsets from here count from the IP header."""

# Where words of the sender's address stand in the header, and its port after it.
_IPV4_ADDRESS, _IPV4_PORT = (12,), 20
_IPV6_ADDRESS, _IPV6_PORT = (8, 12, 16, 20), 40

Step = tuple[int, int]
"""An instruction and its operand; none jumps."""


def open_lanes(listen: Sequence[str], workers: int) -> list[list[socket.socket]]:
    """Bind UDP sockets to each address, and answer those of each worker; raises OSError if an address is taken."""
    lanes = max(1, min(LANES, MOST_SOCKETS // (workers * len(listen))))
    of_workers: list[list[socket.socket]] = [[] for _ in range(workers)]
    for address in listen:
        host, port = split_address(address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Alone at first: another server on this address would be welcome among those that share it.
        _bind(family, host, port, shared=False).close()
        group = [_bind(family, host, port, shared=True) for _ in range(workers * lanes)]
        _assign_lanes(group[0], _program(family, workers, lanes))
        for worker in range(workers):
            of_workers[worker] += group[worker * lanes : (worker + 1) * lanes]
    return of_workers


def _bind(family: socket.AddressFamily, host: str, port: int, *, shared: bool) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_OCTETS)
        bound.setblocking(False)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def _assign_lanes(one_of_group: socket.socket, steps: list[Step]) -> None:
    """Have a program say which socket of a group, in the order in which they were bound, a packet is to wait in."""
    packed = b"".join(struct.pack("=HBBI", code, 0, 0, operand) for code, operand in steps)
    program = ctypes.create_string_buffer(packed, len(packed))
    try:
        one_of_group.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, struct.pack("@HP", len(steps), ctypes.addressof(program))
        )
    except OSError as error:
        # It answers all the same; the kernel spreads each sender over all lanes.
        log.warning("a flood will take the room of all senders: this kernel knows no lanes (%s)", error.strerror)


def _program(family: socket.AddressFamily, workers: int, lanes: int) -> list[Step]:
    """Write the program that answers `worker * lanes + lane`."""
    words, port = (_IPV6_ADDRESS, _IPV6_PORT) if family == socket.AF_INET6 else (_IPV4_ADDRESS, _IPV4_PORT)
    steps: list[Step] = [(_LOAD_WORD, _NETWORK_HEADER + words[0])]
    for word in words[1:]:
        steps += [(_STORE, 0), (_LOAD_X, 0), (_LOAD_WORD, _NETWORK_HEADER + word), (_XOR_X, 0)]
    steps += [*_scatter(lanes), (_STORE, 0)]
    steps += [(_LOAD_HALF, _NETWORK_HEADER + port), *_scatter(workers), (_MULTIPLY, lanes)]
    return [*steps, (_LOAD_X, 0), (_ADD_X, 0), (_RETURN, 0)]


def _scatter(places: int) -> list[Step]:
    """Turn a number into one of so many places, by factors of this start's own: nobody can choose whose to share."""
    # Multiplied once, numbers in a row, such as nodes have, might fall into two or three places all together.
    folded = [(_MULTIPLY, _odd()), (_STORE, 1), (_LOAD_X, 1), (_SHIFT_RIGHT, 16), (_XOR_X, 0)]
    return [*folded, (_MULTIPLY, _odd()), (_SHIFT_RIGHT, 16), (_MULTIPLY, places), (_SHIFT_RIGHT, 16)]


def _odd() -> int:
    return secrets.randbits(32) | 1
