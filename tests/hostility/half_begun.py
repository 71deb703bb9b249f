"""Logins that are begun and never answered: each asks the server for a challenge, and leaves."""

import itertools
import os
import socket

from tests.fuzz.packets import USER_NAME, attribute, signed
from tests.harness.ports import LOOPBACK
from tests.harness.radius_server import RadiusServer

IN_FLIGHT = 64
PATIENCE_SECONDS = 5.0
CHALLENGE = 11


def leave_half_begun(server: RadiusServer, count: int) -> int:
    """Begin so many logins, each for another account; answers how many were challenged."""
    challenged = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE_SECONDS)
        client.connect((LOOPBACK, server.port))
        for start in range(0, count, IN_FLIGHT):
            some = range(start, min(start + IN_FLIGHT, count))
            for number in some:
                client.send(_begin(server.secret.encode(), number))
            challenged += _challenges(client, len(some))
    return challenged


def _begin(secret: bytes, number: int) -> bytes:
    who = attribute(USER_NAME, b"half%06d" % number)
    return signed(who, identifier=number % 256, secret=secret, authenticator=os.urandom(16))


def _challenges(client: socket.socket, wanted: int) -> int:
    """Count the challenges that come; a packet that was lost is not waited for twice."""
    for received in itertools.count():
        if received == wanted:
            return wanted
        try:
            assert client.recv(4096)[0] == CHALLENGE
        except TimeoutError:
            return received
    raise AssertionError("not reached")
