"""A token: a thing that yields token codes for one account."""

import enum
from typing import NamedTuple

from watchword.domain.errors import InvalidValue
from watchword.domain.otp import OtpProfile


class Kind(enum.StrEnum):
    """What kind of thing a token is."""

    SOFT = "soft"
    SMS = "sms"
    HARD = "hard"
    STATIC = "static"

    @property
    def is_time_based(self) -> bool:
        """Whether its codes are RFC 6238's."""
        return self in (Kind.SOFT, Kind.HARD)


class Token(NamedTuple):
    """One token as the store has it, its secret unsealed.

    `secret` is the seed of a soft or hard token, the E.164 number (ASCII) of an sms token, the code (ASCII) of a
    static one. `last_step` is the newest time step whose code was accepted, -1 for none. `rank` orders an
    account's tokens: the one with the lowest is first. `drift_steps` is how far the token's clock was ahead at the last
    login, `base_drift_steps` at the last resync or import.
    """

    serial: str
    kind: Kind
    secret: bytes
    profile: OtpProfile
    label: str = ""
    rank: int = 0
    enabled: bool = True
    last_step: int = -1
    drift_steps: int = 0
    base_drift_steps: int = 0

    def __repr__(self) -> str:
        """Name the token; its secret is in no repr."""
        return f"Token({self.serial!r}, {self.kind.value})"


def make_serial(kind: Kind, random_bytes: bytes) -> str:
    """Compose a serial such as `SOFT-7F3A19C2` from four random bytes."""
    return f"{kind.upper()}-{random_bytes[:4].hex().upper()}"


def check_serial(serial: str) -> str:
    """Return the serial if it can be one: 1 to 64 printable ASCII characters, no space.

    Raises InvalidValue.
    """
    if 1 <= len(serial) <= 64 and serial.isascii() and serial.isprintable() and " " not in serial:
        return serial
    raise InvalidValue(
        f"{serial!r} cannot be a serial", hint="use 1 to 64 ASCII letters, digits and signs without spaces"
    )


def check_label(label: str) -> str:
    """Return the name that an owner gave a token, if it can be one: printable, at most 60 characters.

    Raises InvalidValue.
    """
    if len(label) <= 60 and label.isprintable():
        return label
    raise InvalidValue("a token's name has at most 60 characters, all printable")


def check_static_code(code: str) -> str:
    """Return a static code, if it can be one: six to eight digits.

    Raises InvalidValue.
    """
    if 6 <= len(code) <= 8 and code.isascii() and code.isdigit():
        return code
    raise InvalidValue("a static code has six to eight digits")
