"""What is looked at to say why somebody can't log in, and what can be found."""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.enforcement import Mode
from watchword.domain.exemptions import Finding as ExemptionFinding
from watchword.domain.lockout import Standing
from watchword.domain.outcome import Reason
from watchword.services.ports_tokens import TokenFacts


class Weight(enum.StrEnum):
    """How much a finding matters."""

    BLOCKS = "blocks"
    LOOK = "look"
    """May be the reason."""

    FINE = "fine"


class Remedy(enum.StrEnum):
    """What an operator can do about it on a page; the values are the names of acts."""

    NONE = ""
    CLEAR_FAILURES = "clear-failures"
    UNLOCK = "unlock"
    ENABLE = "enable"
    RESYNC = "resync"
    ASSIGN = "assign"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was looked at; `serial` is the token that the remedy is for."""

    weight: Weight
    what: str
    advice: str = ""
    remedy: Remedy = Remedy.NONE
    serial: str = ""


class Presence(enum.Enum):
    """Whether a directory has an account."""

    THERE = "there"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out about an account; times are seconds since 1970.

    `standing` is None for an account that was never paired or locked. `events` are its newest, newest first.
    `exemption` is None if no address was given, `exemption_trouble` says why the list can't be read. `newest_event_at`
    is the time of the newest event of all accounts, 0 for none.
    """

    account: str
    now_seconds: float
    today: date
    presence: Presence
    mode: Mode
    deadline: date | None
    drift_seconds: int
    standing: Standing | None = None
    tokens: Sequence[TokenFacts] = ()
    events: Sequence[AuditEvent] = ()
    address: str = ""
    exemption: ExemptionFinding | None = None
    exemption_trouble: str = ""
    newest_event_at: float = 0
    similar: Sequence[str] = ()

    def newest(self, kind: EventKind) -> AuditEvent | None:
        """Answer the account's newest event of a kind."""
        return next((event for event in self.events if event.kind == kind), None)

    def wrong_codes(self) -> Iterator[AuditEvent]:
        """Yield the wrong codes since the last right one, newest first."""
        for event in self.events:
            if event.kind == EventKind.LOGIN and event.result == Result.GRANTED:
                return
            if event.kind == EventKind.LOGIN and event.reason == Reason.WRONG_CODE:
                yield event
