"""Why can't alice log in? Each reason there is, by itself; and which comes first."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from watchword.domain.audit import AuditEvent
from watchword.domain.enforcement import Mode
from watchword.domain.exemptions import Finding
from watchword.domain.lockout import FOREVER, Standing
from watchword.domain.otp import OtpProfile
from watchword.domain.tokens import Kind
from watchword.services.diagnose import diagnose, verdict
from watchword.services.diagnose_facts import Facts, Found, Presence, Remedy, Weight
from watchword.services.ports_tokens import TokenFacts

NOW = 1_800_000_000.0
PHONE = TokenFacts("SOFT-1", Kind.SOFT, OtpProfile(), "", 0, True, 0, "alice", 1, 2)
FOB = replace(PHONE, serial="26001", kind=Kind.HARD)
TEXTS = replace(PHONE, serial="SMS-1", kind=Kind.SMS)
WELL = Facts(
    account="alice",
    now_seconds=NOW,
    today=date(2026, 11, 22),
    presence=Presence.THERE,
    mode=Mode.PAIRED,
    deadline=None,
    drift_seconds=300,
    standing=Standing(),
    tokens=[PHONE],
    events=[AuditEvent(int((NOW - 60) * 1000), "login", "granted", reason="right_code")],
)


def event(kind: str, result: str, reason: str = "", *, ago: float = 60, **more: str) -> AuditEvent:
    return AuditEvent(int((NOW - ago) * 1000), kind, result, reason=reason, **more)


def refused(reason: str, **more: Any) -> AuditEvent:
    return event("login", "denied", reason, **more)


def answer(**changes: Any) -> Found:
    return verdict(diagnose(replace(WELL, **changes)))


def test_who_has_nothing_in_their_way_is_told_where_else_to_look() -> None:
    found = answer()
    assert found.weight is Weight.FINE and "the node" in found.advice
    assert all(one.weight is Weight.FINE for one in diagnose(WELL))


@pytest.mark.parametrize(
    ("changes", "words", "remedy"),
    [
        ({"account": "-rf"}, "cannot be an account's name", ""),
        ({"presence": Presence.ABSENT}, "The directory has no such account", ""),
        ({"mode": Mode.FULL, "tokens": []}, "everybody needs one.", "assign"),
        (
            {"mode": Mode.COUNTDOWN, "deadline": date(2026, 11, 21), "tokens": []},
            "everybody needs one since the deadline",
            "assign",
        ),
        (
            {"standing": Standing(held=True), "events": [event("administration", "done", "locked", actor="hugo")]},
            "locked by hugo",
            "unlock",
        ),
        (
            {"standing": Standing(held=True), "events": [event("reported", "done")]},
            "reported a login that wasn't theirs",
            "unlock",
        ),
        (
            {"standing": Standing(20, int(NOW) + 600), "events": [refused("wrong_code", address="203.0.113.9")]},
            "20 wrong codes in a row. They came from 203.0.113.9.",
            "clear-failures",
        ),
        ({"standing": Standing(20, FOREVER)}, "until somebody clears it", "clear-failures"),
        ({"tokens": [replace(PHONE, enabled=False)]}, "All their tokens are disabled", "enable"),
    ],
)
def test_what_blocks_is_the_answer_with_what_mends_it(changes: dict[str, Any], words: str, remedy: str) -> None:
    found = answer(**changes)
    assert found.weight is Weight.BLOCKS
    assert words in found.what and found.remedy == remedy


@pytest.mark.parametrize(
    ("changes", "words", "remedy"),
    [
        ({"presence": Presence.UNKNOWN}, "The directory does not answer", ""),
        ({"exemption_trouble": "there is no such file", "address": "192.0.2.1"}, "there is no such file", ""),
        (
            {"exemption": Finding(False, "", bad_line=3, bad_reason="no colon"), "address": "192.0.2.1"},
            "Line 3 of the list of exemptions does not parse",
            "",
        ),
        ({"standing": Standing(3), "events": [refused("wrong_code")]}, "3 wrong codes in a row", ""),
        ({"tokens": [replace(PHONE, drift_steps=-9)]}, "270 s behind", "resync"),
        ({"tokens": [FOB], "events": [refused("wrong_code")]}, "wrong code", "resync"),
        ({"events": [refused("wrong_code")]}, "wrong code", ""),
        ({"events": [refused("spent_code")]}, "a code that was used already", ""),
        ({"events": [refused("stale_or_altered_state")]}, "answered too late", ""),
        ({"events": [event("login", "challenged", "asked_again")]}, "nothing was typed", ""),
        ({"events": [event("challenge", "challenged", "asked_for_code")]}, "nothing came back", ""),
        (
            {"events": [event("challenge", "challenged", "asked_for_code", ago=5), refused("spent_code", ago=90)]},
            "nothing came back",
            "",
        ),
        ({"events": []}, "No code of theirs has reached us", ""),
        (
            {"tokens": [TEXTS], "events": [event("text", "failed", detail="no such number"), *WELL.events]},
            "did not leave: no such number",
            "",
        ),
        (
            {"tokens": [TEXTS], "events": [event("challenge", "challenged", "text_sent", ago=90), *WELL.events]},
            "has not left",
            "",
        ),
        ({"newest_event_at": NOW + 300}, "300 s in the future", ""),
    ],
)
def test_what_may_be_the_reason_is_named_if_nothing_blocks(changes: dict[str, Any], words: str, remedy: str) -> None:
    found = answer(**changes)
    assert found.weight is Weight.LOOK
    assert any(words in one.what and one.remedy == remedy for one in diagnose(replace(WELL, **changes))), found


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": [TEXTS], "events": [event("challenge", "challenged", "text_sent", ago=20), *WELL.events]},
        {"tokens": [TEXTS], "events": [event("text", "done"), *WELL.events]},
        {"newest_event_at": NOW + 30},
        {"mode": Mode.COUNTDOWN, "deadline": date(2026, 11, 22), "tokens": [], "standing": None},
        {"mode": Mode.PAIRED, "tokens": [], "standing": None, "events": []},
        {"standing": Standing(20, int(NOW) - 1)},
    ],
)
def test_what_is_as_it_should_be_is_no_reason(changes: dict[str, Any]) -> None:
    assert not [one for one in diagnose(replace(WELL, **changes)) if one.weight is Weight.BLOCKS]
    assert "has not left" not in str(diagnose(replace(WELL, **changes)))


@pytest.mark.parametrize(
    "changes", [{"mode": Mode.OFF}, {"exemption": Finding(True, "", line=4, expires="2026-12-31")}]
)
def test_who_is_asked_for_no_code_is_not_kept_out_by_a_lock(changes: dict[str, Any]) -> None:
    found = diagnose(replace(WELL, standing=Standing(held=True), address="192.0.2.1", **changes))
    assert Weight.BLOCKS not in {one.weight for one in found}
    assert any(one.remedy is Remedy.UNLOCK for one in found), "it still matters elsewhere"


def test_an_exemption_names_its_line_and_its_end() -> None:
    facts = replace(WELL, address="192.0.2.1", exemption=Finding(True, "", line=4, expires="2026-12-31"))
    assert any("line 4 of the list exempts them, until 2026-12-31" in one.what for one in diagnose(facts))


def test_findings_stand_in_the_order_in_which_a_login_meets_them() -> None:
    troubled = replace(
        WELL,
        presence=Presence.UNKNOWN,
        standing=Standing(20, int(NOW) + 60, held=True),
        tokens=[replace(PHONE, enabled=False)],
        events=[refused("held_by_operator"), refused("wrong_code", address="203.0.113.9")],
    )
    found = diagnose(troubled)
    words = ["directory", "Mode", "locked", "Locked out", "disabled"]
    places = [next(place for place, one in enumerate(found) if word in one.what) for word in words]
    assert places == sorted(places)
    assert "locked" in verdict(found).what


def test_who_is_misspelt_is_shown_who_could_be_meant() -> None:
    assert "alice, alicia" in answer(presence=Presence.ABSENT, similar=["alice", "alicia"]).advice
