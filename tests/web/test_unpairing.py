"""Unpairing: with a code, or by a link that is mailed to whoever lost their phone."""

import base64
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy

from tests.web.clean_portal import clean
from tests.web.world import PUBLIC_URL, SECRET, Browser, PortalWorld
from watchword.delivery.mail import MailRecorder
from watchword.domain.errors import DeliveryFailed, DirectoryUnavailable
from watchword.domain.people import Person
from watchword.services.lost_phone import LINKS_OF_ACCOUNT
from watchword.services.write_mail import MailPostman

pytestmark = pytest.mark.slow

NUMBER = "+15125551234"


class Post:
    """The mail of a portal: what waits is delivered when a test asks for it."""

    def __init__(self, portal: PortalWorld) -> None:
        self.sent = MailRecorder()
        self.postman = MailPostman(portal.desk.store, self.sent, portal.people, clock=portal.clock)

    def last_to(self, address: str) -> str:
        """Deliver, and answer the text of the last mail to somebody."""
        while self.postman.deliver_due():
            pass
        return [mail.text for mail in self.sent.mails if mail.to == (address,)][-1]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    """A portal that can text and mail."""
    directory = tmp_path_factory.mktemp("portal")
    more = {
        "sms": {"carrier": "recorder", "recorder_file": str(directory / "messages")},
        "mail": {"server": "127.0.0.1", "operators": ["ops@example.org"]},
    }
    with PortalWorld(f"sqlite:///{directory / 'watchword.db'}", directory, more_settings=more) as world:
        yield world


@pytest.fixture
def portal(shared: PortalWorld) -> PortalWorld:
    return clean(shared)


@pytest.fixture
def post(portal: PortalWorld) -> Post:
    return Post(portal)


def serials(portal: PortalWorld, account: str = "alice") -> list[str]:
    return [token.serial for token in portal.desk.people.unpairer.tokens(account)]


def ask_for_link(portal: PortalWorld, post: Post, account: str = "alice") -> str:
    """Say that the phone is lost; answer the path of the link in the mail."""
    browser = portal.signed_in(account)
    browser.get("/lost")
    browser.post("/lost")
    assert browser.path == "/lost/sent"
    (url,) = re.findall(rf"{PUBLIC_URL}(/lost/link/\S+)", post.last_to(f"{account}@example.org"))
    return str(url)


def follow(browser: Browser, path: str) -> None:
    browser.get(path)
    browser.post("/lost/link")


def unusable_page(browser: Browser) -> str:
    assert browser.status == 410
    return re.sub(r'nonce="[^"]+"', "", browser.page)


def test_a_token_is_unpaired_with_a_current_code_and_the_person_is_told(portal: PortalWorld, post: Post) -> None:
    serial = portal.desk.services.pairer.add_soft("alice", secret=SECRET).serial
    browser = portal.signed_in("alice")
    browser.get(f"/unpair/{serial}")
    browser.post(f"/unpair/{serial}", {"code": "000000"})
    assert browser.status == 422 and serials(portal) == [serial]
    browser.post(f"/unpair/{serial}", {"code": portal.next_code()})
    assert browser.path == "/unpaired" and serials(portal) == []
    assert "A phone app was unpaired from your account alice" in post.last_to("alice@example.org")


def test_the_page_of_a_fob_whose_serial_has_a_slash_says_how_to_give_it_back(portal: PortalWorld) -> None:
    serial = "26/7?a=b#c"
    portal.desk.services.pairer.add_hard("alice", serial, secret=SECRET)
    browser = portal.signed_in("alice")
    (path,) = re.findall(r'href="(/unpair/[^"]+)"', browser.get("/"))
    page = browser.get(unescape(path))
    assert browser.status == 200 and serial in unescape(page) and "is unpaired by the help desk" in page


def test_a_wrong_code_at_unpairing_counts_as_one_at_a_login(portal: PortalWorld) -> None:
    serial = portal.desk.services.pairer.add_soft("alice", secret=SECRET).serial
    browser = portal.signed_in("alice")
    browser.get(f"/unpair/{serial}")
    browser.post(f"/unpair/{serial}", {"code": "000000"})
    assert portal.desk.services.administrator.view("alice").failures == 1


@pytest.mark.parametrize("is_first", [True, False])
def test_a_number_is_unpaired_with_a_code_that_is_texted_to_it(portal: PortalWorld, is_first: bool) -> None:
    if not is_first:
        portal.desk.services.pairer.add_soft("alice")
    serial = portal.desk.services.pairer.add_sms("alice", NUMBER, country_code="1").serial
    browser = portal.signed_in("alice")
    browser.get(f"/unpair/{serial}")
    browser.post(f"/unpair/{serial}/text")
    postman = portal.desk.services.postman
    assert postman is not None and postman.deliver_due() == 1
    (code,) = re.findall(r'"text": "([0-9]{6})', (portal.directory / "messages").read_text())
    browser.post(f"/unpair/{serial}", {"code": code})
    assert browser.path == "/unpaired" and serial not in serials(portal)


def test_a_fob_is_the_help_desks_to_take_back(portal: PortalWorld) -> None:
    portal.desk.services.pairer.add_hard("alice", "2308749", secret=SECRET)
    browser = portal.signed_in("alice")
    page = browser.get("/unpair/2308749")
    assert portal.settings.portal.help in page and "/unpair/2308749" not in page.split("<main")[1]
    browser.get("/sessions")
    browser.post("/unpair/2308749", browser.hidden("/sign-out") | {"code": portal.next_code()})
    assert browser.status == 409 and serials(portal) == ["2308749"]


@pytest.mark.parametrize("theirs", [True, False])
def test_nobody_elses_token_can_be_unpaired_or_told_from_none(portal: PortalWorld, theirs: bool) -> None:
    portal.desk.services.pairer.add_soft("alice", secret=SECRET)
    bobs = portal.desk.services.pairer.add_soft("bob").serial
    browser = portal.signed_in("alice")
    browser.get("/sessions")
    serial = bobs if theirs else "SOFT-00000000"
    page = browser.post(f"/unpair/{serial}", browser.hidden("/sign-out") | {"code": portal.next_code()})
    assert browser.status == 404 and serial not in page
    assert serials(portal, "bob") == [bobs]


def test_a_mailed_link_unpairs_what_was_there_after_a_form_and_tells_the_person(
    portal: PortalWorld, post: Post
) -> None:
    pairer = portal.desk.services.pairer
    soft = pairer.add_soft("alice").serial
    sms = pairer.add_sms("alice", NUMBER, country_code="1").serial
    pairer.add_hard("alice", "2308749", secret=SECRET)
    path = ask_for_link(portal, post)
    later = pairer.add_soft("alice").serial
    stranger = portal.browser()
    page = stranger.get(path)
    assert soft in page and sms in page and "2308749" not in page
    assert len(serials(portal)) == 4, "opening the link changes nothing: mail scanners do, too"
    stranger.post("/lost/link")
    assert stranger.path == "/lost/done"
    assert sorted(serials(portal)) == sorted([later, "2308749"]), "what came later, and fobs, stay"
    text = post.last_to("alice@example.org")
    assert "A phone for text messages and a phone app were unpaired" in text and "link that was mailed" in text
    stranger.get("/")
    assert stranger.path.startswith("/sign-in"), "the link signs nobody in"


def test_what_an_unpaired_phone_proved_is_worth_nothing_any_more(portal: PortalWorld, post: Post) -> None:
    thief = portal.signed_in("alice", proved=True)
    follow(portal.browser(), ask_for_link(portal, post))
    portal.desk.services.pairer.add_soft("alice", secret=SECRET)
    thief.get("/pair")
    assert thief.path == "/sign-in?next=/pair"
    thief, owner = portal.signed_in("alice", proved=True), portal.signed_in("alice", proved=True)
    serial = serials(portal)[0]
    owner.get(f"/unpair/{serial}")
    owner.post(f"/unpair/{serial}", {"code": portal.next_code()})
    assert owner.path == "/unpaired"
    portal.desk.services.pairer.add_soft("alice", secret=SECRET)
    thief.get("/pair")
    assert thief.path == "/sign-in?next=/pair"
    owner.get("/pair")
    assert owner.path == "/prove?next=/pair", "with the token that is there now"


def test_a_link_without_the_form_does_nothing(portal: PortalWorld, post: Post) -> None:
    portal.desk.services.pairer.add_soft("alice")
    path = ask_for_link(portal, post)
    scanner = portal.browser()
    for method in ("GET", "HEAD", "OPTIONS", "POST"):
        scanner.client.request(method, path)
    scanner.client.post("/lost/link", data={"link": path.rpartition("/")[2]})  # no token of a form of ours
    assert len(serials(portal)) == 1


def test_a_used_an_altered_and_an_expired_link_are_answered_alike(portal: PortalWorld, post: Post) -> None:
    portal.desk.services.pairer.add_soft("alice")
    path = ask_for_link(portal, post)
    carried = path.rpartition("/")[2]
    browser = portal.browser()
    pages = set()

    def refused(link: str) -> None:
        browser.get(f"/lost/link/{link}")
        pages.add(unusable_page(browser))

    octets = base64.urlsafe_b64decode(carried + "==")
    for place in (0, 17, 30, len(octets) - 1):
        changed = octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :]
        refused(base64.urlsafe_b64encode(changed).decode().rstrip("="))
    for link in (carried[:-1], carried + "A", "x", "%00", "\N{SNOWMAN}", carried + "%3D"):
        refused(link)
    portal.clock.seconds += 1799
    assert len(serials(portal)) == 1
    follow(browser, path)
    assert browser.path == "/lost/done" and serials(portal) == []
    refused(carried)
    portal.desk.services.pairer.add_soft("alice")
    expired = ask_for_link(portal, post).rpartition("/")[2]
    portal.clock.seconds += 1800
    refused(expired)
    assert len(pages) == 1
    assert len(serials(portal)) == 1


def test_a_form_that_is_replayed_removes_nothing_that_was_paired_since(portal: PortalWorld, post: Post) -> None:
    portal.desk.services.pairer.add_soft("alice")
    path = ask_for_link(portal, post)
    browser = portal.browser()
    browser.get(path)
    sent = browser.hidden("/lost/link")
    browser.post("/lost/link", sent)
    portal.desk.services.pairer.add_soft("alice")
    browser.client.post("/lost/link", data=sent)
    assert len(serials(portal)) == 1


@pytest.mark.parametrize(
    "change",
    [
        "account = 'bob'",
        "serials = serials || ' SOFT-00000000'",
        "ends_at = ends_at + 60",
        "link_id = CAST('0123456789abcdef' AS BLOB)",
    ],
)
def test_a_row_that_was_changed_in_the_database_makes_no_link(portal: PortalWorld, post: Post, change: str) -> None:
    portal.desk.services.pairer.add_soft("alice")
    path = ask_for_link(portal, post)
    with portal.desk.store.database.engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"UPDATE mail_links SET {change}"))
    browser = portal.browser()
    browser.get(path)
    unusable_page(browser)


def test_asking_says_the_same_whether_there_is_a_mail_address_or_a_phone(portal: PortalWorld, post: Post) -> None:
    portal.people.people["carol"] = Person("carol")
    for account in ("alice", "carol"):
        portal.desk.services.pairer.add_soft(account)
    pages = set()
    for account in ("alice", "bob", "carol"):
        browser = portal.signed_in(account)
        browser.get("/lost")
        pages.add(re.sub(r'(nonce|value)="[^"]+"', "", browser.post("/lost")).replace(account, "NAME"))
    assert len(pages) == 1
    while post.postman.deliver_due():
        pass
    assert {mail.to for mail in post.sent.mails} == {("alice@example.org",)}
    assert ("mail", "failed") in [event[:2] for event in portal.events("carol")]


def test_only_who_is_signed_in_can_ask_and_not_often(portal: PortalWorld) -> None:
    stranger = portal.browser()
    stranger.get("/sign-in")
    stranger.post("/lost", stranger.hidden("/sign-in"))
    assert stranger.path.startswith("/sign-in")
    browser = portal.signed_in("alice")
    for _ in range(LINKS_OF_ACCOUNT.tries):
        browser.get("/lost")
        browser.post("/lost")
        assert browser.path == "/lost/sent"
    browser.get("/lost")
    browser.post("/lost")
    assert browser.status == 429


def test_a_held_account_gets_no_link_and_uses_none(portal: PortalWorld, post: Post) -> None:
    portal.desk.services.pairer.add_soft("alice")
    path = ask_for_link(portal, post)
    portal.desk.services.administrator.lock("alice")
    browser = portal.browser()
    browser.get(path)
    unusable_page(browser)
    asking = portal.signed_in("alice")
    asking.get("/lost")
    asking.post("/lost")
    assert asking.path == "/lost/sent"
    assert post.postman.deliver_due() == 0


def test_mail_waits_through_an_outage_of_server_and_directory_and_news_are_not_for_ever(
    portal: PortalWorld, post: Post
) -> None:
    portal.desk.services.pairer.add_soft("alice", secret=SECRET)
    serial = serials(portal)[0]
    browser = portal.signed_in("alice")
    browser.get(f"/unpair/{serial}")
    browser.post(f"/unpair/{serial}", {"code": portal.next_code()})
    post.sent.failures = [DeliveryFailed("the mail server answered 451")]
    assert post.postman.deliver_due() == 1
    assert post.postman.deliver_due() == 0, "it is tried again after a pause"
    portal.clock.seconds += 10
    real_find = portal.people.find
    portal.people.find = _unavailable  # type: ignore[method-assign]  # the directory is away
    assert post.postman.deliver_due() == 1
    portal.people.find = real_find  # type: ignore[method-assign]  # and back
    portal.clock.seconds += 20
    assert "unpaired" in post.last_to("alice@example.org")
    assert [event[:2] for event in portal.events("alice") if event[0] == "mail"] == [
        ("mail", "failed"),
        ("mail", "done"),
    ]


def test_who_has_no_address_in_the_directory_is_written_to_at_the_centres_domain(portal: PortalWorld) -> None:
    portal.people.people["carol"] = Person("carol")
    portal.desk.services.pairer.add_soft("carol")
    browser = portal.signed_in("carol")
    browser.get("/lost")
    browser.post("/lost")
    sent = MailRecorder()
    postman = MailPostman(portal.desk.store, sent, portal.people, clock=portal.clock, domain="people.example.org")
    assert postman.deliver_due() == 1
    assert [mail.to for mail in sent.mails] == [("carol@people.example.org",)]


def _unavailable(account: str) -> Person | None:
    raise DirectoryUnavailable("no LDAP server answers")


def test_without_a_mail_server_a_lost_phone_is_the_help_desks(tmp_path: Path) -> None:
    with PortalWorld(f"sqlite:///{tmp_path / 'watchword.db'}", tmp_path) as portal:
        portal.desk.services.pairer.add_soft("alice")
        browser = portal.signed_in("alice")
        page = browser.get("/lost")
        assert 'action="/lost"' not in page and portal.settings.portal.help in page
        browser.post("/lost", browser.hidden("/sign-out"))
        assert portal.events("alice")[-1][2] == "no link for a lost phone to mail"
