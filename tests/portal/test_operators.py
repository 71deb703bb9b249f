"""The help desk at work, each flow on a desk's screen and on a phone's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.harness.accounts import Account
from tests.harness.browser import DESKTOP, SCREENS, Screen, Visitor, visitor
from tests.harness.soft_token import SoftToken, pair_soft_token
from tests.portal.centre import TRIES, Centre
from tests.portal.person import prove, sign_in

pytestmark = pytest.mark.slow

PHONES: dict[str, SoftToken] = {}


def come_to_work(centre: Centre, somebody: Visitor, role: str) -> Account:
    """Sign in as the operator of a role, with a token code."""
    operator = centre.roles[role]
    if operator.name not in PHONES:
        PHONES[operator.name] = pair_soft_token(centre.owner, operator.name)
    sign_in(somebody, operator)
    prove(somebody, PHONES[operator.name].fresh_code())
    return operator


@pytest.fixture(params=SCREENS, ids=lambda screen: screen.name)
def somebody(request: pytest.FixtureRequest, browser: Browser, centre: Centre, tmp_path: Path) -> Iterator[Visitor]:
    """An operator at a browser."""
    screen: Screen = request.param
    with visitor(browser, centre.portal.url, screen, tmp_path) as visiting:
        yield visiting
        assert visiting.complaints == []


def test_somebody_who_cannot_log_in_is_found_understood_and_helped(centre: Centre, somebody: Visitor) -> None:
    alice = centre.new_person("Alice Liddell")
    phone = pair_soft_token(centre.owner, alice.name)
    assert not centre.logs_in(alice, "000000")
    operator = come_to_work(centre, somebody, "helpdesk")
    somebody.press("Operators")
    somebody.fill("Account or serial", alice.name[:6])
    somebody.press("Find")
    somebody.look("operators-find")
    somebody.press(alice.name)
    assert somebody.says(f"{TRIES} of 20")
    somebody.look("operators-account")
    somebody.press("Why can't they log in?")
    somebody.look("operators-why")
    somebody.open(f"/operators/account?name={alice.name}")
    somebody.press("Clear failures")
    somebody.fill("Why", "called, and knew what we asked")
    somebody.look("operators-act")
    somebody.press("Clear failures")
    assert somebody.says("The count begins anew.")
    assert centre.logs_in(alice, phone.fresh_code())
    acts = [one for one in centre.owner.ask("audit", "list", "--account", alice.name) if one["actor"] == operator.name]
    assert [(one["kind"], "knew what we asked" in one["detail"]) for one in acts] == [("administration", True)]


def test_what_happens_shows_by_itself(centre: Centre, somebody: Visitor) -> None:
    mallory = centre.new_person("Mallory Moe")
    pair_soft_token(centre.owner, mallory.name)
    come_to_work(centre, somebody, "helpdesk")
    somebody.open("/operators/live")
    expect(somebody.page.locator(".live")).to_have_attribute("data-state", "open")
    assert not centre.logs_in(mallory, "000000")
    lines = somebody.page.locator("#live li", has_text=mallory.name)
    expect(lines.filter(has_text=f"{TRIES} of 20")).to_be_visible()
    somebody.look("operators-now")
    centre.owner.do("account", "lock", mallory.name)
    somebody.open("/operators/live/locked")
    somebody.look("operators-locked")


def test_fobs_are_brought_in_all_or_none(centre: Centre, somebody: Visitor, tmp_path: Path) -> None:
    come_to_work(centre, somebody, "admin")
    somebody.open("/operators/import")
    somebody.look("operators-import")
    file = tmp_path / "fobs.csv"
    serials = [f"27{somebody.screen.width:04d}{number:04d}" for number in range(12)]
    file.write_text("".join(f"{serial},{bytes(range(20)).hex()}\n" for serial in serials), encoding="ascii")
    somebody.page.get_by_label("File", exact=True).set_input_files(file)
    somebody.press("Upload and look")
    expect(somebody.page.get_by_label("Why", exact=True)).to_be_visible()
    somebody.look("operators-import-file")
    somebody.fill("Why", "delivery of November")
    somebody.press("Bring them in")
    assert somebody.says("12 fobs are in the drawer")
    assert centre.owner.ask("token", "show", serials[-1])["serial"] == serials[-1]


def test_a_class_gets_its_codes_on_paper(centre: Centre, somebody: Visitor) -> None:
    come_to_work(centre, somebody, "admin")
    place = somebody.screen.name
    somebody.open("/operators/classes")
    somebody.fill("First and last account", f"{place}01..{place}06")
    somebody.press("Look")
    somebody.look("operators-class")
    somebody.fill("Why", "course on MPI")
    somebody.press("Make it, and show the codes")
    somebody.look("operators-class-codes")
    somebody.page.emulate_media(media="print")
    assert not somebody.page.get_by_role("button", name="Sign out").is_visible()
    assert somebody.page.locator(".slip").count() == 6


def test_charts_and_keys_can_be_read_and_reached(centre: Centre, somebody: Visitor) -> None:
    come_to_work(centre, somebody, "admin")
    somebody.open("/operators/charts")
    for summary in somebody.page.locator("main summary").all()[:1]:
        summary.click()
    somebody.look("operators-charts")
    somebody.open("/operators/api-keys")
    somebody.look("operators-api-keys")


def test_an_operator_without_a_token_gets_nowhere_and_an_auditor_changes_nothing(
    centre: Centre, browser: Browser, tmp_path: Path
) -> None:
    auditor, alice = centre.roles["auditor"], centre.new_person()
    pair_soft_token(centre.owner, alice.name)
    with visitor(browser, centre.portal.url, DESKTOP, tmp_path) as somebody:
        sign_in(somebody, auditor)
        somebody.open("/operators/")
        assert somebody.page.get_by_label("Account or serial").count() == 0
        somebody.press("Sign out")
        come_to_work(centre, somebody, "auditor")
        somebody.open(f"/operators/account?name={alice.name}")
        assert somebody.says("Wrong codes in a row")
        assert somebody.page.get_by_role("link", name="Lock", exact=True).count() == 0
        for path in (f"/operators/act/lock?subject={alice.name}", "/operators/import", "/operators/classes"):
            somebody.open(path)
            assert somebody.says("Not allowed")
        somebody.look("not-allowed")
