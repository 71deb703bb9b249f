"""The codes: tokens and their clocks, what was refused last, text messages, the servers' own clocks."""

from collections.abc import Iterator

from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.outcome import Reason
from watchword.domain.tokens import Kind
from watchword.services.diagnose_facts import Facts, Found, Remedy, Weight
from watchword.services.ports_tokens import TokenFacts
from watchword.services.story_words import REASONS
from watchword.services.tell_story import local_time

A_DAY_SECONDS = 24 * 3600
TEXT_PATIENCE_SECONDS = 60
"""A text message that has neither left nor failed by then is stuck."""

CLOCKS_APART_SECONDS = 60
"""Servers whose clocks differ by more than this do not agree on codes for long."""


def look_at_tokens(facts: Facts) -> Iterator[Found]:
    """Say which tokens can be right."""
    if not facts.tokens:
        return
    usable = [token for token in facts.tokens if token.enabled]
    if not usable:
        disabled = facts.tokens[0]
        yield Found(
            Weight.BLOCKS,
            "All their tokens are disabled, so no code will do.",
            "Enable one, if its owner has it in hand.",
            Remedy.ENABLE,
            disabled.serial,
        )
    for token in usable:
        yield from _clock_of(token, facts)


def _clock_of(token: TokenFacts, facts: Facts) -> Iterator[Found]:
    if not token.kind.is_time_based:
        yield Found(Weight.FINE, f"{token.serial} is enabled.")
        return
    off = abs(token.drift_seconds)
    if off * 2 <= facts.drift_seconds:
        about = max(off, token.profile.period_seconds)
        yield Found(Weight.FINE, f"{token.serial} is enabled, its clock within {about} s.")
        return
    direction = "ahead" if token.drift_seconds > 0 else "behind"
    yield Found(
        Weight.LOOK,
        f"The clock of {token.serial} was {off} s {direction} at its last login; {facts.drift_seconds} s are allowed.",
        "Automatic time mends a phone, two codes in a row a fob.",
        Remedy.RESYNC,
        token.serial,
    )


def look_at_the_last_code(facts: Facts) -> Iterator[Found]:
    """Say what became of the last code."""
    newest = facts.newest(EventKind.LOGIN)
    if newest is None or _hung_up_after(newest, facts):
        yield from _no_code_came(facts)
        return
    at = local_time(newest.at_milliseconds / 1000)
    if newest.result == Result.GRANTED:
        yield Found(
            Weight.FINE,
            f"Their last code was right, at {at:%Y-%m-%d %H:%M}.",
            "What happened then is not ours: an account that has expired, a node that is closed, a full disk.",
        )
    elif newest.reason in _ADVICE:
        fob = next((token.serial for token in facts.tokens if token.enabled and token.kind is Kind.HARD), "")
        can_resync = bool(fob) and newest.reason == Reason.WRONG_CODE
        yield Found(
            Weight.LOOK,
            f"Last refused at {at:%Y-%m-%d %H:%M}: {REASONS[newest.reason]}.",
            _ADVICE[newest.reason],
            Remedy.RESYNC if can_resync else Remedy.NONE,
            fob if can_resync else "",
        )


_ADVICE: dict[str, str] = {
    Reason.WRONG_CODE: "Mistyped, the code of another entry in the app, or a clock that is off. Again and again: "
    "automatic time on the phone, or two codes in a row of a fob.",
    Reason.SPENT_CODE: "That code was right, and used before. They wait for the next one.",
    Reason.STALE_STATE: "More than ten minutes passed before they answered; again. "
    "If it is everybody, the servers' keyrings differ.",
    Reason.ASKED_AGAIN: "They pressed return without a code, or their program can't ask.",
    Reason.UNPAIRED: "At that moment no token of theirs worked.",
    Reason.UNKNOWN: "At that moment nothing was paired with this name.",
}
"""Locks are findings of their own."""


def _hung_up_after(login: AuditEvent, facts: Facts) -> bool:
    asked = facts.newest(EventKind.CHALLENGE)
    return asked is not None and asked.at_milliseconds > login.at_milliseconds


def _no_code_came(facts: Facts) -> Iterator[Found]:
    asked = facts.newest(EventKind.CHALLENGE)
    if asked is not None and facts.now_seconds - asked.at_milliseconds / 1000 < A_DAY_SECONDS:
        yield Found(
            Weight.LOOK,
            f"They were asked for a code at {local_time(asked.at_milliseconds / 1000):%H:%M}, and nothing came back.",
            "They are typing just now, hung up, or their program can't ask: it must do keyboard-interactive.",
        )
    elif facts.tokens:
        yield Found(
            Weight.LOOK,
            "No code of theirs has reached us of late.",
            "It ends before that: the password or key, the node, or no RADIUS server that answers it.",
        )


def look_at_texts(facts: Facts) -> Iterator[Found]:
    """Say whether text messages leave."""
    if not any(token.kind is Kind.SMS and token.enabled for token in facts.tokens):
        return
    text = facts.newest(EventKind.TEXT)
    asked = next((event for event in facts.events if event.reason == Reason.TEXT_SENT), None)
    if text is not None and text.result == Result.FAILED:
        yield Found(
            Weight.LOOK,
            f"The last text message did not leave: {text.detail}.",
            "A wrong number: they pair again. Otherwise the carrier's status page, and whoever runs the servers.",
        )
    elif asked is not None and (text is None or text.at_milliseconds < asked.at_milliseconds):
        waited = facts.now_seconds - asked.at_milliseconds / 1000
        locked = facts.standing is not None and (facts.standing.held or facts.standing.is_locked_out(facts.now_seconds))
        if waited > TEXT_PATIENCE_SECONDS and not locked:
            yield Found(
                Weight.LOOK,
                "A text message was to be sent, and has not left.",
                "No server sends messages just now: look whether the RADIUS servers run.",
            )
    elif text is not None:
        yield Found(Weight.FINE, "Their last text message was handed to the carrier.")


def look_at_the_clocks(facts: Facts) -> Iterator[Found]:
    """Say whether a server's clock is ahead of ours."""
    ahead = facts.newest_event_at - facts.now_seconds
    if ahead > CLOCKS_APART_SECONDS:
        yield Found(
            Weight.LOOK,
            f"A server's clock is wrong: an event is {int(ahead)} s in the future.",
            "Codes depend on the servers' clocks. Tell whoever runs them: `watchword doctor` says which.",
        )
