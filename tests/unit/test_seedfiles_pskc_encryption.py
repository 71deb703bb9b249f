"""Encrypted PSKC files: the MAC first, and no way around it."""

import base64
import hashlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pskc_files import RFC_KEY, RFC_PASSWORD, RFC_SECRET, as_totp, encrypted_container, figure, mistake
from watchword.seedfiles import read
from watchword.seedfiles.pskc_encryption import MOST_ITERATIONS


def test_the_wrong_key_and_the_wrong_password_say_so() -> None:
    assert "wrong" in str(mistake(as_totp(figure(6)), key=bytes(16)))
    assert "wrong" in str(mistake(as_totp(figure(7)), password="azerty"))


def test_what_is_missing_is_asked_for() -> None:
    assert "--key-file" in mistake(as_totp(figure(6))).hint
    assert "--password-file" in mistake(as_totp(figure(7))).hint


def test_a_key_of_another_length_is_refused() -> None:
    assert "16" in str(mistake(as_totp(figure(6)), key=bytes(32)))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"Su+NvtQfmvfJzF6bmQiJqoLRExc=", b"Tu+NvtQfmvfJzF6bmQiJqoLRExc="),
        (b"Su+NvtQfmvfJzF6bmQiJqoLRExc=", b""),
        (b"AAECAwQFBgcICQoLDA0OD+cIHItl", b"ABECAwQFBgcICQoLDA0OD+cIHItl"),
        (b"ESIzRFVmd4iZABEiM0RVZgKn6WjL", b"ESIzRFVmd4iZABEiM0RVZgKn6WjM"),
    ],
)
def test_an_altered_value_or_mac_is_refused(was: bytes, becomes: bytes) -> None:
    content = as_totp(figure(6))
    assert was in content

    assert "wrong, or the file was altered" in str(mistake(content.replace(was, becomes), key=RFC_KEY))


@pytest.mark.parametrize("element", [rb"<ValueMAC>.*?</ValueMAC>", rb"<MACMethod .*</MACMethod>"])
def test_a_value_without_a_mac_is_refused(element: bytes) -> None:
    content = re.sub(element, b"", as_totp(figure(6)), flags=re.DOTALL)

    assert "MAC" in str(mistake(content, key=RFC_KEY))


def test_a_cut_value_is_refused() -> None:
    content = as_totp(figure(6)).replace(b"PCMl8jwZqIUqGv", b"PCMl8jwZqIUqG")

    assert "Base64" in str(mistake(content, key=RFC_KEY))


@pytest.mark.parametrize("uri", [b"xmlenc#tripledes-cbc", b"xmlenc#rsa_1_5", b"xmldsig#none"])
def test_an_unknown_cipher_is_refused(uri: bytes) -> None:
    content = as_totp(figure(6)).replace(b"xmlenc#aes128-cbc", uri)

    assert "cipher" in str(mistake(content, key=RFC_KEY))


@pytest.mark.parametrize("count", [b"0", b"-1", b"1e3", str(MOST_ITERATIONS + 1).encode(), b"9" * 30, b""])
def test_an_iteration_count_that_would_take_hours_is_refused(count: bytes) -> None:
    content = as_totp(figure(7)).replace(b">1000<", b">" + count + b"<")

    assert "IterationCount" in str(error := mistake(content, password=RFC_PASSWORD)) or "iteration" in str(error)


@pytest.mark.parametrize("length", [b"8", b"32", b"1000000000000"])
def test_a_key_length_that_the_cipher_does_not_take_is_refused(length: bytes) -> None:
    content = as_totp(figure(7)).replace(b"<KeyLength>16<", b"<KeyLength>" + length + b"<")

    assert "key of 16" in str(mistake(content, password=RFC_PASSWORD))


@pytest.mark.parametrize("salt", ["", base64.b64encode(bytes(2000)).decode()])
def test_an_empty_or_giant_salt_is_refused(salt: str) -> None:
    content = as_totp(figure(7)).replace(b"Ej7/PEpyEpw=", salt.encode())

    assert "salt" in str(mistake(content, password=RFC_PASSWORD))


@pytest.mark.parametrize("with_mac_key", [True, False])
@pytest.mark.parametrize("mac", ["sha1", "sha256"])
def test_aes_256_and_hmac_sha256(mac: str, with_mac_key: bool) -> None:
    key = bytes(range(32))
    content = encrypted_container(key, mac, mac_key=b"m" * 20 if with_mac_key else None)

    assert [fob.secret for fob in read(content, key=key)] == [RFC_SECRET]


def test_pbkdf2_with_sha256() -> None:
    key = hashlib.pbkdf2_hmac("sha256", b"pass word", b"saltsalt", 2000, 32)
    derivation = """<DerivedKey xmlns="http://www.w3.org/2009/xmlenc11#"><KeyDerivationMethod
        Algorithm="http://www.w3.org/2009/xmlenc11#pbkdf2"><PBKDF2-params><Salt><Specified>c2FsdHNhbHQ=</Specified></Salt>
        <IterationCount>2000</IterationCount><KeyLength>32</KeyLength>
        <PRF Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"/></PBKDF2-params></KeyDerivationMethod></DerivedKey>"""
    content = encrypted_container(key, "sha256", mac_key=b"m" * 32, encryption_key=derivation)

    assert [fob.secret for fob in read(content, password="pass word")] == [RFC_SECRET]


@settings(deadline=None)
@given(st.integers(0, 63), st.integers(1, 255))
def test_no_octet_of_an_encrypted_secret_can_be_altered(place: int, difference: int) -> None:
    encoded = b"AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv"
    sealed = bytearray(base64.b64decode(encoded))
    sealed[place % len(sealed)] ^= difference

    mistake(as_totp(figure(6)).replace(encoded, base64.b64encode(bytes(sealed))), key=RFC_KEY)
