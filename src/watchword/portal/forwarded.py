"""Where a request came from: behind a proxy, as the proxy says, and only if it is one of ours."""

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """Answer the nearest address that is not a trusted proxy's; `forwarded_for` holds the headers' values.

    Each proxy adds at the end what it saw, so the list is read from there: what a stranger wrote stands before it and
    is never reached. What cannot be read as an address ends the reading at the proxy that passed it on.
    """
    nearest = _parse(peer)
    if nearest is None:
        return ""
    named = [part.strip() for value in forwarded_for for part in value.split(",")]
    while _is_trusted(nearest, trusted) and named:
        farther = _parse(named.pop())
        if farther is None:
            break
        nearest = farther
    return str(nearest)


def is_trusted_proxy(peer: str, trusted: Sequence[Network]) -> bool:
    """Tell whether a peer is a proxy that may speak for others."""
    address = _parse(peer)
    return address is not None and _is_trusted(address, trusted)


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in trusted)


def _parse(text: str) -> Address | None:
    bare = text.strip()
    if bare.startswith("["):  # [2001:db8::1]:4711
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:  # 192.0.2.1:4711
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    # `fe80::1%anything`: what stands behind the sign is any text, and no other machine's business.
    return address.ipv4_mapped or (None if address.scope_id is not None else address)
