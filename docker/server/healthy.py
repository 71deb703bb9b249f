#!/usr/lib/watchword/venv/bin/python -I
"""Ask the RADIUS server of this container for a sign of life: it answers while its database does (RFC 5997).

`watchword doctor` asks the same, but takes a second to load; this takes a twentieth, every ten seconds.
"""

import hmac
import os
import socket
import sys
from pathlib import Path

from watchword_pam.radius_packet import HEADER, LARGEST_PACKET, SIGNATURE, SIGNED_HEADER, decode_reply

STATUS_SERVER = 12
ADDRESS = ("127.0.0.1", 1812)
TIMEOUT_SECONDS = 3


def status_request(secret: bytes) -> bytes:
    """Encode a Status-Server whose only attribute is the Message-Authenticator."""
    head = bytes([STATUS_SERVER, 0]) + SIGNED_HEADER.to_bytes(2, "big") + os.urandom(HEADER - 4)
    return head + SIGNATURE + hmac.digest(secret, head + SIGNATURE + bytes(16), "md5")


def main() -> str | None:
    """Ask once; answer what is wrong, or nothing."""
    secret = Path("/run/watchword/radius").read_bytes().rstrip(b"\n")
    request = status_request(secret)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(TIMEOUT_SECONDS)
        link.connect(ADDRESS)
        try:
            link.send(request)
            reply = link.recv(LARGEST_PACKET)
        except OSError as error:
            return f"no answer: {type(error).__name__}"
    if decode_reply(reply, request, secret) is None:
        return "an answer that the secret does not verify"
    return None


if __name__ == "__main__":
    sys.exit(main())
