"""What may be asked about an account."""

from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class PairingQuery:
    """Asks whether, and with what, an account is paired."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Asks to be asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answers a challenge, whose handle it brings."""

    typed: str = field(repr=False)
    handle: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OneShot:
    """Brings a code unasked."""

    typed: str = field(repr=False)


class Attempt(NamedTuple):
    """One request about one account.

    `address` is the person's, `node` what the machine that they log in to calls itself, `client` what we call whoever
    asked.
    """

    account: str
    request: PairingQuery | Begin | Answer | OneShot
    address: str = ""
    node: str = ""
    client: str = ""
