"""Ports of the loopback interface that nobody uses."""

import socket

LOOPBACK = "127.0.0.1"


def free_tcp_port() -> int:
    """Return a TCP port that was free a moment ago."""
    return _free_port(socket.SOCK_STREAM)


def free_udp_port() -> int:
    """Return a UDP port that was free a moment ago."""
    return _free_port(socket.SOCK_DGRAM)


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
