"""What a login attempt comes to. Match on it: it has no truth value, so no decision hides in an `if`."""

import enum
from dataclasses import dataclass, field
from typing import NoReturn

from watchword.domain.tokens import Kind


class Reason(enum.StrEnum):
    """Why an attempt ended as it did: for the audit log and operators, never for the person at the prompt."""

    RIGHT_CODE = "right_code"
    WRONG_CODE = "wrong_code"
    SPENT_CODE = "spent_code"
    UNKNOWN = "unknown_account"
    UNPAIRED = "unpaired"
    LOCKED = "locked_out"
    HELD = "held_by_operator"
    STALE_STATE = "stale_or_altered_state"
    ASKED = "asked_for_code"
    ASKED_AGAIN = "asked_again"
    TEXT_SENT = "text_sent"
    TEXT_STILL_GOOD = "earlier_text_still_good"
    LOOKED_UP = "pairing_looked_up"
    TRIPPED = "server_error"


class _Outcome:
    """What every outcome has in common."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise TypeError("match on an outcome; it has no truth value")


@dataclass(frozen=True, slots=True)
class Granted(_Outcome):
    """Let in, by the token named."""

    serial: str


@dataclass(frozen=True, slots=True)
class Denied(_Outcome):
    """Refused. `text` is for the person and is the same for every reason."""

    text: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Challenge(_Outcome):
    """Asked back: `text` for the person, its last line the prompt, and the handle that the answer must bring.

    `message_waits` says that a text message was left in the outbox, to be sent now.
    """

    text: str
    handle: bytes = field(repr=False)
    echo: bool = True
    message_waits: bool = False


@dataclass(frozen=True, slots=True)
class Pairing(_Outcome):
    """What a pairing query comes to: the kind of the first token, or None for an unpaired account."""

    kind: Kind | None


Outcome = Granted | Denied | Challenge | Pairing
