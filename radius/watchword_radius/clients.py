"""Which machines may ask, and the secret that each shares with us."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from watchword.settings import ClientSettings

ADDRESSES_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Client:
    """A machine, or a network of machines, that may ask."""

    name: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    secret: bytes = field(repr=False)
    require_message_authenticator: bool = True


class Clients:
    """Finds the client behind an address: the narrowest network that holds it."""

    def __init__(self, clients: Sequence[Client]) -> None:
        self._by_narrowness = sorted(clients, key=lambda client: -client.network.prefixlen)
        self._remembered: dict[str, Client | None] = {}

    def find(self, address: str) -> Client | None:
        """Find the client that sends from this numeric address, or None."""
        if address not in self._remembered:
            if len(self._remembered) >= ADDRESSES_REMEMBERED:
                self._remembered.clear()
            self._remembered[address] = self._search(address)
        return self._remembered[address]

    def _search(self, address: str) -> Client | None:
        sender: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(sender, ipaddress.IPv6Address) and sender.ipv4_mapped is not None:
            sender = sender.ipv4_mapped
        return next((client for client in self._by_narrowness if sender in client.network), None)


def read_clients(settings: Sequence[ClientSettings]) -> Clients:
    """Make the table of clients, reading the files that hold secrets; raises SettingsError."""
    return Clients(
        [
            Client(entry.name, entry.network, entry.read_secret(), entry.require_message_authenticator)
            for entry in settings
        ]
    )
