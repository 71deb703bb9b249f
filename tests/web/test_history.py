"""What people see of their account: tokens, logins, sessions; and "this wasn't me"."""

import re
from collections.abc import Iterator

import pytest

from tests.web.clean_portal import clean
from tests.web.test_unpairing import Post
from tests.web.world import SECRET, PortalWorld
from watchword.domain.outcome import Denied
from watchword.services.attempts import Attempt, OneShot, PairingQuery
from watchword.services.this_wasnt_me import MAILS

pytestmark = pytest.mark.slow

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    """A portal that tells operators by mail."""
    directory = tmp_path_factory.mktemp("portal")
    more = {"mail": {"server": "127.0.0.1", "operators": ["ops@example.org"]}}
    with PortalWorld(f"sqlite:///{directory / 'watchword.db'}", directory, more_settings=more) as world:
        yield world


@pytest.fixture
def portal(shared: PortalWorld) -> PortalWorld:
    return clean(shared)


def log_in(portal: PortalWorld, account: str, code: str, node: str = "login1") -> object:
    attempt = Attempt(account, OneShot(code), address="203.0.113.9", node=node)
    (outcome,) = portal.desk.services.answer([attempt])
    return outcome


def report_links(page: str) -> list[str]:
    return re.findall(r'href="(/history/\d+/not-me)"', page)


def test_the_first_page_shows_the_tokens_when_they_were_used_and_the_last_logins(portal: PortalWorld) -> None:
    serial = portal.desk.services.pairer.add_soft("alice", secret=SECRET, label="red phone").serial
    browser = portal.signed_in("alice")
    page = browser.get("/")
    assert serial in page and "red phone" in page and "not yet" in page
    log_in(portal, "alice", portal.next_code())
    log_in(portal, "alice", "000000")
    page = browser.get("/")
    assert "not yet" not in page
    assert "Let in from 203.0.113.9 on login1" in page
    assert "Refused from 203.0.113.9 on login1: wrong code, 1 of 20" in page


def test_the_history_goes_back_page_by_page_and_is_ones_own_alone(portal: PortalWorld) -> None:
    portal.desk.services.pairer.add_soft("alice", secret=SECRET)
    portal.desk.services.pairer.add_soft("bob")
    for number in range(30):
        log_in(portal, "alice", "0", node=f"node{number}")
        log_in(portal, "bob", "0", node="bobs-node")
        portal.desk.services.administrator.unlock("alice")
    browser = portal.signed_in("alice")
    seen, pages, path = set(), 0, "/history"
    while path:
        page = browser.get(path)
        pages += 1
        seen.update(re.findall(r"on (node\d+)", page))
        assert "bobs-node" not in page
        following = re.findall(r'href="(/history\?before=\d+)"', page)
        path = following[0] if following else ""
    assert seen == {f"node{number}" for number in range(30)} and pages == 3


def test_logins_are_found_behind_all_the_questions_that_a_script_asked(portal: PortalWorld) -> None:
    portal.desk.services.pairer.add_soft("alice", secret=SECRET)
    log_in(portal, "alice", "000000")
    queries = [Attempt("alice", PairingQuery(), node="login1")] * 100
    portal.desk.services.answer(queries)
    browser = portal.signed_in("alice")
    assert "wrong code, 1 of 20" in browser.get("/")
    assert "wrong code, 1 of 20" in browser.get("/history")


def test_html_in_every_field_of_a_history_stays_text(portal: PortalWorld) -> None:
    portal.desk.services.pairer.add_soft("alice", label=HOSTILE)
    attempt = Attempt("alice", OneShot("0"), address=HOSTILE, node=HOSTILE, client=HOSTILE)
    portal.desk.services.answer([attempt])
    browser = portal.browser()
    browser.get("/sign-in")
    browser.client.headers["User-Agent"] = HOSTILE
    browser.sign_in("alice")
    for path in ("/", "/history", "/sessions", report_links(browser.get("/history"))[0]):
        page = browser.get(path)
        assert browser.status == 200 and "<script>alert" not in page
    assert "&lt;script&gt;" in browser.get("/history") and "&lt;script&gt;" in browser.get("/")


def test_which_operator_did_something_and_why_is_not_told(portal: PortalWorld) -> None:
    serial = portal.desk.services.pairer.add_soft("alice").serial
    portal.desk.administrator("hugo", "suspected thief", "10.0.0.1").set_enabled(serial, enabled=False)
    page = portal.signed_in("alice").get("/history")
    assert "Token disabled" in page and "by the help desk" in page
    assert "hugo" not in page and "suspected" not in page and "10.0.0.1" not in page


def test_this_wasnt_me_holds_the_account_ends_its_sessions_and_tells_the_operators(portal: PortalWorld) -> None:
    portal.desk.services.pairer.add_soft("alice", secret=SECRET)
    log_in(portal, "alice", "000000")
    browser, other = portal.signed_in("alice"), portal.signed_in("alice")
    refused = browser.get("/history").partition("Refused")[2]
    link = report_links(refused)[0]
    assert "Refused from 203.0.113.9 on login1" in browser.get(link)
    assert portal.desk.services.administrator.view("alice").locked == "", "asking changes nothing"
    browser.post(link)
    assert browser.path == "/reported"
    assert portal.desk.sessions.of_account("alice") == []
    other.get("/history")
    assert other.path.startswith("/sign-in")
    assert isinstance(log_in(portal, "alice", portal.next_code()), Denied)
    assert ("reported", "done", "this wasn't me") in [event[:3] for event in portal.events("alice")]
    text = Post(portal).last_to("ops@example.org")
    assert text.startswith("alice says: this wasn't me.") and "The account is held" in text
    assert "Refused from 203.0.113.9 on login1" in text
    again = portal.signed_in("alice")
    assert "Your account is held" in again.get("/")


def test_reports_one_after_the_other_hold_the_account_each_time_and_mail_the_operators_a_few_times(
    portal: PortalWorld,
) -> None:
    log_in(portal, "alice", "000000")
    ((row, _),) = portal.desk.services.reporter.newest(1, account="alice")

    def report() -> None:
        portal.desk.people.reports.report("alice", f"event {row}", "198.51.100.7")
        assert portal.desk.services.administrator.view("alice").locked == "held by an operator"
        portal.desk.services.administrator.unlock("alice")

    def mails() -> int:
        with portal.desk.store.database.engine.connect() as connection:
            return int(connection.exec_driver_sql("SELECT COUNT(*) FROM mails").scalar_one())

    for _ in range(MAILS.tries + 3):
        report()
    assert mails() == MAILS.tries
    reported = [event for event in portal.events("alice") if event[0] == "reported"]
    assert len(reported) == MAILS.tries + 3
    portal.clock.seconds += MAILS.window_seconds
    report()
    assert mails() == MAILS.tries + 1


def test_nobody_elses_entry_can_be_reported_or_read(portal: PortalWorld) -> None:
    log_in(portal, "bob", "0")
    ((event_id, _),) = portal.desk.services.reporter.newest(1, account="bob")
    browser = portal.signed_in("alice")
    for path in (f"/history/{event_id}/not-me", "/history/999999/not-me"):
        browser.get(path)
        assert browser.status == 404
        browser.post(path, browser.hidden("/sign-out"))
        assert browser.status in (403, 404)
    assert portal.desk.sessions.of_account("alice") != []
    for path in ("/history/0/not-me", "/history/-1/not-me", f"/history/{2**70}/not-me", "/history?before=x"):
        browser.get(path)
        assert browser.status == 400


def test_sessions_are_listed_and_can_be_ended(portal: PortalWorld) -> None:
    browser, second, third = [portal.signed_in("alice") for _ in range(3)]
    bob = portal.signed_in("bob")
    page = browser.get("/sessions")
    names = re.findall(r'name="session" value="([0-9a-f]{32})"', page)
    assert len(names) == 2
    bob.get("/sessions")
    bob.post("/sessions/end", bob.hidden("/sign-out") | {"session": names[0]})
    assert len(portal.desk.sessions.of_account("alice")) == 3, "nobody ends another's"
    browser.post("/sessions/end", {"session": names[0]})
    assert len(portal.desk.sessions.of_account("alice")) == 2
    browser.post("/sessions/end", browser.hidden("/sign-out") | {"session": names[0]})
    browser.get("/sessions")
    browser.post("/sessions/end-others")
    (left,) = portal.desk.sessions.of_account("alice")
    assert portal.desk.sessions.find(browser.client.cookies["__Host-watchword"]) == left
    said = [event[2:] for event in portal.events("alice") if event[0] == "administration"]
    ended_once = [("session ended", "", "begun from 198.51.100.7"), ("sessions ended", "", "1 of them")]
    assert said == ended_once, "each is in the audit log, and an end that was none is not"
    assert "Session ended from 198.51.100.7: begun from 198.51.100.7" in browser.get("/history")
    for ended in (second, third):
        ended.get("/sessions")
        assert ended.path.startswith("/sign-in")


def test_neither_cookie_nor_its_hash_is_in_the_page_of_sessions(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    portal.signed_in("alice")
    page = browser.get("/sessions")
    for session in portal.desk.sessions.of_account("alice"):
        assert session.session_hash.hex() not in page
    assert browser.client.cookies["__Host-watchword"] not in page
