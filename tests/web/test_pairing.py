"""Pairing, a step at a time: what is paired, and all the ways in which nothing is."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from tests.harness.one_time_codes import oathtool_code
from tests.web.clean_portal import clean
from tests.web.world import SECRET, Browser, PortalWorld, password_of
from watchword.domain.otp import OtpProfile
from watchword.domain.outcome import Denied, Granted, Outcome
from watchword.domain.seeds import SeedRow
from watchword.domain.tokens import Kind
from watchword.services.attempts import Attempt, OneShot
from watchword.services.pairing_flow_rules import CODES_OF_ACCOUNT, MOST_WRONG_CODES, TEXTS_TO_NUMBER

pytestmark = pytest.mark.slow

NUMBER = "(512) 555-1234"
FOB = SeedRow("2308749", SECRET, OtpProfile())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    """A portal that can text."""
    directory = tmp_path_factory.mktemp("portal")
    sms = {"carrier": "recorder", "recorder_file": str(directory / "messages")}
    more = {"sms": sms, "portal": {"countries": ["US", "DE"]}}
    with PortalWorld(f"sqlite:///{directory / 'watchword.db'}", directory, more_settings=more) as world:
        yield world


@pytest.fixture
def portal(shared: PortalWorld) -> PortalWorld:
    return clean(shared)


def begin(browser: Browser, kind: str) -> str:
    browser.get("/pair")
    return browser.post("/pair", {"kind": kind})


def secret_on(page: str) -> bytes:
    """Read the secret off the page, as somebody does who cannot scan it."""
    (text,) = re.findall(r'id="secret">([A-Z2-7 ]+)</code>', page)
    assert all(len(group) == 4 for group in text.split()), "in groups of four"
    return base64.b32decode(text.replace(" ", ""))


def code_for(portal: PortalWorld, page: str) -> str:
    return oathtool_code(secret_on(page).hex(), portal.clock.seconds)


def wrong_code(portal: PortalWorld, page: str) -> str:
    """Return a code that is not even one of a phone whose clock is off: of 20 guesses, one in 2,000 would be."""
    secret, now = secret_on(page).hex(), portal.clock.seconds
    good = {oathtool_code(secret, now + 30 * step) for step in range(-11, 12)}
    return next(code for code in map("{:06}".format, range(100)) if code not in good)


def texted_code(portal: PortalWorld) -> str:
    postman = portal.desk.services.postman
    assert postman is not None and postman.deliver_due() == 1
    last = (portal.directory / "messages").read_text().splitlines()[-1]
    text: str = json.loads(last)["text"]
    return text[:6]


def one_shot(portal: PortalWorld, account: str, code: str) -> Outcome:
    (outcome,) = portal.desk.services.answer([Attempt(account, OneShot(code))])
    return outcome


def kinds_of(portal: PortalWorld, account: str) -> list[Kind]:
    return [token.kind for token in portal.desk.people.unpairer.tokens(account)]


def left_behind(portal: PortalWorld) -> dict[str, int]:
    """Count the rows of everything that a pairing could leave behind; empty if there are none."""
    tables = ("flows", "tokens", "accounts", "outbox", "sent_codes")
    with portal.desk.store.database.engine.connect() as connection:
        counts = {name: connection.scalar(sqlalchemy.text(f"SELECT count(*) FROM {name}")) for name in tables}
    return {name: count for name, count in counts.items() if count}


def secret_of(portal: PortalWorld, account: str) -> bytes:
    (owned,) = portal.desk.store.read(lambda rows: rows.tokens.page("", 10, account=account))
    return owned.token.secret


def test_a_phone_is_paired_once_its_code_is_proved_and_that_code_opens_nothing_more(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    page = begin(browser, "soft")
    assert "<svg viewBox" in page and browser.headers["Cache-Control"] == "no-store"
    assert kinds_of(portal, "alice") == []
    code = code_for(portal, page)
    page = browser.post("/pair/code", {"code": f"{code[:3]} {code[3:]}"})
    assert browser.path == "/pair/done"
    assert kinds_of(portal, "alice") == [Kind.SOFT]
    assert left_behind(portal) == {"tokens": 1, "accounts": 1}
    assert isinstance(one_shot(portal, "alice", code), Denied)
    assert isinstance(one_shot(portal, "alice", portal.next_code(secret_of(portal, "alice"))), Granted)


def test_after_the_first_pairing_the_session_needs_no_second_code_and_has_a_new_cookie(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    before = browser.client.cookies["__Host-watchword"]
    other = portal.signed_in("alice")
    page = begin(browser, "soft")
    browser.post("/pair/code", {"code": code_for(portal, page)})
    assert browser.client.cookies["__Host-watchword"] != before
    browser.get("/pair")
    assert browser.path == "/pair"
    other.get("/pair")
    assert other.path == "/prove?next=/pair", "the others have to give a code from now on"


def test_a_number_is_paired_once_the_texted_code_is_proved(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    begin(browser, "sms")
    page = browser.post("/pair/number", {"number": NUMBER, "country": "US"})
    assert "XXX-XXX-1234" in page and "555-1234" not in page.replace("XXX-XXX-1234", "")
    browser.post("/pair/code", {"code": texted_code(portal)})
    assert browser.path == "/pair/done"
    assert kinds_of(portal, "alice") == [Kind.SMS]
    assert left_behind(portal) == {"tokens": 1, "accounts": 1}
    assert secret_of(portal, "alice") == b"+15125551234"


def test_a_fob_is_paired_by_its_serial_and_a_code_of_it(portal: PortalWorld) -> None:
    portal.desk.services.administrator.import_seeds([FOB])
    browser = portal.signed_in("alice")
    begin(browser, "hard")
    page = browser.post("/pair/serial", {"serial": f" {FOB.serial} "})
    assert FOB.serial in page
    code = portal.next_code()
    browser.post("/pair/code", {"code": code})
    assert browser.path == "/pair/done"
    assert kinds_of(portal, "alice") == [Kind.HARD]
    assert "flows" not in left_behind(portal)
    assert isinstance(one_shot(portal, "alice", code), Denied)


def test_a_wrong_code_reads_the_same_for_a_fob_that_is_not_there(portal: PortalWorld) -> None:
    portal.desk.services.administrator.import_seeds([FOB])
    browser = portal.signed_in("alice")

    def refusal(serial: str) -> str:
        begin(browser, "hard")
        browser.post("/pair/serial", {"serial": serial})
        page = browser.post("/pair/code", {"code": "000000"})
        assert browser.status == 422
        return re.sub(r'nonce="[^"]+"|value="[^"]*"', "", page).replace(serial, "")

    assert refusal(FOB.serial) == refusal("9999999")


@pytest.mark.parametrize("kind", ["soft", "sms", "hard"])
def test_a_reload_ends_the_pairing_and_leaves_nothing_behind(portal: PortalWorld, kind: str) -> None:
    browser = portal.signed_in("alice")
    begin(browser, kind)
    assert browser.path == "/pair/step"
    page = browser.page
    browser.get("/pair/step")
    assert browser.path == "/pair/over"
    assert left_behind(portal) == {}
    if kind == "soft":
        browser.page = page  # as the back button brings it
        browser.post("/pair/code", {"code": code_for(portal, page)})
        assert browser.path == "/pair/over"
        assert left_behind(portal) == {}


def test_the_back_button_to_the_choice_ends_the_pairing(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    page = begin(browser, "soft")
    browser.get("/pair")
    assert left_behind(portal) == {}
    browser.page = page
    browser.post("/pair/code", {"code": code_for(portal, page)})
    assert browser.path == "/pair/over"
    assert kinds_of(portal, "alice") == []


def test_going_back_to_the_number_takes_back_a_message_that_has_not_left(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    form = begin(browser, "sms")
    browser.post("/pair/number", {"number": NUMBER, "country": "US"})
    assert left_behind(portal) == {"flows": 1, "outbox": 1}
    browser.page = form  # the back button
    browser.post("/pair/number", {"number": NUMBER, "country": "US"})
    assert browser.path == "/pair/over"
    assert left_behind(portal) == {}


def test_a_page_that_a_browser_fetches_ahead_ends_nothing(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    page = begin(browser, "soft")
    for path in ("/pair", "/pair/step"):
        assert browser.client.get(path, headers={"Sec-Purpose": "prefetch;prerender"}).status_code == 503
    browser.post("/pair/code", {"code": code_for(portal, page)})
    assert browser.path == "/pair/done"


def test_a_second_tab_ends_the_pairing_of_the_first(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    first = begin(browser, "soft")
    second = begin(browser, "soft")
    assert secret_on(first) != secret_on(second)
    browser.page = first
    browser.post("/pair/code", {"code": code_for(portal, first)})
    assert browser.path == "/pair/over"
    browser.page = second
    browser.post("/pair/code", {"code": code_for(portal, second)})
    assert browser.path == "/pair/over", "the form of another pairing ends this one"
    assert left_behind(portal) == {}


def test_another_session_of_the_account_cannot_go_on_with_a_pairing(portal: PortalWorld) -> None:
    browser, thief = portal.signed_in("alice"), portal.signed_in("alice")
    page = begin(browser, "soft")
    thief.page = page
    thief.get("/pair/step")
    assert thief.path == "/pair/over" and "secret" not in thief.page
    ticket = browser.hidden("/pair/code")["ticket"]
    thief.get("/sessions")
    csrf = thief.hidden("/sign-out")
    answer = thief.client.post("/pair/code", data=csrf | {"ticket": ticket, "code": code_for(portal, page)})
    assert answer.url.path == "/pair/over"
    assert kinds_of(portal, "alice") == []
    browser.post("/pair/code", {"code": code_for(portal, page)})
    assert browser.path == "/pair/done", "and does not disturb it"


@pytest.mark.parametrize("step", ["/pair/number", "/pair/code"])
def test_a_form_that_is_sent_twice_ends_the_pairing(portal: PortalWorld, step: str) -> None:
    browser = portal.signed_in("alice")
    form = begin(browser, "sms")
    fields = {"number": "no number", "country": "US"}
    if step == "/pair/code":
        form, fields = browser.post("/pair/number", {"number": NUMBER, "country": "US"}), {"code": "000000"}
        texted_code(portal)
    browser.post(step, fields)
    assert browser.status == 422
    browser.page = form
    browser.post(step, fields)
    assert browser.path == "/pair/over"
    assert left_behind(portal) == {}


def test_a_finished_pairing_cannot_be_walked_again(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    page = begin(browser, "soft")
    sent = browser.hidden("/pair/code") | {"code": code_for(portal, page)}
    browser.post("/pair/code", sent)
    for _ in range(2):
        browser.client.post("/pair/code", data=sent)
        browser.get("/pair/step")
        assert browser.path == "/pair/over" and "App on a phone" in browser.page, "it says what is paired"
    assert len(kinds_of(portal, "alice")) == 1


def test_steps_cannot_be_skipped(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    begin(browser, "sms")
    ticket = browser.hidden("/pair/number")["ticket"]
    browser.post("/pair/code", browser.hidden("/pair/number") | {"ticket": ticket, "code": ""})
    assert browser.path == "/pair/over"
    assert left_behind(portal) == {}


def test_a_pairing_ends_after_ten_minutes_and_is_swept_up(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    page = begin(browser, "soft")
    portal.clock.seconds += 600
    browser.post("/pair/code", {"code": code_for(portal, page)})
    assert browser.path == "/pair/over"
    begin(browser, "sms")
    browser.post("/pair/number", {"number": NUMBER, "country": "US"})
    portal.clock.seconds += 600
    assert portal.desk.people.pairing.sweep() == 1
    assert left_behind(portal) == {}


def test_five_wrong_codes_end_a_pairing_and_beginning_anew_gives_no_endless_tries(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    for _ in range(CODES_OF_ACCOUNT.tries // MOST_WRONG_CODES):
        wrong = wrong_code(portal, begin(browser, "soft"))
        for _ in range(MOST_WRONG_CODES - 1):
            browser.post("/pair/code", {"code": wrong})
            assert browser.status == 422
        browser.post("/pair/code", {"code": wrong})
        assert browser.path == "/pair/over"
    page = begin(browser, "soft")
    browser.post("/pair/code", {"code": code_for(portal, page)})
    assert browser.status == 429 and int(browser.headers["Retry-After"]) > 0
    assert left_behind(portal) == {}
    denied = [event for event in portal.events("alice") if event[:3] == ("pairing", "denied", "wrong_code")]
    assert len(denied) == CODES_OF_ACCOUNT.tries


def test_one_number_is_texted_a_few_times_an_hour_whoever_asks(portal: PortalWorld) -> None:
    def ask(account: str) -> Browser:
        browser = portal.signed_in(account)
        begin(browser, "sms")
        browser.post("/pair/number", {"number": NUMBER, "country": "US"})
        return browser

    for account in ("alice", "bob", "carol", "dave")[: TEXTS_TO_NUMBER.tries]:
        assert ask(account).status == 200
    assert ask("erin").status == 429
    assert left_behind(portal)["outbox"] == TEXTS_TO_NUMBER.tries


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+44 7700 900123", "US"),
        ("+1 900 555 1234", "US"),
        ("555 1234", "US"),
        ("512 555 1234", "FR"),
        ('"><script>', "US"),
        ("", "US"),
    ],
)
def test_a_number_that_cannot_be_texted_is_asked_for_again(portal: PortalWorld, number: str, country: str) -> None:
    browser = portal.signed_in("alice")
    begin(browser, "sms")
    page = browser.post("/pair/number", {"number": number, "country": country})
    assert browser.status == 422 and "<script>" not in page
    assert left_behind(portal) == {"flows": 1}
    browser.post("/pair/number", {"number": "01512 3456789", "country": "DE"})
    assert browser.path == "/pair/step" and left_behind(portal) == {"flows": 1, "outbox": 1}


def test_html_in_a_serial_stays_text(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    begin(browser, "hard")
    page = browser.post("/pair/serial", {"serial": "<img/src=x>"})
    assert "<img" not in page and "&lt;img/src=x&gt;" in page


def test_a_paired_account_needs_a_code_before_it_is_paired_with_more(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    page = begin(browser, "soft")
    portal.desk.services.pairer.add_soft("alice", secret=SECRET)  # the owner's, a moment later
    answer = browser.client.post("/pair/code", data=browser.hidden("/pair/code") | {"code": code_for(portal, page)})
    assert answer.url.path == "/prove"
    assert len(kinds_of(portal, "alice")) == 1


def test_a_disabled_token_is_no_way_around_the_code(portal: PortalWorld) -> None:
    serial = portal.desk.services.pairer.add_soft("alice").serial
    portal.desk.services.administrator.set_enabled(serial, enabled=False)
    browser = portal.signed_in("alice")
    browser.get("/pair")
    assert browser.path == "/prove?next=/pair"
    browser.post("/pair", browser.hidden("/sign-out") | {"kind": "soft"})
    assert browser.path == "/prove?next=/"
    assert left_behind(portal) == {"tokens": 1, "accounts": 1}


def test_a_held_account_pairs_nothing(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    page = begin(browser, "soft")
    portal.desk.services.administrator.lock("alice")
    browser.post("/pair/code", {"code": code_for(portal, page)})
    assert browser.status == 403
    assert kinds_of(portal, "alice") == []


def test_whoever_comes_to_pair_with_a_held_account_reads_what_is_so_and_whom_to_ask(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    portal.desk.services.administrator.lock("alice")
    page = browser.get("/pair")
    assert browser.status == 403
    assert "Your account is held" in page and "nothing is paired or unpaired" in page
    assert page.count("Ask the help desk.") == 2, "there, and at the foot of each page"
    stranger = portal.browser()
    assert "held" not in stranger.get("/pair") and stranger.path == "/sign-in?next=/pair"


def test_an_account_has_so_many_tokens_and_no_more(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice", proved=True)
    for _ in range(9):
        portal.desk.services.pairer.add_soft("alice")
    begin(browser, "soft")
    assert browser.status == 409


def test_only_kinds_that_the_centre_offers_can_be_begun(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    begin(browser, "static")
    assert browser.status == 400
    begin(browser, "passkey")
    assert browser.status == 400
    assert left_behind(portal) == {}


@pytest.mark.parametrize(
    ("carrier", "kinds", "offered"),
    [
        ("none", ["soft", "sms", "hard"], ["soft", "hard"]),
        ("elsewhere", ["sms", "soft"], ["sms", "soft"]),
        ("elsewhere", [], []),
    ],
)
def test_what_can_be_paired_is_the_centres_choice_and_texts_need_a_carrier(
    tmp_path: Path, carrier: str, kinds: list[str], offered: list[str]
) -> None:
    more = {"sms": {"carrier": carrier}, "portal": {"kinds": kinds}}
    with PortalWorld(f"sqlite:///{tmp_path / 'watchword.db'}", tmp_path, more_settings=more) as portal:
        assert "text messages" not in [errand.name for errand in portal.desk.people.errands], "another server sends"
        page = portal.signed_in("alice").get("/pair")
        assert re.findall(r'name="kind" value="([a-z]+)"', page) == offered
        assert offered or portal.settings.portal.help in page.split("</h1>")[1].split("<footer")[0]


def test_no_secret_is_in_the_audit_log_or_in_clear_in_the_database(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    page = begin(browser, "soft")
    secret = secret_on(page)
    tables = ("flows", "audit", "outbox", "throttles")
    with portal.desk.store.database.engine.connect() as connection:
        dump = b"".join(
            bytes(value) if isinstance(value, bytes) else str(value).encode()
            for name in tables
            for row in connection.execute(sqlalchemy.text(f"SELECT * FROM {name}"))
            for value in row
        )
    assert secret not in dump and secret.hex().encode() not in dump
    assert base64.b32encode(secret) not in dump


def test_the_splash_comes_at_each_sign_in_until_something_is_paired(portal: PortalWorld) -> None:
    for _ in range(2):
        browser = portal.signed_in("alice")
        browser.get("/")
        assert browser.path == "/splash"
        browser.post("/splash")
        assert browser.path == "/"
        browser.get("/")
        assert browser.path == "/"
    portal.desk.services.pairer.add_soft("alice")
    browser = portal.signed_in("alice")
    browser.get("/")
    assert browser.path == "/"
    browser.get("/splash")
    assert browser.path == "/"


def test_the_splash_comes_before_the_page_that_somebody_signed_in_for_and_leads_there(portal: PortalWorld) -> None:
    browser = portal.browser()
    browser.get("/history")
    browser.post("/sign-in", {"account": "alice", "password": password_of("alice")})
    assert browser.path == "/splash?next=%2Fhistory"
    browser.post("/splash")
    assert browser.path == "/history"


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"])
def test_the_splash_leads_nowhere_else(portal: PortalWorld, elsewhere: str) -> None:
    browser = portal.signed_in("alice")
    browser.get("/splash")
    browser.post("/splash", {"next": elsewhere})
    assert browser.path == "/"
