"""What may be asked about an account."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class PairingQuery:
    """Asks whether, and with what, an account is paired."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Asks to be asked."""


class Answer(NamedTuple):
    """Answers a challenge, whose handle it brings."""

    typed: str
    handle: bytes

    def __repr__(self) -> str:
        """Tell nothing of what was typed."""
        return "Answer()"


class OneShot(NamedTuple):
    """Brings a code unasked."""

    typed: str

    def __repr__(self) -> str:
        """Tell nothing of what was typed."""
        return "OneShot()"


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
