"""Who does something, why, and from where: what every event of pairing and administration says."""

from dataclasses import dataclass

from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.errors import InvalidValue

LONGEST_WHY = 200


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an operator, for a reason of theirs, or the person themself (`name` empty); `address`: from where.

    Raises InvalidValue for a reason that is too long or cannot be printed.
    """

    name: str = ""
    why: str = ""
    address: str = ""

    def __post_init__(self) -> None:
        if len(self.why) > LONGEST_WHY or not self.why.isprintable():
            raise InvalidValue(f"a reason has at most {LONGEST_WHY} characters, all printable")

    def event(
        self,
        now_seconds: float,
        kind: EventKind,
        what: str,
        *,
        account: str = "",
        serial: str = "",
        detail: str = "",
        result: Result = Result.DONE,
    ) -> AuditEvent:
        """Compose the event of what was done; its detail is `detail: why`, or what there is of the two."""
        return AuditEvent(
            at_milliseconds=int(now_seconds * 1000),
            kind=kind,
            result=result,
            account=account,
            serial=serial,
            address=self.address,
            reason=what,
            actor=self.name,
            detail=": ".join(part for part in (detail, self.why) if part),
        )
