"""Where a request came from."""

import ipaddress

import pytest

from watchword.portal.forwarded import client_address

OURS = (ipaddress.ip_network("10.1.0.0/24"), ipaddress.ip_network("2001:db8:1::/64"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.1.0.5", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.0.5", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),
        ("10.1.0.5", ["192.0.2.66, 198.51.100.1, 10.1.0.7"], "198.51.100.1"),
        ("10.1.0.5", ["192.0.2.66", "198.51.100.1"], "198.51.100.1"),
        ("10.1.0.5", [], "10.1.0.5"),
        ("10.1.0.5", ["10.1.0.6"], "10.1.0.6"),
        ("10.1.0.5", ["198.51.100.1, rubbish"], "10.1.0.5"),
        ("10.1.0.5", ["198.51.100.1,"], "10.1.0.5"),
        ("10.1.0.5", ["198.51.100.1:4711"], "198.51.100.1"),
        ("2001:db8:1::2", ["[2001:db8:9::1]:4711"], "2001:db8:9::1"),
        ("::ffff:10.1.0.5", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("", ["198.51.100.1"], ""),
        ("unix", ["198.51.100.1"], ""),
    ],
)
def test_an_address_is_believed_only_from_the_proxies_that_are_named(
    peer: str, forwarded: list[str], expected: str
) -> None:
    assert client_address(peer, forwarded, OURS) == expected


def test_without_a_named_proxy_nobody_is_believed() -> None:
    assert client_address("127.0.0.1", ["198.51.100.1"], ()) == "127.0.0.1"
