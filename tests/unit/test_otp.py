"""One-time passwords, held against the RFCs' vectors and oathtool."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.one_time_codes import oathtool_code
from watchword.domain.otp import (
    Algorithm,
    OtpProfile,
    code_at,
    find_step,
    find_two_in_a_row,
    normalise_code,
    provisioning_uri,
)

VECTORS = Path(__file__).parent.parent / "vectors"
RFC4226: dict[str, Any] = json.loads((VECTORS / "rfc4226.json").read_text(encoding="utf-8"))
RFC6238: dict[str, Any] = json.loads((VECTORS / "rfc6238.json").read_text(encoding="utf-8"))
SECRET = bytes(range(20))


@pytest.mark.parametrize("vector", RFC4226["vectors"], ids=lambda vector: str(vector["counter"]))
def test_codes_are_those_of_rfc_4226(vector: dict[str, Any]) -> None:
    assert code_at(bytes.fromhex(RFC4226["secret_hex"]), vector["counter"], OtpProfile()) == vector["code"]


def name_of(vector: dict[str, Any]) -> str:
    return f"{vector['algorithm']}-{vector['time_seconds']}"


@pytest.mark.parametrize("vector", RFC6238["vectors"], ids=name_of)
def test_codes_are_those_of_rfc_6238(vector: dict[str, Any]) -> None:
    profile = OtpProfile(RFC6238["digits"], RFC6238["period_seconds"], Algorithm(vector["algorithm"]))
    step = profile.step_at(vector["time_seconds"])
    assert step == vector["step"]
    assert code_at(bytes.fromhex(RFC6238["secrets_hex"][vector["algorithm"]]), step, profile) == vector["code"]


@pytest.mark.parametrize("digits", [6, 7, 8])
@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_codes_are_those_of_oathtool(digits: int, algorithm: Algorithm) -> None:
    profile = OtpProfile(digits, 60, algorithm)
    expected = oathtool_code(SECRET.hex(), 1_800_000_000, period_seconds=60, digits=digits, algorithm=algorithm.value)
    assert code_at(SECRET, profile.step_at(1_800_000_000), profile) == expected


@given(
    secret=st.binary(min_size=14, max_size=200),
    step=st.integers(0, 2**40),
    digits=st.integers(6, 8),
    algorithm=st.sampled_from(Algorithm),
)
def test_codes_are_those_of_pyotp(secret: bytes, step: int, digits: int, algorithm: Algorithm) -> None:
    encoded = base64.b32encode(secret).decode("ascii")
    peer = pyotp.HOTP(encoded, digits=digits, digest=getattr(hashlib, algorithm.value))
    assert code_at(secret, step, OtpProfile(digits, 30, algorithm)) == peer.at(step)


@given(offset=st.integers(-30, 30), reach=st.integers(0, 20))
def test_a_step_is_found_exactly_within_reach(offset: int, reach: int) -> None:
    profile = OtpProfile(digits=8)
    found = find_step(
        SECRET, code_at(SECRET, 1000 + offset, profile), profile, start=1000, steps=range(1000 - reach, 1001 + reach)
    )
    assert found == (1000 + offset if abs(offset) <= reach else None)


def test_the_step_nearest_to_the_start_wins() -> None:
    profile = OtpProfile(digits=6)
    codes = {step: code_at(SECRET, step, profile) for step in range(20_000)}
    seen: dict[str, int] = {}
    first, second = next((seen[code], step) for step, code in codes.items() if seen.setdefault(code, step) != step)
    steps = range(first, second + 1)
    assert find_step(SECRET, codes[first], profile, start=first + 1, steps=steps) == first
    assert find_step(SECRET, codes[first], profile, start=second - 1, steps=steps) == second


def test_a_search_near_the_beginning_of_time_finds_and_does_not_fail() -> None:
    assert find_step(SECRET, code_at(SECRET, 0, OtpProfile()), OtpProfile(), start=2, steps=range(-8, 13)) == 0


@given(st.text())
def test_a_search_for_garbage_finds_nothing_and_does_not_fail(typed: str) -> None:
    profile = OtpProfile(digits=8)
    codes = {code_at(SECRET, step, profile) for step in range(995, 1006)}
    if typed not in codes:
        assert find_step(SECRET, typed, profile, start=1000, steps=range(995, 1006)) is None


def test_two_codes_in_a_row_are_found_and_out_of_order_are_not() -> None:
    profile = OtpProfile()
    first, second = code_at(SECRET, 1200, profile), code_at(SECRET, 1201, profile)
    assert find_two_in_a_row(SECRET, first, second, profile, centre=1000, reach=300) == 1201
    assert find_two_in_a_row(SECRET, second, first, profile, centre=1000, reach=300) is None
    assert find_two_in_a_row(SECRET, first, second, profile, centre=1000, reach=100) is None


def test_codes_are_normalised_as_people_type_them() -> None:
    assert normalise_code(" 123 456\n") == "123456"
    assert normalise_code("123-456") == "123456"


def test_the_uri_is_what_phone_apps_read() -> None:
    uri = provisioning_uri(SECRET, OtpProfile(), account="alice", issuer="Example HPC")
    assert uri.startswith("otpauth://totp/Example%20HPC:alice?secret=")
    assert "issuer=Example%20HPC" in uri
    parsed = pyotp.parse_uri(uri)
    assert isinstance(parsed, pyotp.TOTP)
    assert parsed.byte_secret() == SECRET


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_uri_carries_what_differs_from_the_default(algorithm: Algorithm) -> None:
    profile = OtpProfile(8, 60, algorithm)
    parsed = pyotp.parse_uri(provisioning_uri(SECRET, profile, account="a b@c", issuer="X"))
    assert isinstance(parsed, pyotp.TOTP)
    assert (parsed.digits, parsed.interval, parsed.digest().name) == (8, 60, algorithm.value)
