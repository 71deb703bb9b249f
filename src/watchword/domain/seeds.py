"""A seed: what the maker of a hard token tells us about one fob."""

from dataclasses import dataclass, field

from watchword.domain.errors import InvalidValue
from watchword.domain.otp import DIGITS, Algorithm, OtpProfile
from watchword.domain.tokens import check_serial

SHORTEST_SECRET_OCTETS = 16
"""RFC 4226, section 4, R6: a shared secret has at least 128 bits."""

LONGEST_SECRET_OCTETS = 128
"""The block of SHA-512; HMAC would only hash anything longer."""

SHORTEST_PERIOD_SECONDS = 10
LONGEST_PERIOD_SECONDS = 300

MOST_FOBS = 200_000
"""In one file: what is read in seconds, and held in memory and in one transaction."""

MOST_DRIFT_STEPS = 1440
"""A day of a fob's minutes. A clock that is further off is broken."""


@dataclass(frozen=True, slots=True)
class SeedRow:
    """One fob of a file of seeds.

    `drift_steps` is how many periods the fob's clock is ahead (behind, if negative). Raises InvalidValue; its message
    quotes neither the serial nor the secret, since in a file with swapped columns one is the other.
    """

    serial: str
    secret: bytes = field(repr=False)
    profile: OtpProfile
    drift_steps: int = 0
    issuer: str = ""
    model: str = ""

    def __post_init__(self) -> None:
        """Refuse what no fob can be."""
        _check_serial(self.serial)
        if not SHORTEST_SECRET_OCTETS <= len(self.secret) <= LONGEST_SECRET_OCTETS:
            raise InvalidValue(
                f"the secret has {len(self.secret)} octets, not {SHORTEST_SECRET_OCTETS} to {LONGEST_SECRET_OCTETS}"
            )
        if self.profile.digits not in DIGITS:
            raise InvalidValue("the number of digits is not 6, 7 or 8")
        if not SHORTEST_PERIOD_SECONDS <= self.profile.period_seconds <= LONGEST_PERIOD_SECONDS:
            raise InvalidValue(f"the period is not {SHORTEST_PERIOD_SECONDS} to {LONGEST_PERIOD_SECONDS} seconds")
        if abs(self.drift_steps) > MOST_DRIFT_STEPS:
            raise InvalidValue(f"the clock's drift is more than {MOST_DRIFT_STEPS} periods")


def _check_serial(serial: str) -> None:
    try:
        check_serial(serial)
    except InvalidValue as error:
        raise InvalidValue("the serial cannot be used", hint=error.hint) from None


_ALGORITHM_NAMES = {
    prefix + name: algorithm
    for algorithm in Algorithm
    for name in (algorithm.value, algorithm.value.replace("sha", "sha-"))
    for prefix in ("", "hmac-", "hmac")
}


def parse_algorithm(name: str) -> Algorithm:
    """Read the name of a hash as makers write it: `SHA1`, `sha-256`, `HMAC-SHA512`.

    Raises InvalidValue.
    """
    try:
        return _ALGORITHM_NAMES[name.strip().lower()]
    except KeyError:
        raise InvalidValue("the algorithm is not sha1, sha256 or sha512") from None
