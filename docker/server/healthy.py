#!/usr/lib/watchword/venv/bin/python -I
"""Ask the daemon of this container for a sign of life: the RADIUS server, the portal or the keeper.

The first two answer while their database does. `watchword doctor` asks the same, but takes a second to load; this takes
a twentieth, every ten seconds.
"""

import hmac
import http.client
import os
import socket
import sys
from pathlib import Path

from watchword_pam.radius_packet import HEADER, LARGEST_PACKET, SIGNATURE, SIGNED_HEADER, decode_reply

STATUS_SERVER = 12
RADIUS = ("127.0.0.1", 1812)
# As portal.toml has them.
PORTAL = ("198.18.0.11", 8080)
KEEPER = "/run/watchword-keeper/socket"
TIMEOUT_SECONDS = 3


def status_request(secret: bytes) -> bytes:
    """Encode a Status-Server whose only attribute is the Message-Authenticator (RFC 5997)."""
    head = bytes([STATUS_SERVER, 0]) + SIGNED_HEADER.to_bytes(2, "big") + os.urandom(HEADER - 4)
    return head + SIGNATURE + hmac.digest(secret, head + SIGNATURE + bytes(16), "md5")


def ask_radius() -> str | None:
    """Ask the RADIUS server; answer what is wrong, or nothing."""
    secret = Path("/run/watchword/radius").read_bytes().rstrip(b"\n")
    request = status_request(secret)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(TIMEOUT_SECONDS)
        link.connect(RADIUS)
        link.send(request)
        reply = link.recv(LARGEST_PACKET)
    if decode_reply(reply, request, secret) is None:
        return "an answer that the secret does not verify"
    return None


def ask_portal() -> str | None:
    """Ask the portal; answer what is wrong, or nothing."""
    connection = http.client.HTTPConnection(*PORTAL, timeout=TIMEOUT_SECONDS)
    connection.request("GET", "/health")
    status = connection.getresponse().status
    return None if status == http.HTTPStatus.OK else f"it says that it is not well ({status})"


def ask_keeper() -> str | None:
    """See that the keeper takes connections."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(TIMEOUT_SECONDS)
        link.connect(KEEPER)
    return None


def main() -> str | None:
    """Ask once; answer what is wrong, or nothing."""
    ask = {"radius": ask_radius, "portal": ask_portal, "keeper": ask_keeper}[os.environ["WATCHWORD_ROLE"]]
    try:
        return ask()
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {type(error).__name__}"


if __name__ == "__main__":
    sys.exit(main())
