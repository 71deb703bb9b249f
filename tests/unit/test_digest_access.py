"""HTTP Digest (RFC 7616): the standard's own example, and whatever else may stand in a header."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchword.services.digest_access import (
    NONCE_SECONDS,
    REALM,
    Freshness,
    Nonces,
    hash_for_digest,
    is_right,
    mark_of,
    parse_credentials,
)
from watchword.store.keyring import Keyring, KeyState, new_key, write_keys
from watchword.store.sealing import Sealer

# RFC 7616, section 3.9.1: user Mufasa, password "Circle of Life", SHA-256.
EXAMPLE_REALM = "http-auth@example.org"
EXAMPLE = """username="Mufasa",
    realm="http-auth@example.org",
    uri="/dir/index.html",
    algorithm=SHA-256,
    nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    nc=00000001,
    cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    qop=auth,
    response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""""


def ours(text: str = EXAMPLE) -> str:
    return text.replace(EXAMPLE_REALM, REALM)


def test_the_example_of_the_standard_is_right() -> None:
    credentials = parse_credentials(EXAMPLE, realm=EXAMPLE_REALM)
    assert credentials is not None
    assert credentials.username == "Mufasa" and credentials.nc == "00000001"
    hashed = hash_for_digest("Mufasa", "Circle of Life", realm=EXAMPLE_REALM)
    assert is_right(credentials, hashed, "GET")


@pytest.mark.parametrize(("what", "other"), [("method", "POST"), ("secret", "circle of life"), ("user", "Scar")])
def test_whatever_was_hashed_cannot_be_changed(what: str, other: str) -> None:
    credentials = parse_credentials(EXAMPLE, realm=EXAMPLE_REALM)
    assert credentials is not None
    true = {"method": "GET", "secret": "Circle of Life", "user": "Mufasa"} | {what: other}
    hashed = hash_for_digest(true["user"], true["secret"], realm=EXAMPLE_REALM)
    assert not is_right(credentials, hashed, true["method"])


@pytest.mark.parametrize("field", ["nonce", "uri", "nc", "cnonce"])
def test_no_field_can_be_changed(field: str) -> None:
    credentials = parse_credentials(EXAMPLE, realm=EXAMPLE_REALM)
    assert credentials is not None
    hashed = hash_for_digest("Mufasa", "Circle of Life", realm=EXAMPLE_REALM)
    assert not is_right(replace(credentials, **{field: "00000002"}), hashed, "GET")


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        ("algorithm=SHA-256", "algorithm=MD5"),
        ("algorithm=SHA-256", "algorithm=SHA-256-sess"),
        (r"algorithm=SHA-256,", ""),
        ("qop=auth", "qop=auth-int"),
        (r"qop=auth,", ""),
        ("nc=00000001", "nc=1"),
        ("nc=00000001", "nc=0000000A"),
        (r"nc=00000001,", ""),
        (r'cnonce="[^"]*"', 'cnonce=""'),
        (r'response="[^"]*"', 'response="00"'),
        ("realm=", "realm2="),
        ("qop=auth", "qop=auth, userhash=true"),
        ('username="Mufasa"', 'username="Mufasa", username="Scar"'),
        ('username="Mufasa"', 'username="Mufasa'),
        ('username="Mufasa"', 'username="Mufasa" x'),
    ],
)
def test_anything_weaker_or_malformed_is_no_credentials(pattern: str, instead: str) -> None:
    assert parse_credentials(ours()) is not None
    assert parse_credentials(re.sub(pattern, instead, ours(), count=1)) is None


def test_a_header_without_end_is_not_read() -> None:
    assert parse_credentials(ours() + ', opaque2="' + "x" * 5000 + '"') is None


@settings(max_examples=50, deadline=None)
@given(st.text() | st.from_regex(r'(\w+=("[^"]*"|\w+), ?)*'))
def test_reading_a_header_is_total(text: str) -> None:
    parse_credentials(text)


@pytest.fixture
def nonces(tmp_path: Path) -> Nonces:
    write_keys(tmp_path / "keyring", [new_key(KeyState.PRIMARY, 1)])
    return Nonces(Sealer(Keyring(tmp_path / "keyring")))


def test_a_nonce_is_fresh_for_five_minutes(nonces: Nonces) -> None:
    nonce = nonces.make(1000)
    assert nonces.examine(nonce, 1000) is Freshness.FRESH
    assert nonces.examine(nonce, 1000 + NONCE_SECONDS - 1) is Freshness.FRESH
    assert nonces.examine(nonce, 1000 + NONCE_SECONDS) is Freshness.STALE
    assert nonces.examine(nonce, 900) is Freshness.STALE, "made by a clock far ahead"


def test_a_nonce_cannot_be_made_up(nonces: Nonces) -> None:
    nonce = nonces.make(1000)
    for altered in ("", "x", nonce[:-2], nonce + "A", "B" + nonce[1:], nonce[:20] + "é" + nonce[21:], nonce + "="):
        assert nonces.examine(altered, 1000) is Freshness.FOREIGN


def test_two_spellings_of_a_nonce_are_not_two_nonces(nonces: Nonces) -> None:
    nonce = nonces.make(1000)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(nonce[-1])
    spelled = {nonce[:-1] + alphabet[last ^ bits] for bits in range(4)} - {nonce}
    assert [nonces.examine(other, 1000) for other in spelled] == [Freshness.FOREIGN] * len(spelled)


def test_each_use_of_a_nonce_has_a_mark_of_its_own() -> None:
    credentials = parse_credentials(ours())
    assert credentials is not None
    assert mark_of(credentials) != mark_of(replace(credentials, nc="00000002"))
    assert mark_of(credentials) == mark_of(replace(credentials, cnonce="another"))
