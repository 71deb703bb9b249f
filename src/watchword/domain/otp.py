"""One-time passwords: RFC 4226 (HOTP) and RFC 6238 (TOTP).

Codes are cryptography's, which takes two thirds of pyotp's time for one (docs/benchmarks.md). pyotp writes what a phone
scans, and judges the codes in the tests.
"""

import base64
import enum
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyotp
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

SECRET_OCTETS = 20
"""RFC 4226, section 4, R6: at least 128 bits, 160 recommended."""

DIGITS = range(6, 9)
"""How many a code may have (RFC 4226, section 5.3, R4: at least six)."""

RESYNC_REACH_SECONDS = 24 * 3600
"""How far off a token's clock may be for two consecutive codes to find it again."""


class Algorithm(enum.StrEnum):
    """The hash under the HMAC."""

    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"


_HASHES: dict[Algorithm, SHA1 | SHA256 | SHA512] = {
    Algorithm.SHA1: SHA1(),  # noqa: S303  (RFC 4226 knows no other)
    Algorithm.SHA256: SHA256(),
    Algorithm.SHA512: SHA512(),
}


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
    return _generator(secret, profile)(step).decode("ascii")


def _generator(secret: bytes, profile: OtpProfile) -> Callable[[int], bytes]:
    """Answer what makes the code of a time step, in ASCII."""
    # How long a secret must be is said where seeds come in.
    return HOTP(secret, profile.digits, _HASHES[profile.algorithm], enforce_key_length=False).generate


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
    generate = _generator(secret, profile)
    typed = code.encode("utf-8")
    for step in _outwards(start, steps):
        if step >= 0 and hmac.compare_digest(generate(step), typed):
            return step
    return None


def find_two_in_a_row(
    secret: bytes, first: str, second: str, profile: OtpProfile, *, centre: int, reach: int
) -> int | None:
    """Find the step of `second`, where `first` is the code of the step before it."""
    generate = _generator(secret, profile)
    for step in _outwards(centre, range(centre - reach, centre + reach + 1)):
        if step < 1:
            continue
        if hmac.compare_digest(generate(step - 1) + generate(step), (first + second).encode("utf-8")):
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
