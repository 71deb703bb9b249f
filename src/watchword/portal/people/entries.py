"""A person's own history, in words for them."""

from dataclasses import dataclass

from watchword.domain.audit import AuditEvent, EventKind
from watchword.services.tell_story import Tone, tell
from watchword.wiring.portal import Desk

_SHOWN = (EventKind.LOGIN, EventKind.SIGN_IN, EventKind.PAIRING, EventKind.ADMINISTRATION, EventKind.REPORTED)
"""Not that a code was asked for, or a message sent on the way: what came of it is here."""

_REPORTABLE = frozenset({EventKind.LOGIN, EventKind.SIGN_IN, EventKind.PAIRING})

_CLASSES = {Tone.GOOD: "ok", Tone.BAD: "danger", Tone.ACT: "", Tone.QUIET: ""}

ROWS_LOOKED_AT = 4000
"""For one page. A login by ssh leaves three rows or four, and a script that asks all day many that are not shown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a person's history; `css` is the class of its dot."""

    event_id: int
    at_seconds: float
    text: str
    css: str
    can_report: bool


def read_history(desk: Desk, account: str, *, before: int | None, most: int) -> tuple[list[Entry], int | None]:
    """Read entries, newest first, and the number before which older ones are; None if there are none."""
    found, last = desk.store.read(
        lambda rows: rows.search.story_of(_SHOWN, account, before, most + 1, within=ROWS_LOOKED_AT)
    )
    entries = [make_entry(desk, numbered.row, numbered.event) for numbered in found[:most]]
    return entries, entries[-1].event_id if len(found) > most else last


def make_entry(desk: Desk, event_id: int, event: AuditEvent) -> Entry:
    """Put an event into words for the person whose it is."""
    sentence = tell(_without_names(event), allowed_failures=desk.settings.lockout.failures)
    text = sentence.text
    return Entry(
        event_id,
        event.at_milliseconds / 1000,
        text[:1].upper() + text[1:],
        _CLASSES[sentence.tone],
        event.kind in _REPORTABLE and not event.actor,
    )


def _without_names(event: AuditEvent) -> AuditEvent:
    """Leave out which operator did something, from where, and why: that is between operators."""
    if not event.actor:
        return event
    detail = event.detail.partition(":")[0] if event.kind == EventKind.PAIRING else ""
    return event._replace(actor="the help desk", address="", detail=detail)
