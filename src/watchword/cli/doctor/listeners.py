"""The addresses that a server listens on: whether somebody is there, and answers."""

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path

from watchword.cli.doctor.findings import Area, Finding, Findings
from watchword.cli.doctor.status_server import Answered, Peer, Unanswered, ask_status
from watchword.clock import Clock
from watchword.settings import ClientSettings, Settings, split_address

AREA = Area("Listeners")
TABLES = {4: Path("/proc/net/udp"), 6: Path("/proc/net/udp6")}
WORD_HEX_DIGITS = 8

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_listeners(settings: Settings, clock: Clock) -> Findings:
    """Check that each address of radius.listen is bound and answers."""
    for listen in settings.radius.listen:
        host, port = split_address(listen)
        address = ipaddress.ip_address(host)
        if not is_bound(address, port):
            yield AREA.problem(
                f"nothing listens on {listen}",
                "systemctl start watchword-radius; if it does not stay, journalctl -u watchword-radius says why",
            )
        else:
            yield from _check_answer(settings, address, port, clock)


def _check_answer(settings: Settings, address: Address, port: int, clock: Clock) -> Iterator[Finding]:
    # Through an address of its own, a machine asks from that same address.
    own = _loopback(address) if address.is_unspecified else address
    client = _client_of(settings, own)
    if client is None:
        yield AREA.ok(f"{_written(address, port)} is bound; no client covers {own}, so it can't be asked from here")
        return
    match ask_status(Peer(str(own), port, client.read_secret()), clock):
        case Answered(milliseconds):
            yield AREA.ok(f"{_written(address, port)} answers in {milliseconds:.1f} ms")
        case Unanswered(reason, forged):
            said = reason or ("what answers has another secret" if forged else "in two seconds")
            yield AREA.problem(
                f"{_written(address, port)} is bound, but does not answer ({said})",
                "a server is silent while its database is: see above; or its settings were changed since it started "
                "(systemctl reload watchword-radius); or another program holds the port (ss -ulpn)",
            )


def is_bound(address: Address, port: int) -> bool:
    """Tell whether a UDP socket is bound to this address and port, or to any address and the port."""
    wildcard = ipaddress.ip_address(0 if address.version == 4 else "::")
    return any(bound in ((address, port), (wildcard, port)) for bound in _bound(address.version))


def _bound(version: int) -> Iterator[tuple[Address, int]]:
    try:
        rows = TABLES[version].read_text(encoding="ascii").splitlines()[1:]
    except FileNotFoundError:  # a kernel without IPv6
        return
    for row in rows:
        host, _, port = row.split()[1].partition(":")
        yield _address(host), int(port, 16)


def _address(text: str) -> Address:
    """Read an address as /proc writes it: words of 32 bits, each in this machine's order of octets."""
    words = [int(text[start : start + WORD_HEX_DIGITS], 16) for start in range(0, len(text), WORD_HEX_DIGITS)]
    octets = b"".join(socket.htonl(word).to_bytes(4, "big") for word in words)
    return ipaddress.ip_address(octets)


def _loopback(address: Address) -> Address:
    return ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")


def _client_of(settings: Settings, address: Address) -> ClientSettings | None:
    """Find the client as the server does: the narrowest network that holds the address."""
    holding = [client for client in settings.radius.client if address in client.network]
    return max(holding, key=lambda client: client.network.prefixlen, default=None)


def _written(address: Address, port: int) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
