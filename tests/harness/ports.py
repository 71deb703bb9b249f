"""Ports of the loopback interface that nobody uses."""

import itertools
import os
import re
import secrets
import socket

LOOPBACK = "127.0.0.1"

# Below what Linux gives out by itself (32768 and up), so that no outgoing connection takes one before its server does.
_FIRST = 10_000
_EACH = 1_000


def own_ports(worker: str) -> range:
    """Return the ports of one worker of pytest-xdist, such as `gw1`; without xdist, those of the first."""
    number = int(re.sub(r"\D", "", worker) or "0")
    return range(_FIRST + number * _EACH, _FIRST + (number + 1) * _EACH)


_OURS = own_ports(os.environ.get("PYTEST_XDIST_WORKER", ""))
# Each in turn, so that one is not given out twice before its server is up. Where to begin is drawn by chance: two runs
# of the tests may share a machine.
_turns = itertools.count(secrets.randbelow(_EACH))


def free_tcp_port() -> int:
    """Return a TCP port that was free a moment ago."""
    return _free_port(socket.SOCK_STREAM)


def free_udp_port() -> int:
    """Return a UDP port that was free a moment ago."""
    return _free_port(socket.SOCK_DGRAM)


def _free_port(kind: socket.SocketKind) -> int:
    for turn in itertools.islice(_turns, _EACH):
        port = _OURS[turn % _EACH]
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port from {_OURS.start} on is free")
