"""Sockets in lanes: a sender's packets wait in one of sixteen buffers, so that its flood fills that one and no other.

The kernel asks a small program (classic BPF, socket(7)) in which socket of a port a packet is to wait
(SO_ATTACH_REUSEPORT_CBPF). Ours goes by the sender's address for the lane, and by its port as well for the worker: a
login's packets come from one port, and so does what is sent again, which the worker that settled it knows.
"""

import logging
import secrets
import socket
import struct
from array import array
from collections.abc import Sequence
from contextlib import ExitStack

from watchword.settings import split_address

LANES = 16
"""Of each worker, on each address. Who shares one is drawn anew at each start."""

MOST_SOCKETS = 512
"""In all: with more workers and addresses, there are fewer lanes. A process may have 1024 files open."""

RECEIVE_BUFFER_OCTETS = 1024 * 1024
"""Of each lane. The kernel takes twice as much, for its own part, and no more than net.core.rmem_max lets it."""

log = logging.getLogger(__name__)

_SO_ATTACH_FILTER, _SO_ATTACH_REUSEPORT_CBPF = 26, 51
"""Linux, the second since 4.5; Python has no names for them."""

# linux/bpf_common.h: class, size or operation, mode or source
_LOAD_WORD, _LOAD_HALF = 0x20, 0x28
_MULTIPLY, _SUBTRACT, _SHIFT_RIGHT, _XOR = 0x24, 0x14, 0x74, 0xA4
_XOR_X, _ADD_X = 0xAC, 0x0C
_STORE, _LOAD_X, _RETURN = 0x02, 0x61, 0x16

_NETWORK_HEADER = 0xFFF00000
"""SKF_NET_OFF of linux/filter.h, -0x100000: offsets from here count from the IP header."""

# Where words of the sender's address stand in the header, and its port after it.
_IPV4_ADDRESS, _IPV4_PORT = (12,), 20
_IPV6_ADDRESS, _IPV6_PORT = (8, 12, 16, 20), 40

# Cells of the program's memory
_SCRATCH, _SENDER, _LANE = 0, 1, 2

Step = tuple[int, int]
"""An instruction and its operand; none jumps."""


def open_lanes(listen: Sequence[str], workers: int) -> list[list[socket.socket]]:
    """Bind UDP sockets to each address, and answer those of each worker; raises OSError if an address is taken."""
    lanes = max(1, min(LANES, MOST_SOCKETS // (workers * len(listen))))
    of_workers: list[list[socket.socket]] = [[] for _ in range(workers)]
    with ExitStack() as if_it_fails:
        for address in listen:
            group = _bind_group(address, workers * lanes, if_it_fails)
            if len(group) > 1:
                _assign_lanes(group, _program(group[0].family, workers, lanes))
            for worker in range(workers):
                of_workers[worker] += group[worker * lanes : (worker + 1) * lanes]
        if_it_fails.pop_all()
    return of_workers


def _bind_group(address: str, count: int, if_it_fails: ExitStack) -> list[socket.socket]:
    host, port = split_address(address)
    group = []
    for place in range(count):
        bound = if_it_fails.enter_context(
            socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        )
        if bound.family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_OCTETS)
        bound.setblocking(False)
        # The first is bound as one that shares with nobody: another server on this address is refused, or we are.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(place > 0))
        bound.bind((host, port))
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        group.append(bound)
    return group


def _assign_lanes(group: Sequence[socket.socket], place: Sequence[Step]) -> None:
    """Have a program say which socket of a group, in the order in which they were bound, a packet is to wait in."""
    try:
        _attach(group[0], _SO_ATTACH_REUSEPORT_CBPF, [*place, (_RETURN, 0)])
        for number, bound in enumerate(group):
            # What is sent to a broadcast address comes to every socket, and to nobody's program: here it waits in one.
            _attach(bound, _SO_ATTACH_FILTER, [*place, *_all_or_nothing(number)])
    except OSError as error:
        # Whatever was attached by now, every packet still comes to a socket that is read. Without the first program,
        # the kernel spreads each sender over all lanes.
        log.warning("a flood may take the room of all senders: this kernel sets up no lanes (%s)", error.strerror)


def _attach(bound: socket.socket, option: int, steps: Sequence[Step]) -> None:
    program = array("B", b"".join(struct.pack("=HBBI", code, 0, 0, operand) for code, operand in steps))
    address, _ = program.buffer_info()
    bound.setsockopt(socket.SOL_SOCKET, option, struct.pack("@HP", len(steps), address))


def _program(family: int, workers: int, lanes: int) -> list[Step]:
    """Write the steps that leave `worker * lanes + lane` in the accumulator."""
    words, port = (_IPV6_ADDRESS, _IPV6_PORT) if family == socket.AF_INET6 else (_IPV4_ADDRESS, _IPV4_PORT)
    steps: list[Step] = []
    for word in words:
        # Mixed before they meet: else who may choose an address could choose whose lane it shares.
        known = [(_LOAD_X, _SENDER), (_XOR_X, 0)] if steps else []
        steps += [(_LOAD_WORD, _NETWORK_HEADER + word), *_mix(), *_mix(), *known, (_STORE, _SENDER)]
    steps += [*_scatter(lanes), (_STORE, _LANE)]
    steps += [(_LOAD_HALF, _NETWORK_HEADER + port), (_LOAD_X, _SENDER), (_XOR_X, 0), *_scatter(workers)]
    return [*steps, (_MULTIPLY, lanes), (_LOAD_X, _LANE), (_ADD_X, 0)]


def _scatter(places: int) -> list[Step]:
    """Turn a number into one of so many places."""
    # Multiplied once, numbers in a row, such as nodes have, might fall into two or three places all together.
    return [*_mix(), (_MULTIPLY, _odd()), (_SHIFT_RIGHT, 16), (_MULTIPLY, places), (_SHIFT_RIGHT, 16)]


def _mix() -> list[Step]:
    """Turn a number into another one, each into its own, by a factor of this start."""
    return [(_MULTIPLY, _odd()), (_STORE, _SCRATCH), (_LOAD_X, _SCRATCH), (_SHIFT_RIGHT, 16), (_XOR_X, 0)]


def _odd() -> int:
    return secrets.randbits(32) | 1


def _all_or_nothing(place: int) -> list[Step]:
    """Answer how many octets of a packet to keep: 65,535 of one for this place, of others none."""
    return [(_XOR, place), (_SUBTRACT, 1), (_SHIFT_RIGHT, 16), (_RETURN, 0)]
