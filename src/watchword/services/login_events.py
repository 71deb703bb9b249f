"""What the audit log says of a login attempt."""

from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.outcome import Challenge, Denied, Granted, Outcome, Pairing, Reason
from watchword.services.attempts import Attempt, Begin


def login_event(
    attempt: Attempt, outcome: Outcome, reason: Reason, serial: str, *, failures: int, now_seconds: float
) -> AuditEvent:
    """Compose the event of an attempt, after which its account has so many failures in a row."""
    kind, result = _kind_and_result(attempt, outcome, reason)
    account, _, address, node, client = attempt
    details = [f"failures {failures}"] if failures else []
    if client and client != node:
        details.append(f"client {client}")  # a node names itself; by whose secret it asked is what we know
    at = int(now_seconds * 1000)
    return AuditEvent(at, kind, result, account, serial, address, node, reason, detail=", ".join(details))


def _kind_and_result(attempt: Attempt, outcome: Outcome, reason: Reason) -> tuple[EventKind, Result]:
    match outcome:
        case Granted():
            return EventKind.LOGIN, Result.GRANTED
        case Denied():
            return EventKind.LOGIN, Result.DENIED
        case Challenge():
            asked = isinstance(attempt.request, Begin) or reason in (Reason.TEXT_SENT, Reason.TEXT_STILL_GOOD)
            return (EventKind.CHALLENGE if asked else EventKind.LOGIN), Result.CHALLENGED
        case Pairing():
            return EventKind.PAIRING_QUERY, Result.ANSWERED
