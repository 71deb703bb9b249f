"""The audit log in plain words: "refused at 14:02 from 203.0.113.9: wrong code, 3 of 20".

Total: whatever stands in a row, also what a newer version or an intruder wrote there, comes out as a sentence.
"""

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.outcome import Reason
from watchword.services.story_words import KINDS_OF_TOKEN, MEANINGS, REASONS

_FAILURES = re.compile(r"\bfailures (\d{1,9})\b")
_CLIENT = re.compile(r"\bclient (.+)$")


class Tone(enum.StrEnum):
    """What a sentence is to its reader."""

    GOOD = "good"
    BAD = "bad"
    QUIET = "quiet"
    """Belongs to every login: read it only if something is odd."""

    ACT = "act"
    """Somebody of the staff, or the person, did something."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One event in words.

    `what` and `how` are read with the time between them, or beside it; `meaning` says what that means, and what to do
    about it; it is often empty.
    """

    at: datetime
    what: str
    how: str
    tone: Tone
    meaning: str = ""

    @property
    def text(self) -> str:
        """The sentence without its time, for where that stands in a column of its own."""
        return _followed(self.what, self.how)

    def __str__(self) -> str:
        """The whole sentence, such as `refused at 14:02 from 203.0.113.9: wrong code, 3 of 20`."""
        return _followed(f"{self.what} at {self.at:%H:%M}", self.how)


def _followed(what: str, how: str) -> str:
    return what + how if not how or how.startswith(":") else f"{what} {how}"


def tell(event: AuditEvent, *, allowed_failures: int, zone: tzinfo | None = None) -> Sentence:
    """Put an event into words; its time in `zone`, or this machine's.

    `allowed_failures` is how many failures in a row lock an account.
    """
    compose = _COMPOSERS.get((event.kind, event.result)) or _COMPOSERS.get((event.kind, "")) or _plainly
    what, how, tone = compose(event, allowed_failures)
    at = local_time(event.at_milliseconds / 1000, zone)
    return Sentence(at, visible(what), visible(how), tone, MEANINGS.get(event.reason, ""))


def local_time(seconds: float, zone: tzinfo | None = None) -> datetime:
    """Answer a time in a zone, or this machine's, with its offset; what no calendar has becomes its first moment."""
    try:
        return datetime.fromtimestamp(seconds, zone) if zone is not None else _here(seconds)
    except (OverflowError, OSError, ValueError):
        return _here(0)


def _here(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds).astimezone()


def visible(text: str) -> str:
    """Escape what cannot be seen, such as a control character: it may be there to look like something else."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


Parts = tuple[str, str, Tone]
Composer = Callable[[AuditEvent, int], Parts]


def _let_in(event: AuditEvent, _allowed: int) -> Parts:
    with_what = f"with {event.serial}" if event.serial else ""
    return "let in", _joined(_place(event), with_what), Tone.GOOD


def _refused(event: AuditEvent, allowed: int) -> Parts:
    return "refused", f"{_place(event)}: {_why(event, allowed)}", Tone.BAD


def _refused_and_asked_again(event: AuditEvent, allowed: int) -> Parts:
    if event.reason in (Reason.ASKED_AGAIN, Reason.ASKED):
        return "asked again", f"{_place(event)}: {_why(event, allowed)}", Tone.QUIET
    return "refused, and asked again,", f"{_place(event)}: {_why(event, allowed)}", Tone.BAD


def _asked(event: AuditEvent, allowed: int) -> Parts:
    if event.reason == Reason.ASKED or not event.reason:
        return "asked for a code", _place(event), Tone.QUIET
    return "asked for a code", f"{_place(event)}: {_why(event, allowed)}", Tone.QUIET


def _looked_up(event: AuditEvent, _allowed: int) -> Parts:
    without = "locked by an operator" if event.reason == Reason.HELD else "no token of its own"
    known = f"paired, {event.serial}" if event.serial else without
    return "looked up", f"{_place(event)}: {known}", Tone.QUIET


def _texted(event: AuditEvent, _allowed: int) -> Parts:
    return "a text message left", _joined(_for(event), _bracketed(event.detail)), Tone.QUIET


def _not_texted(event: AuditEvent, _allowed: int) -> Parts:
    return "a text message did not leave", f"{_for(event)}: {event.detail or _plain(event.reason)}", Tone.BAD


def _mailed(event: AuditEvent, _allowed: int) -> Parts:
    return "a mail left", f": {_plain(event.reason)}" if event.reason else "", Tone.QUIET


def _not_mailed(event: AuditEvent, _allowed: int) -> Parts:
    return "a mail did not leave", f": {_joined(_plain(event.reason), _bracketed(event.detail))}", Tone.BAD


def _paired(event: AuditEvent, _allowed: int) -> Parts:
    kind, _, why = event.detail.partition(": ")
    named = KINDS_OF_TOKEN.get(kind, "")
    why = why if named else event.detail
    what = {"paired": "paired with", "unpaired": "unpaired from", "removed": "removed:"}.get(event.reason, "")
    token = " ".join(part for part in (named, event.serial) if part) or "a token"
    who = _by(event, why)
    return (f"{what} {token}", who, Tone.ACT) if what else (f"{_plain(event.reason)}: {token}", who, Tone.ACT)


def _not_paired(event: AuditEvent, allowed: int) -> Parts:
    token = " ".join(part for part in (KINDS_OF_TOKEN.get(event.detail, ""), event.serial) if part) or "a token"
    return f"not paired with {token}", f"{_from(event)}: {_why(event, allowed)}", Tone.BAD


def _administered(event: AuditEvent, _allowed: int) -> Parts:
    return _joined(_plain(event.reason) or "changed", _bracketed(event.serial)), _by(event, event.detail), Tone.ACT


def _not_administered(event: AuditEvent, _allowed: int) -> Parts:
    return _joined(_plain(event.reason) or "not changed", _bracketed(event.serial)), _by(event, event.detail), Tone.BAD


def _signed_in(event: AuditEvent, _allowed: int) -> Parts:
    return "signed in to the portal", _from(event), Tone.GOOD


def _not_signed_in(event: AuditEvent, allowed: int) -> Parts:
    return "not let into the portal", f"{_from(event)}: {_why(event, allowed)}", Tone.BAD


def _reported(event: AuditEvent, _allowed: int) -> Parts:
    told = f": {event.detail}" if event.detail else ""
    return (
        "reported a login: \N{LEFT DOUBLE QUOTATION MARK}this wasn't me\N{RIGHT DOUBLE QUOTATION MARK}",
        (f"{_from(event)}{told}"),
        Tone.BAD,
    )


def _keys_changed(event: AuditEvent, _allowed: int) -> Parts:
    return f"keys {_plain(event.reason)}", _by(event, event.detail), Tone.ACT


def _plainly(event: AuditEvent, _allowed: int) -> Parts:
    """Say what no composer knows as it stands."""
    what = _joined(_plain(event.kind), _plain(event.result)) or "something happened"
    more = _joined(_plain(event.reason), event.serial, _bracketed(event.detail))
    how = f"{_place(event)}: {more}" if more else _place(event)
    return what, _joined(how, f"by {event.actor}" if event.actor else ""), Tone.ACT


_COMPOSERS: dict[tuple[str, str], Composer] = {
    (EventKind.LOGIN, Result.GRANTED): _let_in,
    (EventKind.LOGIN, Result.DENIED): _refused,
    (EventKind.LOGIN, Result.CHALLENGED): _refused_and_asked_again,
    (EventKind.CHALLENGE, Result.CHALLENGED): _asked,
    (EventKind.PAIRING_QUERY, Result.ANSWERED): _looked_up,
    (EventKind.TEXT, Result.DONE): _texted,
    (EventKind.TEXT, Result.FAILED): _not_texted,
    (EventKind.MAIL, Result.DONE): _mailed,
    (EventKind.MAIL, Result.FAILED): _not_mailed,
    (EventKind.PAIRING, Result.DONE): _paired,
    (EventKind.PAIRING, Result.DENIED): _not_paired,
    (EventKind.ADMINISTRATION, Result.DONE): _administered,
    (EventKind.ADMINISTRATION, Result.DENIED): _not_administered,
    (EventKind.SIGN_IN, Result.GRANTED): _signed_in,
    (EventKind.SIGN_IN, Result.DENIED): _not_signed_in,
    (EventKind.REPORTED, ""): _reported,
    (EventKind.KEYS, Result.DONE): _keys_changed,
}


def failures_in(event: AuditEvent) -> int:
    """Answer how many failures in a row there were after an event; 0 if it says nothing of them."""
    found = _FAILURES.search(event.detail)
    return int(found[1]) if found else 0


def _why(event: AuditEvent, allowed: int) -> str:
    reason = REASONS.get(event.reason) or _plain(event.reason) or "no reason given"
    failures = failures_in(event)
    return f"{reason}, {failures} of {allowed}" if failures else reason


def _place(event: AuditEvent) -> str:
    client = _CLIENT.search(event.detail)
    asked_by = f"(asked by {client[1]})" if client and event.kind != EventKind.ADMINISTRATION else ""
    return _joined(_from(event), f"on {event.node}" if event.node else "", asked_by)


def _from(event: AuditEvent) -> str:
    return f"from {event.address}" if event.address else ""


def _for(event: AuditEvent) -> str:
    return f"for {event.serial}" if event.serial else ""


def _by(event: AuditEvent, why: str) -> str:
    who = f"by {event.actor}" if event.actor else ""
    who = _joined(who, _from(event))
    return f"{who}: {why}" if why else who


def _plain(word: str) -> str:
    return word.replace("_", " ")


def _bracketed(text: str) -> str:
    return f"({text})" if text else ""


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
