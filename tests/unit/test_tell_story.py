"""The audit log in plain words."""

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.outcome import Reason
from watchword.services.story_words import REASONS
from watchword.services.tell_story import Tone, failures_in, local_time, tell

CHICAGO = ZoneInfo("America/Chicago")
AT = int(datetime(2026, 11, 22, 20, 2, 11, tzinfo=UTC).timestamp() * 1000)


def event(kind: str, result: str, reason: str = "", **more: str) -> AuditEvent:
    return AuditEvent(AT, kind, result, reason=reason, **more)


def said(told: AuditEvent) -> str:
    return str(tell(told, allowed_failures=20, zone=CHICAGO))


def test_a_refusal_reads_as_the_help_desk_would_say_it() -> None:
    refused = event("login", "denied", "wrong_code", address="203.0.113.9", detail="failures 3")
    assert said(refused) == "refused at 14:02 from 203.0.113.9: wrong code, 3 of 20"


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (
            event("login", "granted", "right_code", address="203.0.113.9", node="login1", serial="SOFT-1"),
            "let in from 203.0.113.9 on login1 with SOFT-1",
        ),
        (
            event("login", "challenged", "wrong_code", node="login1", detail="failures 1, client gateway"),
            "refused, and asked again, on login1 (asked by gateway): wrong code, 1 of 20",
        ),
        (event("login", "denied", "locked_out"), "refused: locked out after too many wrong codes"),
        (event("challenge", "challenged", "asked_for_code", node="login1"), "asked for a code on login1"),
        (
            event("challenge", "challenged", "text_sent", node="login1"),
            "asked for a code on login1: a text message was to be sent",
        ),
        (event("pairing_query", "answered", "pairing_looked_up", serial="SOFT-1"), "looked up: paired, SOFT-1"),
        (event("pairing_query", "answered", "pairing_looked_up"), "looked up: no token of its own"),
        (event("pairing_query", "answered", "held_by_operator"), "looked up: locked by an operator"),
        (
            event("text", "failed", detail="given up: no such number"),
            "a text message did not leave: given up: no such number",
        ),
        (
            event("text", "done", serial="SMS-1", detail="carrier's id 7"),
            "a text message left for SMS-1 (carrier's id 7)",
        ),
        (
            event(
                "pairing",
                "done",
                "paired",
                serial="HARD-1",
                actor="hugo",
                address="198.51.100.7",
                detail="hard: lost hers",
            ),
            "paired with a fob HARD-1 by hugo from 198.51.100.7: lost hers",
        ),
        (
            event("pairing", "denied", "wrong_code", address="192.0.2.1"),
            "not paired with a token from 192.0.2.1: wrong code",
        ),
        (event("mail", "done", "Your phone is paired"), "a mail left: Your phone is paired"),
        (event("mail", "failed", "Hello", detail="no mailbox"), "a mail did not leave: Hello (no mailbox)"),
        (event("pairing", "done", "removed", serial="SOFT-1", detail="soft"), "removed: a phone app SOFT-1"),
        (
            event("administration", "done", "locked", actor="hugo", detail="phone stolen"),
            "locked by hugo: phone stolen",
        ),
        (
            event("administration", "denied", "token not resynced", serial="26001", actor="hugo", detail="failures 2"),
            "token not resynced (26001) by hugo: failures 2",
        ),
        (
            event("administration", "done", "token resynced, 30 s off", serial="26001", actor="hugo"),
            "token resynced, 30 s off (26001) by hugo",
        ),
        (
            event("sign_in", "denied", "wrong_password", address="192.0.2.1"),
            "not let into the portal from 192.0.2.1: wrong password",
        ),
        (event("sign_in", "granted", address="192.0.2.1"), "signed in to the portal from 192.0.2.1"),
        (event("reported", "done", address="192.0.2.1"), "reported a login: “this wasn't me” from 192.0.2.1"),
        (event("keys", "done", "rotated", actor="root"), "keys rotated by root"),
        (event("teleport", "done", "beamed_up", actor="scotty", detail="x"), "teleport done: beamed up (x) by scotty"),
    ],
)
def test_each_kind_of_event_is_a_sentence(told: AuditEvent, text: str) -> None:
    assert tell(told, allowed_failures=20).text == text


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_words(reason: Reason) -> None:
    assert REASONS[reason] and "_" not in REASONS[reason]


@pytest.mark.parametrize(("kind", "result"), list(itertools.product(EventKind, Result)))
def test_every_event_that_can_be_written_has_a_sentence_without_underscores(kind: EventKind, result: Result) -> None:
    for reason in ["", *Reason]:
        sentence = tell(event(kind, result, reason), allowed_failures=20)
        assert sentence.what and "_" not in str(sentence)


@pytest.mark.parametrize("kind", ["pairing", "administration", "keys", "something new"])
def test_what_an_operator_did_names_them_and_their_reason(kind: str) -> None:
    act = event(kind, "done", "did it", actor="hugo", detail="she lost her phone")
    assert "hugo" in said(act) and "she lost her phone" in said(act)


@given(st.builds(AuditEvent, st.integers(), *[st.text(max_size=40)] * 9))
def test_whatever_stands_in_a_row_comes_out_as_one_printable_line(anything: AuditEvent) -> None:
    sentence = tell(anything, allowed_failures=20)
    assert sentence.text and str(sentence).isprintable()
    assert sentence.tone in Tone


def test_times_are_the_centres_and_tell_their_offset() -> None:
    summer = datetime(2026, 7, 1, 12, 0, tzinfo=UTC).timestamp()
    assert f"{local_time(summer, CHICAGO):%H:%M %z}" == "07:00 -0500"
    assert f"{local_time(AT / 1000, CHICAGO):%H:%M %z}" == "14:02 -0600"
    assert local_time(summer).utcoffset() is not None


def test_failures_are_read_from_the_detail_alone() -> None:
    assert failures_in(event("login", "denied", detail="failures 7, client failures 9")) == 7
    assert failures_in(event("login", "denied", detail="nothing")) == 0
