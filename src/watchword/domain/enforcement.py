"""What a login is asked for: the enforcement mode, held against the pairing and the date.

This is imported inside sshd at every login, so it loads nothing that is slow to load.
"""

from __future__ import annotations

from enum import Enum

TYPE_CHECKING = False  # typing is slow to load
if TYPE_CHECKING:
    from datetime import date
    from typing import NoReturn


class Mode(Enum):
    """How far a centre has brought the second factor in."""

    OFF = "off"
    PAIRED = "paired"
    COUNTDOWN = "countdown"
    FULL = "full"


class Pairing(Enum):
    """Whether an account has a token. The kind of the token changes nothing here."""

    PAIRED = "paired"
    UNPAIRED = "unpaired"
    UNKNOWN = "unknown"


class _Demand:
    """What a login is asked for."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise TypeError("match on a demand; it has no truth value")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Nothing(_Demand):
    """The login goes on without a question."""

    __slots__ = ()


class TokenCode(_Demand):
    """The person is asked for a token code, and nothing else will do."""

    __slots__ = ()


class Acknowledgement(_Demand):
    """The person reads how many days are left to pair (0: today is the last), and presses return."""

    __slots__ = ("days_left",)
    __match_args__ = ("days_left",)

    def __init__(self, days_left: int) -> None:
        self.days_left = days_left

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Acknowledgement) and other.days_left == self.days_left

    def __hash__(self) -> int:
        return hash((Acknowledgement, self.days_left))

    def __repr__(self) -> str:
        return f"Acknowledgement(days_left={self.days_left})"


Demand = Nothing | TokenCode | Acknowledgement


def current_mode(mode: Mode, deadline: date | None, today: date | None) -> Mode:
    """Return the mode that holds today: a countdown becomes full on the day after its deadline.

    A countdown without a deadline, or without a today, is full: nobody can say that it has not ended.
    """
    if mode is Mode.COUNTDOWN and (deadline is None or today is None or today > deadline):
        return Mode.FULL
    return mode


def pairing_matters(mode: Mode) -> bool:
    """Return whether the current mode treats paired and unpaired accounts differently."""
    return mode in {Mode.PAIRED, Mode.COUNTDOWN}


def demand(mode: Mode, pairing: Pairing, deadline: date | None, today: date | None) -> Demand:
    """Decide what a login is asked for. An unknown pairing counts as paired."""
    mode = current_mode(mode, deadline, today)
    if mode is Mode.OFF:
        return Nothing()
    if mode is Mode.FULL or pairing is not Pairing.UNPAIRED:
        return TokenCode()
    if mode is Mode.COUNTDOWN and deadline is not None and today is not None:
        return Acknowledgement((deadline - today).days)
    return Nothing()
