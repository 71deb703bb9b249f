"""Operators' pages: who may do what, what is written down, and what the pages say."""

import re
from collections.abc import Iterator
from html import escape, unescape

import pytest

from tests.harness.one_time_codes import oathtool_code
from tests.web.world import SECRET, Browser, PortalWorld
from watchword.domain.otp import OtpProfile
from watchword.domain.people import Person
from watchword.domain.seeds import SeedRow
from watchword.portal.operators.acts import ACTS, Subject
from watchword.services.attempts import Attempt, OneShot

HTML = "<b>x</b>'\"&"
WHY = "she called, and showed her badge"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    """One portal for all tests here: they use accounts of their own."""
    directory = tmp_path_factory.mktemp("portal")
    (directory / "exemptions.conf").write_text("+ : alice : 203.0.113.9 : 2030-12-31\n", encoding="utf-8")
    more = {"portal": {"exemptions": str(directory / "exemptions.conf"), "session_hours": 24, "idle_minutes": 1440}}
    with PortalWorld(f"sqlite:///{directory / 'watchword.db'}", directory, more_settings=more) as world:
        yield world


@pytest.fixture(scope="module")
def staff(portal: PortalWorld) -> dict[str, Browser]:
    """A browser for each role, and one of a person with none."""
    return {name: portal.signed_in(name, proved=True) for name in ("ada", "hugo", "otto", "carol")}


def add_person(portal: PortalWorld, name: str) -> str:
    portal.people.people[name] = Person(name, name=f"{name.title()} Example")
    return name


def add_fob(portal: PortalWorld, serial: str) -> str:
    portal.desk.services.administrator.import_seeds([SeedRow(serial, SECRET, OtpProfile(6, 60))])
    return serial


def refuse(portal: PortalWorld, account: str, times: int = 1) -> None:
    for _ in range(times):
        portal.desk.services.answer([Attempt(account, OneShot("000000"), "203.0.113.9", "login1", "login1")])


def make_target(portal: PortalWorld, act: str, name: str) -> tuple[str, dict[str, str]]:
    """Make what an act can be done to; answers it, and what has to be given beside the reason."""
    add_person(portal, name)
    serial = portal.desk.services.pairer.add_soft(name, secret=SECRET).serial
    administrator = portal.desk.services.administrator
    match act:
        case "unlock":
            administrator.lock(name)
        case "enable":
            administrator.set_enabled(serial, enabled=False)
        case "assign":
            return name, {"serial": add_fob(portal, f"26{name}")}
        case "unassign":
            serial = add_fob(portal, f"26{name}")
            portal.desk.services.pairer.assign(serial, name)
        case "resync":
            now = portal.clock.seconds
            codes = {"first": oathtool_code(SECRET.hex(), now), "second": oathtool_code(SECRET.hex(), now + 30)}
            return serial, codes
    return (name if ACTS[act].subject is Subject.ACCOUNT else serial), {}


ALLOWED = [("ada", act) for act in ACTS] + [("hugo", act) for act in ACTS]
REFUSED = [(who, act) for who in ("otto", "carol") for act in ACTS]

WRITTEN = {
    "clear-failures": "failures cleared",
    "unlock": "unlocked",
    "lock": "locked",
    "assign": "paired",
    "enable": "token enabled",
    "disable": "token disabled",
    "resync": "token resynced",
    "unassign": "unpaired",
    "remove": "removed",
}


@pytest.mark.parametrize(("who", "act"), ALLOWED)
def test_an_act_is_done_and_written_down_with_who_why_and_from_where(
    portal: PortalWorld, staff: dict[str, Browser], who: str, act: str
) -> None:
    account = f"{act}-{who}"
    subject, given = make_target(portal, act, account)
    browser = staff[who]
    browser.get(f"/operators/act/{act}?subject={subject}")
    assert browser.status == 200
    browser.post(f"/operators/act/{act}", given | {"why": WHY})
    assert browser.status == 200 and f"done={act}" in browser.path
    assert ACTS[act].done in browser.page
    (*_, (row, chained)) = portal.desk.services.reporter.newest(1000, account=account)
    assert row and chained.event.reason.startswith(WRITTEN[act])
    assert (chained.event.actor, chained.event.address) == (who, "198.51.100.7")
    assert chained.event.detail.endswith(WHY)


@pytest.mark.parametrize(("who", "act"), REFUSED)
def test_an_act_is_refused_to_whoever_has_no_role_for_it(
    portal: PortalWorld, staff: dict[str, Browser], who: str, act: str
) -> None:
    subject, given = make_target(portal, act, f"{act}-{who}")
    browser = staff[who]
    before = portal.events()
    browser.get(f"/operators/act/{act}?subject={subject}")
    assert browser.status == 403
    browser.get("/")
    token = browser.hidden("/sign-out")
    browser.post(f"/operators/act/{act}", token | given | {"subject": subject, "why": WHY})
    assert browser.status == 403
    assert portal.events() == before


PAGES = {
    "/operators/": "aho",
    "/operators/?q=al": "aho",
    "/operators/account?name=alice": "aho",
    "/operators/why?name=alice": "aho",
    "/operators/live": "aho",
    "/operators/live/locked": "aho",
    "/operators/live/refusals": "aho",
    "/operators/live/reports": "aho",
    "/operators/import": "a",
    "/operators/classes": "a",
    "/operators/classes?spelled=train01..train03": "a",
}


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_for_its_roles_alone(portal: PortalWorld, staff: dict[str, Browser], path: str) -> None:
    seen = {}
    for who, browser in staff.items():
        browser.get(path)
        seen[who] = browser.status
    allowed = {"ada": "a", "hugo": "h", "otto": "o", "carol": "-"}
    assert seen == {who: 200 if letter in PAGES[path] else 403 for who, letter in allowed.items()}


ADMINS_FORMS = {
    "/operators/import": {},
    "/operators/import/confirm": {"id": "0" * 32, "why": WHY},
    "/operators/import/discard": {"id": "0" * 32},
    "/operators/classes/make": {"spelled": "course1..course3", "why": WHY},
    "/operators/classes/renew": {"spelled": "course1..course3", "why": WHY},
}


@pytest.mark.parametrize("path", ADMINS_FORMS)
@pytest.mark.parametrize("who", ["hugo", "otto", "carol"])
def test_files_and_classes_are_for_admins_alone(
    portal: PortalWorld, staff: dict[str, Browser], who: str, path: str
) -> None:
    browser = staff[who]
    browser.get("/")
    before = portal.events()
    sent = browser.hidden("/sign-out") | ADMINS_FORMS[path]
    browser._seen(browser.client.post(path, data=sent, files={"file": ("fobs.csv", b"1," + b"0" * 40)}))
    assert browser.status == 403
    assert portal.events() == before


@pytest.mark.parametrize("path", ["/operators/", "/operators/account?name=alice", "/operators/act/lock?subject=alice"])
def test_an_operator_without_a_proved_code_sees_nothing(
    portal: PortalWorld, staff: dict[str, Browser], path: str
) -> None:
    browser = portal.signed_in("ada")
    browser.get(path)
    assert browser.path.startswith("/prove")
    stranger = portal.browser()
    stranger.get(path)
    assert stranger.path.startswith("/sign-in")


def test_an_operator_without_a_token_is_none_yet_and_cannot_pair_the_first_alone(portal: PortalWorld) -> None:
    portal.people.people["zara"] = Person("zara", groups=frozenset({"helpers"}))
    browser = portal.browser()
    browser.sign_in("zara")
    for path in ("/operators/", "/pair"):
        browser.get(path)
        assert browser.status == 403


@pytest.mark.parametrize("why", ["", "  ", "ok", "x" * 201, "two\nlines", "bell\x07"])
def test_nothing_is_done_without_a_reason_that_can_be_read(
    portal: PortalWorld, staff: dict[str, Browser], why: str
) -> None:
    browser = staff["ada"]
    browser.get("/operators/act/lock?subject=bob")
    before = portal.events()
    browser.post("/operators/act/lock", {"why": why})
    assert browser.status == 400 and portal.events() == before


def test_nobody_raises_themself_by_acting_on_their_own_account(portal: PortalWorld, staff: dict[str, Browser]) -> None:
    for who in ("ada", "hugo"):
        browser = staff[who]
        browser.get(f"/operators/act/clear-failures?subject={who}")
        browser.post("/operators/act/clear-failures", {"why": WHY})
        assert browser.status == 409 and "your own account" in browser.page


def test_the_help_desk_does_not_touch_an_admins_tokens(portal: PortalWorld, staff: dict[str, Browser]) -> None:
    (token,) = portal.desk.services.administrator.tokens(account="ada")
    browser = staff["hugo"]
    browser.get(f"/operators/act/remove?subject={token.serial}")
    browser.post("/operators/act/remove", {"why": WHY})
    assert browser.status == 409 and escape("an admin's") in browser.page.replace("&#39;", "&#x27;")
    assert portal.desk.services.administrator.tokens(account="ada")


def test_a_form_of_somewhere_else_does_nothing(portal: PortalWorld, staff: dict[str, Browser]) -> None:
    browser = staff["ada"]
    browser.get("/operators/act/lock?subject=bob")
    fields = browser.hidden("/operators/act/lock") | {"why": WHY}
    before = portal.events()
    browser.post("/operators/act/lock", fields | {"csrf_token": "0" * 64})
    assert browser.status == 403
    browser.get("/operators/act/lock?subject=bob")
    browser.post("/operators/act/lock", {"why": WHY}, origin="https://evil.example")
    assert browser.status == 403
    assert portal.events() == before


def test_locking_ends_the_accounts_sessions_here(portal: PortalWorld, staff: dict[str, Browser]) -> None:
    add_person(portal, "lena")
    theirs = portal.signed_in("lena", proved=True)
    browser = staff["hugo"]
    browser.get("/operators/act/lock?subject=lena")
    browser.post("/operators/act/lock", {"why": WHY})
    theirs.get("/")
    assert theirs.path.startswith("/sign-in")


def test_removing_the_only_token_says_so_first(portal: PortalWorld, staff: dict[str, Browser]) -> None:
    add_person(portal, "only")
    serial = portal.desk.services.pairer.add_soft("only").serial
    page = staff["ada"].get(f"/operators/act/remove?subject={serial}")
    assert "who has no other token" in page


def test_an_account_tells_its_story_in_plain_words(portal: PortalWorld, staff: dict[str, Browser]) -> None:
    add_person(portal, "rita")
    portal.desk.services.pairer.add_soft("rita", secret=SECRET)
    refuse(portal, "rita", 3)
    page = staff["otto"].get("/operators/account?name=rita")
    assert "refused from 203.0.113.9 on login1: wrong code, 3 of 20" in page
    assert "3 of 20" in page and "Rita Example" in page
    assert "/operators/act/" not in page, "an auditor is offered nothing"


def test_a_long_story_has_pages(portal: PortalWorld, staff: dict[str, Browser]) -> None:
    add_person(portal, "long")
    portal.desk.services.pairer.add_soft("long", secret=SECRET)
    for _ in range(5):
        refuse(portal, "long", 8)
        portal.desk.services.administrator.clear_failures("long")
    browser = staff["otto"]
    first = browser.get("/operators/account?name=long")
    assert first.count("refused from") + first.count("failures cleared") == 30
    older = next(part for part in first.split('"') if part.startswith("/operators/account?name=long&amp;before="))
    second = browser.get(older.replace("&amp;", "&"))
    assert second.count("refused from") + second.count("failures cleared") == 15
    assert "paired with a phone app" in second


def test_the_exemption_that_holds_is_shown(portal: PortalWorld, staff: dict[str, Browser]) -> None:
    portal.desk.services.pairer.add_soft("alice", secret=SECRET)
    refuse(portal, "alice")
    page = staff["hugo"].get("/operators/account?name=alice")
    assert "from 203.0.113.9, by line 1, until 2030-12-31" in page


def test_why_names_the_lockout_first_and_offers_what_ends_it(portal: PortalWorld, staff: dict[str, Browser]) -> None:
    add_person(portal, "lou")
    portal.desk.services.pairer.add_soft("lou", secret=SECRET)
    refuse(portal, "lou", 20)
    page = staff["hugo"].get("/operators/why?name=lou")
    assert "20 wrong codes in a row. They came from 203.0.113.9." in page
    assert "/operators/act/clear-failures?subject=lou" in page
    assert "/operators/act/clear-failures" not in staff["otto"].get("/operators/why?name=lou")


def test_why_looks_at_an_address_that_is_given_and_refuses_what_is_none(
    portal: PortalWorld, staff: dict[str, Browser]
) -> None:
    browser = staff["hugo"]
    browser.get("/operators/why?name=alice")
    page = browser.post("/operators/why", {"name": "alice", "address": "203.0.113.9"})
    assert "From 203.0.113.9 no code is asked for: line 1 of the list exempts them, until 2030-12-31." in page
    assert browser.path == "/operators/why", "no address of a person stands in ours"
    page = browser.post("/operators/why", {"name": "alice", "address": "somewhere"})
    assert browser.status == 400 and "That is not an address" in page


def test_why_tells_of_an_account_that_nobody_knows(portal: PortalWorld, staff: dict[str, Browser]) -> None:
    portal.desk.services.pairer.add_soft("roberta", secret=SECRET)
    page = staff["hugo"].get("/operators/why?name=robertx")
    assert "The directory has no such account." in page and "roberta" in page


def test_who_is_in_the_directory_and_was_never_paired_has_a_page(
    portal: PortalWorld, staff: dict[str, Browser]
) -> None:
    add_person(portal, "fresh")
    browser = staff["hugo"]
    assert "No token" in browser.get("/operators/account?name=fresh")
    browser.get("/operators/account?name=nobody-at-all")
    assert browser.status == 404


def test_a_fob_in_the_drawer_has_a_page_and_one_that_is_paired_leads_to_its_account(
    portal: PortalWorld, staff: dict[str, Browser]
) -> None:
    add_fob(portal, "26-drawer")
    browser = staff["hugo"]
    assert "It belongs to nobody" in browser.get("/operators/token?serial=26-drawer").replace(
        "it belongs", "It belongs"
    )
    portal.desk.services.pairer.assign("26-drawer", "bob")
    browser.get("/operators/token?serial=26-drawer")
    assert browser.path == "/operators/account?name=bob"


def test_a_fob_whose_serial_has_a_slash_has_its_pages_as_any_other(
    portal: PortalWorld, staff: dict[str, Browser]
) -> None:
    serial = add_fob(portal, "26/7?a=b#c")
    browser = staff["hugo"]
    (path,) = set(re.findall(r'href="(/operators/token[^"]+)"', browser.get("/operators/?q=26/7")))
    assert serial in unescape(browser.get(unescape(path))) and browser.status == 200
    (act,) = re.findall(r'href="(/operators/act/disable[^"]+)"', browser.page)
    browser.get(unescape(act))
    assert serial in unescape(browser.page) and browser.status == 200
    browser.post("/operators/act/disable", {"subject": serial, "why": "it is cracked"})
    assert not portal.desk.services.administrator.token(serial).enabled


def test_people_are_searched_by_a_form_so_that_no_name_stands_in_an_address(
    portal: PortalWorld, staff: dict[str, Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = staff["hugo"]
    assert "/operators/person" not in browser.get("/operators/"), "this directory finds nobody by name"
    found = [Person("alice", name="Alice Example")]
    monkeypatch.setattr(type(portal.people), "search", lambda _self, _begins, _limit: found, raising=False)
    browser.get("/operators/")
    page = browser.post("/operators/person", {"person": "Alice E"})
    assert browser.path == "/operators/person" and "Alice Example" in page
    assert 'href="/operators/account?name=alice"' in page


@pytest.mark.parametrize(
    "path",
    [
        f"/operators/?q={HTML}",
        f"/operators/account?name={HTML}",
        f"/operators/why?name={HTML}",
        f"/operators/?done={HTML}",
        f"/operators/classes?spelled={HTML}",
        f"/operators/token?serial={HTML}",
        f"/operators/act/lock?subject={HTML}",
        "/operators/account?name=html",
        "/operators/why?name=html",
        "/operators/live",
        "/operators/live/acts",
        "/operators/live/locked",
        "/operators/live/refusals",
    ],
)
def test_html_in_what_is_typed_and_in_what_was_written_down_is_text(
    portal: PortalWorld, staff: dict[str, Browser], path: str
) -> None:
    if "html" not in portal.people.people:
        portal.people.people["html"] = Person("html", name=HTML)
        portal.desk.services.pairer.add_soft("html", secret=SECRET, label=HTML)
        refused = Attempt("html", OneShot("000000"), HTML, HTML, HTML)
        portal.desk.services.answer([refused])
        browser = staff["ada"]
        browser.get("/operators/act/lock?subject=html")
        browser.post("/operators/act/lock", {"why": HTML})
        assert browser.status == 200
    page = staff["ada"].get(path)
    assert "<b>" not in page
    assert staff["ada"].status in (200, 400, 404)


def test_the_pages_are_linked_from_each_other(portal: PortalWorld, staff: dict[str, Browser]) -> None:
    tabs = {
        who: {part for part in staff[who].get("/operators/").split('"') if part.startswith("/operators/")}
        for who in ("ada", "hugo")
    }
    assert {"/operators/live", "/operators/charts"} <= tabs["hugo"]
    assert {"/operators/import", "/operators/classes"} <= tabs["ada"] - tabs["hugo"]
