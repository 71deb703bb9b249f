"""Addresses, and the origins that an exemption may name.

Read inside sshd at each login, so nothing is imported here, `ipaddress` (2 to 5 ms) least of all.

An address is one number. IPv6 addresses are themselves; IPv4 addresses stand above all of them, from `_IPV4` on, and an
IPv4-mapped IPv6 address (`::ffff:192.0.2.1`, what a dual-stack socket sees) is its IPv4 address. So `::/0` means IPv6
and never IPv4. An origin is then a pair: the first and the last address of a range.
"""

from __future__ import annotations

from watchword.domain.errors import InvalidValue

NOT_AN_ADDRESS = -1
"""What a login came from when it names no numeric address: it may be anywhere."""

_IPV4 = 1 << 128
_MAPPED = 0xFFFF << 32
_OCTETS = {str(number): number for number in range(256)}
_HEX = "0123456789abcdefABCDEF"


def parse_ipv4(text: str) -> int | None:
    """Read four octets, without leading zeros (some programs take them for octal); None if they are not that."""
    try:
        first, second, third, fourth = text.split(".")
        return _OCTETS[first] << 24 | _OCTETS[second] << 16 | _OCTETS[third] << 8 | _OCTETS[fourth]
    except (ValueError, KeyError):
        return None


def parse_ipv6(text: str) -> int | None:
    """Read an IPv6 address as RFC 4291 section 2.2 writes it, without a scope; None if it is not one."""
    if "." in text:
        before, _, last = text.rpartition(":")
        tail = parse_ipv4(last)
        if tail is None:
            return None
        text = f"{before}:{tail >> 16:x}:{tail & 0xFFFF:x}"
    left, gap, right = text.partition("::")
    head = left.split(":") if left else []
    end = right.split(":") if right else []
    missing = 8 - len(head) - len(end)
    if missing < 1 if gap else missing:
        return None
    return _join_groups([*head, *["0"] * missing, *end])


def _join_groups(groups: list[str]) -> int | None:
    value = 0
    for group in groups:
        if not 1 <= len(group) <= 4 or group.strip(_HEX):
            return None
        value = value << 16 | int(group, 16)
    return value


def client_address(address: str | None) -> int | None:
    """Turn the address a login comes from into a number; None for a local login, NOT_AN_ADDRESS for any other text.

    A scope (`fe80::1%eth0`) is left out: it names an interface of this node.
    """
    if not address:
        return None
    if ":" not in address:
        ipv4 = parse_ipv4(address)
        return NOT_AN_ADDRESS if ipv4 is None else _IPV4 + ipv4
    ipv6 = parse_ipv6(address.partition("%")[0])
    return NOT_AN_ADDRESS if ipv6 is None else _unmap(ipv6)


def address_text(address: str) -> str:
    """Write a numeric client address as a host netgroup would list it: without scope, IPv4 in its own form."""
    number = client_address(address)
    octets = None if number is None else ipv4_octets(number)
    return ".".join(map(str, octets)) if octets else address.partition("%")[0]


def ipv4_octets(number: int) -> tuple[int, int, int, int] | None:
    """Return the octets of an address that client_address() gave, or None if it is IPv6."""
    if number < _IPV4:
        return None
    return number >> 24 & 0xFF, number >> 16 & 0xFF, number >> 8 & 0xFF, number & 0xFF


def _unmap(ipv6: int) -> int:
    return _IPV4 + (ipv6 & 0xFFFFFFFF) if ipv6 >> 32 == _MAPPED >> 32 else ipv6


def parse_origin(word: str) -> tuple[int, int]:
    """Read an address, a network or a prefix as a range (first, last); raise InvalidValue if it is none of them."""
    ipv4 = parse_ipv4(word)
    if ipv4 is not None:
        return _IPV4 + ipv4, _IPV4 + ipv4
    found = _network(word) if "/" in word else _prefix(word) or _single_ipv6(word)
    if found is None:
        raise InvalidValue(_what_is_wrong(word))
    return found


def _single_ipv6(word: str) -> tuple[int, int] | None:
    value = parse_ipv6(word)
    return None if value is None else (_unmap(value), _unmap(value))


def _prefix(word: str) -> tuple[int, int] | None:
    """Read `10.1.` or `2001:db8:`: the leading octets or groups, and a trailing separator."""
    if word.endswith(".") and ":" not in word:
        octets = word[:-1].split(".")
        value = parse_ipv4(".".join(octets + ["0"] * (4 - len(octets)))) if len(octets) < 4 else None
        return None if value is None else _range(_IPV4 + value, 32 - 8 * len(octets))
    if word.endswith(":") and "::" not in word:
        groups = word[:-1].split(":")
        value = _join_groups(groups + ["0"] * (8 - len(groups))) if len(groups) < 8 else None
        return None if value is None else _range(value, 128 - 16 * len(groups))
    return None


def _network(word: str) -> tuple[int, int] | None:
    """Read `address/length` or `address/netmask`; the bits of the address beyond the mask do not count."""
    address, _, mask = word.partition("/")
    if ":" not in address:
        value = parse_ipv4(address)
        host_bits = _host_bits_ipv4(mask)
        return None if value is None or host_bits is None else _range(_IPV4 + value, host_bits)
    value = parse_ipv6(address)
    length = _length(mask, 128)
    if value is None or length is None:
        return None
    # A network within ::ffff:0:0/96 is IPv4; a wider one that merely contains it is IPv6.
    return _range(_unmap(value) if length >= 96 else value, 128 - length)


def _range(value: int, host_bits: int) -> tuple[int, int]:
    first = value >> host_bits << host_bits
    return first, first + (1 << host_bits) - 1


def _length(text: str, longest: int) -> int | None:
    """Read a prefix length: digits without a leading zero, no more than the longest."""
    number = _OCTETS.get(text)
    return number if number is not None and number <= longest else None


def _host_bits_ipv4(mask: str) -> int | None:
    length = _length(mask, 32)
    if length is not None:
        return 32 - length
    netmask = parse_ipv4(mask)
    if netmask is None:
        return None
    hosts = netmask ^ 0xFFFFFFFF
    # A netmask is ones, then zeros: what it leaves out is one less than a power of two.
    return hosts.bit_length() if hosts & (hosts + 1) == 0 else None


def _what_is_wrong(word: str) -> str:
    """Say what to write instead of a word that is no origin."""
    if "%" in word:
        return f"'{word}': leave out the interface after %"
    if "/" in word:
        return f"'{word}' is not a network: write 192.0.2.0/24, 192.0.2.0/255.255.255.0 or 2001:db8::/32"
    if word[:4].isdigit() and word[4:5] == "-":
        return f"'{word}' is a date among the origins: put a colon, with a blank on each side, before it"
    if word.strip("0123456789.") == "":
        return (
            f"'{word}' is not an IPv4 address: write four numbers up to 255 without leading zeros, or a prefix as 10.1."
        )
    if ":" in word:
        return f"'{word}' is not an IPv6 address; the colon before the expiry wants a blank on each side"
    return f"'{word}' is not an address: names are never looked up, so write addresses, ALL, LOCAL or @netgroup"
