"""The directory that a node asks for pairings, if pam.toml says so."""

import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from watchword.cli.doctor.findings import Area, Finding, Findings
from watchword.clock import Clock

AREA = Area("LDAP")
PORTS = {"ldap": 389, "ldaps": 636}


def check_ldap(uris: Sequence[str], timeout_seconds: float, clock: Clock) -> Findings:
    """Connect to each server and hang up; no bind, no search."""
    for uri in uris:
        parts = urlsplit(uri)
        if parts.scheme in PORTS and parts.hostname:
            yield _connect(uri, (parts.hostname, parts.port or PORTS[parts.scheme]), timeout_seconds, clock)
        else:
            yield AREA.problem(f"{uri!r} is no address of a directory", "write ldaps://ldap1.example.org")


def _connect(uri: str, address: tuple[str, int], timeout_seconds: float, clock: Clock) -> Finding:
    begun = clock()
    try:
        socket.create_connection(address, timeout_seconds).close()
    except OSError as error:
        return AREA.problem(
            f"{uri} can't be reached ({error.strerror or type(error).__name__}): accounts there count as paired",
            "look at the name, the port and the firewall; a login asks the servers in order until one answers",
        )
    return AREA.ok(f"{uri} can be reached in {(clock() - begun) * 1000:.1f} ms (no bind, no search was tried)")
