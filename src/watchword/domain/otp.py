"""One-time passwords: RFC 4226 (HOTP) and RFC 6238 (TOTP), through pyotp."""

import base64
import enum
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass

import pyotp

SECRET_OCTETS = 20
"""RFC 4226, section 4, R6: at least 128 bits, 160 recommended."""

RESYNC_REACH_SECONDS = 24 * 3600
"""How far off a token's clock may be for two consecutive codes to find it again."""


class Algorithm(enum.StrEnum):
    """The hash under the HMAC."""

    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"


_DIGESTS = {Algorithm.SHA1: hashlib.sha1, Algorithm.SHA256: hashlib.sha256, Algorithm.SHA512: hashlib.sha512}


@dataclass(frozen=True, slots=True)
class OtpProfile:
    """How a token makes its codes. The defaults are what every phone app reads."""

    digits: int = 6
    period_seconds: int = 30
    algorithm: Algorithm = Algorithm.SHA1

    def step_at(self, now_seconds: float) -> int:
        """Answer the time step (RFC 6238, section 4.2: T) at a time."""
        return int(now_seconds // self.period_seconds)


def code_at(secret: bytes, step: int, profile: OtpProfile) -> str:
    """Answer the code of one time step, a string of `profile.digits` digits."""
    return _Generator(secret, profile).at(step)


class _Generator(pyotp.HOTP):
    """pyotp's HOTP for a secret in octets, which it would otherwise decode from base32 for each code."""

    def __init__(self, secret: bytes, profile: OtpProfile) -> None:
        self._octets = secret
        super().__init__("", digits=profile.digits, digest=_DIGESTS[profile.algorithm])

    def byte_secret(self) -> bytes:
        """Answer the secret as it is; how long it must be is said where seeds come in."""
        return self._octets

    @staticmethod
    def int_to_bytestring(i: int, *, padding: int = 8) -> bytes:
        """Write a counter in octets (RFC 4226, section 5.1), all at once."""
        return i.to_bytes(padding, "big")


def normalise_code(typed: str) -> str:
    """Take out the spaces and dashes that people type, or paste, into a code."""
    return typed.replace(" ", "").replace("-", "").strip()


def _outwards(start: int, steps: range) -> Iterator[int]:
    """Yield every step, those nearest to `start` first."""
    if start in steps:
        yield start
    for distance in range(1, max(start - steps.start, steps.stop - start) + 1):
        for step in (start - distance, start + distance):
            if step in steps:
                yield step


def find_step(secret: bytes, code: str, profile: OtpProfile, *, start: int, steps: range) -> int | None:
    """Find the time step, among `steps`, whose code this is; the nearest to `start` wins.

    Each comparison takes the same time; a wrong code always costs the whole search.
    """
    generator = _Generator(secret, profile)
    typed = code.encode("utf-8")
    for step in _outwards(start, steps):
        if step >= 0 and hmac.compare_digest(generator.at(step).encode("ascii"), typed):
            return step
    return None


def find_two_in_a_row(
    secret: bytes, first: str, second: str, profile: OtpProfile, *, centre: int, reach: int
) -> int | None:
    """Find the step of `second`, where `first` is the code of the step before it."""
    generator = _Generator(secret, profile)
    for step in _outwards(centre, range(centre - reach, centre + reach + 1)):
        if step < 1:
            continue
        pair = generator.at(step - 1) + generator.at(step)
        if hmac.compare_digest(pair.encode("ascii"), (first + second).encode("utf-8")):
            return step
    return None


def provisioning_uri(secret: bytes, profile: OtpProfile, *, account: str, issuer: str) -> str:
    """Compose the `otpauth://` URI that a phone app scans."""
    # Not by pyotp.TOTP, which knows no period beyond two minutes: ours go to five.
    return pyotp.utils.build_uri(
        base64.b32encode(secret).decode("ascii"),
        account,
        issuer=issuer,
        algorithm=profile.algorithm.value,
        digits=profile.digits,
        period=profile.period_seconds,
    )
