"""The second factor against real datagrams: each mode, each answer, each thing a person may type."""

from __future__ import annotations

import pwd
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from tests.node_accounts import FoldingDirectory
from tests.radius_peer import (
    SECRET,
    Answer,
    RadiusPeer,
    Request,
    Script,
    TokenServer,
    accept,
    challenge,
    refusing_port,
    reject,
    unsigned,
)
from tests.scripted_pamh import ScriptedPamh
from watchword_pam.clock import today
from watchword_pam.conversation import Conversation
from watchword_pam.settings import Settings, settings_from
from watchword_pam.token_login import TokenLogin
from watchword_pam.verdict import Granted, Refused, Verdict

URL = "https://portal.example.org/mfa"
LOCAL_REFUSAL = f"Access refused. To see why, sign in at {URL}"
UNPAIRED_REJECT = Answer(3, ((11, b"watchword:unpaired"),))
ACCOUNTS = TokenServer({"alice": ("soft", "123456"), "sam": ("sms", "222222")})


@pytest.fixture(autouse=True)
def node_accounts(monkeypatch: pytest.MonkeyPatch) -> FoldingDirectory:
    """Make a node of this process that knows the accounts of these tests."""
    directory = FoldingDirectory({"alice", "sam", "pat", "nobody"})
    monkeypatch.setattr(pwd, "getpwnam", directory.getpwnam)
    return directory


def settings_for(*ports: int, **keys: Any) -> Settings:
    servers = [{"host": "127.0.0.1", "port": port, "secret": SECRET.decode(), "timeout_seconds": 0.4} for port in ports]
    document = {"mode": "full", "info_url": URL, "state_dir": "/nonexistent/state", "server": servers, **keys}
    settings = settings_from(document, "login1")
    assert settings.mistakes == ()
    return settings


def verdict_of(pamh: ScriptedPamh, settings: Settings) -> Verdict:
    return TokenLogin(Conversation(pamh), settings).verdict()


def login(script: Script, pamh: ScriptedPamh, **keys: Any) -> tuple[Verdict, RadiusPeer]:
    with RadiusPeer(script) as peer:
        return verdict_of(pamh, settings_for(peer.port, **keys)), peer


def reason(verdict: Verdict) -> tuple[type[Verdict], str]:
    return type(verdict), verdict.reason


@pytest.mark.parametrize(
    ("mode", "account", "typed", "wanted", "asked"),
    [
        ("off", "alice", [], (Granted, "mode-off"), []),
        ("off", "nobody", [], (Granted, "mode-off"), []),
        ("paired", "alice", ["123456"], (Granted, "accepted"), ["pairing query", "begin", "answer"]),
        ("paired", "alice", ["654321"], (Refused, "rejected"), ["pairing query", "begin", "answer"]),
        ("paired", "nobody", [], (Granted, "not-paired"), ["pairing query"]),
        ("countdown", "alice", ["123456"], (Granted, "accepted"), ["pairing query", "begin", "answer"]),
        ("countdown", "alice", ["654321"], (Refused, "rejected"), ["pairing query", "begin", "answer"]),
        ("countdown", "nobody", [""], (Granted, "acknowledged"), ["pairing query"]),
        ("countdown", "nobody", [None], (Refused, "conversation-ended"), ["pairing query"]),
        ("full", "alice", ["123456"], (Granted, "accepted"), ["begin", "answer"]),
        ("full", "alice", ["654321"], (Refused, "rejected"), ["begin", "answer"]),
        ("full", "nobody", ["123456"], (Refused, "rejected"), ["begin", "answer"]),
    ],
)
def test_each_mode_does_what_the_design_says(
    mode: str, account: str, typed: list[str | None], wanted: tuple[type[Verdict], str], asked: list[str]
) -> None:
    pamh = ScriptedPamh(account, *typed)
    verdict, peer = login(ACCOUNTS, pamh, mode=mode, deadline=today() + timedelta(days=12))
    assert reason(verdict) == wanted
    assert peer.kinds == asked
    assert len(pamh.prompts) == len(typed)


@pytest.mark.parametrize(
    ("days", "text"), [(12, "You have 12 days"), (1, "You have 1 day"), (0, "Today is the last day")]
)
def test_the_countdown_names_days_and_url_in_the_prompt_itself(days: int, text: str) -> None:
    pamh = ScriptedPamh("nobody", "")
    login(ACCOUNTS, pamh, mode="countdown", deadline=today() + timedelta(days=days))
    [prompt] = pamh.prompts
    assert prompt == f"{text} to pair a device for logging in, see {URL}\nPress return to continue: "


def test_after_the_deadline_a_countdown_is_full() -> None:
    pamh = ScriptedPamh("nobody", "123456")
    verdict, peer = login(ACCOUNTS, pamh, mode="countdown", deadline=today() - timedelta(days=1))
    assert reason(verdict) == (Refused, "rejected")
    assert peer.kinds == ["begin", "answer"]


def test_the_code_is_asked_for_with_echo_unless_the_server_says_no() -> None:
    pamh = ScriptedPamh("alice", "123456")
    login(ACCOUNTS, pamh)
    assert pamh.echoes == [True]
    pamh = ScriptedPamh("alice", "123456")
    login(lambda _: challenge(echo=0), pamh)
    assert pamh.echoes[0] is False


def test_the_servers_words_and_the_prompt_are_one_prompt() -> None:
    text = "A code went to XXX-XXX-1234\nIt is good for ten minutes\nToken code: "
    pamh = ScriptedPamh("sam", "1")
    login(lambda request: reject() if request.kind == "answer" else challenge(text), pamh)
    assert pamh.prompts == [text]


def test_prompt_in_pam_toml_replaces_the_last_line() -> None:
    pamh = ScriptedPamh("sam", "1")
    script = lambda request: reject() if request.kind == "answer" else challenge("Sent\nToken code: ")  # noqa: E731
    login(script, pamh, prompt="TACC Token Code:")
    assert pamh.prompts == ["Sent\nTACC Token Code:"]


def test_a_challenge_without_words_gets_ours() -> None:
    pamh = ScriptedPamh("sam", "1")
    login(lambda request: reject() if request.kind == "answer" else challenge(""), pamh)
    assert pamh.prompts == ["Token code: "]


@pytest.mark.parametrize("typed", ["", " 123 456 ", "pässwört", "push", "x" * 128])
def test_what_was_typed_goes_back_as_it_is(typed: str) -> None:
    _, peer = login(ACCOUNTS, ScriptedPamh("alice", typed))
    assert peer.requests[-1].password == typed.encode()
    assert peer.requests[-1].attributes[24] == [b"for alice"]


@pytest.mark.parametrize("typed", ["x" * 129, "é" * 65, "12\x00", "\b\n\r\x7fINCORRECT", b"12\xff"])
def test_what_cannot_be_a_code_is_never_sent_and_counts_as_a_try(typed: str | bytes) -> None:
    pamh = ScriptedPamh("alice", typed, typed, typed, "123456")
    verdict, peer = login(ACCOUNTS, pamh)
    assert reason(verdict) == (Refused, "too-many-tries")
    assert peer.kinds == ["begin"]
    assert len(pamh.prompts) == 3


def test_a_challenge_again_asks_again_at_most_three_times() -> None:
    pamh = ScriptedPamh("alice", *"1234567")
    verdict, peer = login(lambda _: challenge("Next: "), pamh)
    assert reason(verdict) == (Refused, "too-many-tries")
    assert pamh.prompts == ["Next: "] * 3
    assert len(peer.kinds) == 4


def test_everyone_refused_reads_the_servers_words_or_ours() -> None:
    verdict, _ = login(ACCOUNTS, ScriptedPamh("alice", "1"))
    assert isinstance(verdict, Refused)
    assert verdict.text == TokenServer.REFUSAL
    for script, typed in (((lambda _: reject()), []), ((lambda _: challenge()), ["x" * 129] * 3)):
        verdict, _ = login(script, ScriptedPamh("alice", *typed))
        assert isinstance(verdict, Refused)
        assert verdict.text == LOCAL_REFUSAL


@pytest.mark.parametrize("account", [None, "", "al\nice", "a" * 254, "alice\x00"])
def test_an_account_that_can_not_be_one_is_refused_unasked(account: str | None) -> None:
    verdict, peer = login(ACCOUNTS, ScriptedPamh(account, "123456"), mode="paired")
    assert reason(verdict) == (Refused, "account-name")
    assert peer.requests == []


def test_hanging_up_is_refused() -> None:
    verdict, _ = login(ACCOUNTS, ScriptedPamh("alice", None))
    assert reason(verdict) == (Refused, "conversation-ended")


def test_a_reject_is_final_and_only_silence_goes_on() -> None:
    with RadiusPeer(lambda _: reject()) as first, RadiusPeer(lambda _: accept()) as second:
        settings = settings_for(first.port, second.port)
        verdicts = {reason(verdict_of(ScriptedPamh("alice"), settings)) for _ in range(8)}
        assert verdicts <= {(Refused, "rejected"), (Granted, "accepted")}
        assert len(first.requests) + len(second.requests) == 8
    with RadiusPeer(ACCOUNTS) as alive:
        verdict = verdict_of(ScriptedPamh("alice", "123456"), settings_for(refusing_port(), alive.port))
    assert reason(verdict) == (Granted, "accepted")


def test_another_server_may_finish_what_one_began() -> None:
    beginner = RadiusPeer(lambda request: ACCOUNTS(request) if request.kind == "begin" else [])
    with beginner as first, RadiusPeer(ACCOUNTS) as second:
        settings = settings_for(first.port, second.port)
        for _ in range(4):
            assert reason(verdict_of(ScriptedPamh("alice", "123456"), settings)) == (Granted, "accepted")
    assert all(request.kind == "answer" or request.password == b"" for request in second.requests)


@pytest.mark.parametrize("mode", ["paired", "countdown", "full"])
@pytest.mark.parametrize(("on_outage", "wanted"), [("deny", Refused), ("allow", Granted)])
def test_when_nobody_answers_on_outage_decides(mode: str, on_outage: str, wanted: type[Verdict]) -> None:
    pamh = ScriptedPamh("alice", "123456")
    keys = {"mode": mode, "on_outage": on_outage, "deadline": today()}
    with RadiusPeer(lambda _: unsigned(accept("watchword:unpaired"))) as peer:
        verdict = verdict_of(pamh, settings_for(peer.port, **keys))
        assert type(verdict) is wanted
        assert len(peer.requests) == 3  # the servers were waited for once
    assert pamh.prompts == []
    if isinstance(verdict, Refused):
        assert "can't be reached now" in verdict.text
        assert URL in verdict.text


def test_a_server_that_falls_silent_after_a_challenge_is_no_outage_that_lets_in() -> None:
    def silent_to_answers(request: Request) -> Answer | Iterable[Answer]:
        return challenge() if request.kind == "begin" else []

    verdict, _ = login(silent_to_answers, ScriptedPamh("alice", "\u202e"), on_outage="allow")
    assert isinstance(verdict, Refused)
    verdict, _ = login(silent_to_answers, ScriptedPamh("alice", "1"), on_outage="allow")
    assert reason(verdict) == (Refused, "no-server")


@pytest.mark.parametrize(
    "answer",
    [
        reject(),
        accept(),
        accept("watchword"),
        accept("unpaired"),
        accept("Watchword:unpaired"),
        challenge(),
        UNPAIRED_REJECT,
    ],
    ids=str,
)
def test_a_pairing_that_is_not_said_counts_as_paired(answer: Answer) -> None:
    def script(request: Request) -> Answer:
        return answer if request.kind == "pairing query" else reject()

    verdict, _ = login(script, ScriptedPamh("nobody"), mode="paired")
    assert reason(verdict) == (Refused, "rejected")


@pytest.mark.parametrize("mode", ["paired", "countdown", "full"])
@pytest.mark.parametrize("typed", ["alice", "Alice", "ALICE", "alice@example.org", "EX\\alice"])
def test_no_spelling_of_a_paired_account_goes_without_a_code(mode: str, typed: str) -> None:
    for code, wanted in (("123456", (Granted, "accepted")), ("654321", (Refused, "rejected"))):
        verdict, peer = login(ACCOUNTS, ScriptedPamh(typed, code), mode=mode, deadline=today())
        assert reason(verdict) == wanted
        assert {request.account for request in peer.requests} == {"alice"}


def test_every_spelling_of_an_unpaired_account_is_unpaired() -> None:
    for typed in ("nobody", "NoBody"):
        assert reason(login(ACCOUNTS, ScriptedPamh(typed), mode="paired")[0]) == (Granted, "not-paired")


@pytest.mark.parametrize("mode", ["paired", "countdown"])
@pytest.mark.parametrize("account", ["stranger", "nobody"])
def test_an_account_that_the_node_does_not_know_counts_as_paired(
    node_accounts: FoldingDirectory, mode: str, account: str
) -> None:
    node_accounts.is_down = account == "nobody"
    verdict, peer = login(ACCOUNTS, ScriptedPamh(account, "123456"), mode=mode, deadline=today())
    assert reason(verdict) == (Refused, "rejected")
    assert peer.kinds == ["begin", "answer"]


@pytest.mark.parametrize("spelled", ["al\nice", "a" * 254, "al\udcffice"])
def test_an_account_that_the_node_spells_as_none_can_be_is_refused_unasked(
    monkeypatch: pytest.MonkeyPatch, spelled: str
) -> None:
    entry = FoldingDirectory({spelled}).getpwnam(spelled)
    monkeypatch.setattr(pwd, "getpwnam", lambda _: entry)
    verdict, peer = login(ACCOUNTS, ScriptedPamh("alice", "123456"), mode="paired")
    assert reason(verdict) == (Refused, "account-name")
    assert peer.requests == []


@pytest.mark.parametrize("kind", ["soft", "unpaired", "", "passkey"])
@pytest.mark.parametrize("asked", ["begin", "answer"])
def test_an_answer_to_a_pairing_query_never_grants(kind: str, asked: str) -> None:
    mixed = Answer(2, ((11, b"staff"), (11, f"watchword:{kind}".encode())))
    script = lambda request: mixed if request.kind == asked else challenge()  # noqa: E731
    assert reason(login(script, ScriptedPamh("alice", "1"))[0]) == (Refused, "not-about-a-code")
    staff = lambda request: accept("staff") if request.kind == asked else challenge()  # noqa: E731
    assert reason(login(staff, ScriptedPamh("alice", "1"))[0]) == (Granted, "accepted")


def test_two_pairings_that_contradict_count_as_paired() -> None:
    both = Answer(2, ((11, b"watchword:unpaired"), (11, b"watchword:soft")))
    script = lambda request: both if request.kind == "pairing query" else reject()  # noqa: E731
    assert reason(login(script, ScriptedPamh("nobody"), mode="paired")[0]) == (Refused, "rejected")


def test_a_kind_of_token_that_this_node_does_not_know_is_asked_for() -> None:
    server = TokenServer({"pat": ("passkey", "123456")})
    assert reason(login(server, ScriptedPamh("pat", "123456"), mode="paired")[0]) == (Granted, "accepted")


def test_a_person_who_takes_too_long_is_refused() -> None:
    class Slow(ScriptedPamh):
        def conversation(self, message: Any) -> Any:
            time.sleep(0.5)
            return super().conversation(message)

    with RadiusPeer(ACCOUNTS) as peer:
        settings = settings_for(peer.port)
        settings.budget_seconds = 0.4
        verdict = verdict_of(Slow("alice", "123456"), settings)
    assert reason(verdict) == (Refused, "too-slow")
    assert peer.kinds == ["begin"]


def test_a_configuration_without_servers_refuses() -> None:
    settings = settings_from({"mode": "off", "on_outage": "allow", "server": 3}, "login1")
    assert reason(verdict_of(ScriptedPamh("alice", "1"), settings)) == (Refused, "no-server")


def test_a_verdict_has_no_truth_value_and_shows_no_secret() -> None:
    for verdict in (Granted("accepted"), Refused("rejected", "text")):
        with pytest.raises(TypeError):
            bool(verdict)


def test_who_and_where_come_from_sshd_before_rhost() -> None:
    env = {"SSH_CONNECTION": "2001:db8::7 40000 192.0.2.1 22"}
    _, peer = login(ACCOUNTS, ScriptedPamh("alice", "1", rhost="login.example.org", env=env))
    assert peer.requests[0].attributes[31] == [b"2001:db8::7"]
    env = {"SSH_CONNECTION": "fe80::7%eth0 40000 fe80::1%eth0 22"}
    _, peer = login(ACCOUNTS, ScriptedPamh("alice", "1", rhost="fe80::7%eth0", env=env))
    assert peer.requests[0].attributes[31] == [b"fe80::7"]
    _, peer = login(ACCOUNTS, ScriptedPamh("alice", "1", rhost="host.example.org"))
    assert 31 not in peer.requests[0].attributes
