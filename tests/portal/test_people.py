"""People pair and unpair their own devices, each flow on a desk's screen and on a phone's."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.harness.browser import PHONE, SCREENS, Screen, Visitor, visitor
from tests.harness.mail_server import text_of
from tests.harness.one_time_codes import oathtool_code
from tests.harness.soft_token import SoftToken
from tests.portal.centre import OPERATORS_MAIL, Centre, mail_of
from tests.portal.person import choose, pair_app, read_qr, sign_in

pytestmark = pytest.mark.slow


@pytest.fixture(params=SCREENS, ids=lambda screen: screen.name)
def somebody(request: pytest.FixtureRequest, browser: Browser, centre: Centre, tmp_path: Path) -> Iterator[Visitor]:
    """A person at a browser."""
    screen: Screen = request.param
    with visitor(browser, centre.portal.url, screen, tmp_path) as visiting:
        yield visiting
        assert visiting.complaints == []


def test_a_phone_is_paired_in_the_browser_used_at_once_over_ssh_and_unpairing_ends_that(
    centre: Centre, somebody: Visitor
) -> None:
    alice = centre.new_person()
    somebody.open("/")
    somebody.look("sign-in")
    sign_in(somebody, alice, put_off=False)
    assert somebody.path == "/splash"
    somebody.look("splash")
    somebody.press("Pair a device now")
    somebody.look("pair")
    somebody.press("Continue")
    phone = SoftToken("", read_qr(somebody.look("pair-app")))
    shown = somebody.page.locator("#secret").text_content() or ""
    assert shown.replace(" ", "") in phone.otpauth
    somebody.fill("Code that the app shows now", "000000")
    somebody.press("Pair this phone")
    somebody.look("pair-app-refused")
    assert not centre.logs_in(alice, phone.fresh_code())
    somebody.fill("Code that the app shows now", phone.fresh_code())
    somebody.press("Pair this phone")
    somebody.look("pair-done")
    assert centre.logs_in(alice, phone.fresh_code())
    somebody.open("/")
    assert somebody.says("App on a phone")
    somebody.look("home")
    somebody.press("Unpair")
    somebody.fill("A current code", "000000")
    somebody.press("Unpair")
    somebody.look("unpair")
    somebody.fill("A current code", phone.fresh_code())
    somebody.press("Unpair")
    somebody.look("unpaired")
    assert not centre.logs_in(alice, phone.fresh_code())


def test_a_number_is_paired_with_a_code_that_was_texted_to_it(centre: Centre, somebody: Visitor) -> None:
    bob = centre.new_person("Bob Bell")
    sign_in(somebody, bob)
    somebody.look("home-unpaired")
    choose(somebody, "Text messages")
    somebody.fill("Mobile number", "12")
    somebody.press("Text me a code")
    somebody.look("pair-number")
    before = len(centre.texted_codes())
    somebody.fill("Mobile number", "(512) 555-0142" if somebody.screen.is_phone else "512 555 0143")
    somebody.press("Text me a code")
    somebody.look("pair-text")
    somebody.fill("Code from the message", centre.next_texted_code(before))
    somebody.press("Pair this number")
    assert somebody.path == "/pair/done"
    assert somebody.says("Text messages")


def test_a_fob_is_paired_by_what_is_printed_on_it_and_a_code(centre: Centre, somebody: Visitor) -> None:
    carol = centre.new_person("Carol Cook")
    serial, secret = f"26{somebody.screen.width:08d}", bytes(range(20)).hex()
    centre.put_into_the_drawer(serial, secret)
    sign_in(somebody, carol)
    choose(somebody, "A key fob")
    somebody.look("pair-serial")
    somebody.fill("Serial number", serial)
    somebody.press("Continue")
    somebody.look("pair-fob")
    somebody.fill("Code on the fob", oathtool_code(secret, period_seconds=60))
    somebody.press("Pair this fob")
    assert somebody.path == "/pair/done"
    somebody.open("/")
    somebody.press("Give it back")
    somebody.look("unpair-fob")
    assert somebody.page.get_by_role("button", name="Unpair").count() == 0


def test_a_lost_phone_is_unpaired_by_a_link_that_comes_by_mail(
    centre: Centre, somebody: Visitor, tmp_path: Path
) -> None:
    dora = centre.new_person("Dora Doe")
    sign_in(somebody, dora)
    phone = pair_app(somebody, tmp_path / "qr.png")
    # They come back without it: signed in with the password alone.
    somebody.press("Sign out")
    sign_in(somebody, dora)
    somebody.open("/lost")
    somebody.look("lost")
    somebody.press("Mail me the link")
    somebody.look("lost-sent")
    mail = centre.mailbox.wait_for(mail_of(dora), "/lost/link/")
    (link,) = re.findall(r"https://\S+/lost/link/\S+", text_of(mail))
    somebody.go_to(link)
    somebody.look("lost-link")
    # A scanner that only looks at the link changes nothing.
    assert centre.logs_in(dora, phone.fresh_code())
    somebody.press("Unpair")
    somebody.look("lost-done")
    assert not centre.logs_in(dora, phone.fresh_code())
    centre.mailbox.wait_for(mail_of(dora), "a device was unpaired")
    somebody.go_to(link)
    somebody.look("lost-unusable")


def test_whoever_says_this_wasnt_me_is_held_at_once_and_the_operators_are_told(
    centre: Centre, somebody: Visitor, tmp_path: Path
) -> None:
    erin = centre.new_person("Erin Ek")
    sign_in(somebody, erin)
    phone = pair_app(somebody, tmp_path / "qr.png")
    assert centre.logs_in(erin, phone.fresh_code())
    somebody.open("/sessions")
    somebody.look("sessions")
    somebody.open("/history")
    somebody.look("history")
    somebody.press("This wasn\N{RIGHT SINGLE QUOTATION MARK}t me")
    somebody.look("not-me")
    somebody.press("This wasn\N{RIGHT SINGLE QUOTATION MARK}t me")
    somebody.look("reported")
    assert not centre.logs_in(erin, phone.fresh_code())
    assert erin.name in text_of(centre.mailbox.wait_for(OPERATORS_MAIL, erin.name))
    somebody.open("/")
    assert somebody.path.startswith("/sign-in")


def test_a_code_is_asked_for_before_a_second_device_is_paired(
    centre: Centre, somebody: Visitor, tmp_path: Path
) -> None:
    frida = centre.new_person("Frida Falk")
    sign_in(somebody, frida)
    phone = pair_app(somebody, tmp_path / "qr.png")
    somebody.press("Sign out")
    sign_in(somebody, frida)
    somebody.open("/pair")
    assert somebody.path.startswith("/prove")
    somebody.fill("Token code", "000000")
    somebody.press("Go on")
    somebody.look("prove")
    somebody.fill("Token code", phone.fresh_code())
    somebody.press("Go on")
    assert somebody.path == "/pair"


def test_without_javascript_a_phone_is_paired_and_unpaired_all_the_same(
    centre: Centre, browser: Browser, tmp_path: Path
) -> None:
    greta = centre.new_person("Greta Groth")
    with visitor(browser, centre.portal.url, PHONE, tmp_path, javascript=False) as somebody:
        sign_in(somebody, greta)
        phone = pair_app(somebody, tmp_path / "qr.png")
        somebody.open("/")
        somebody.press("Unpair")
        somebody.fill("A current code", phone.fresh_code())
        somebody.press("Unpair")
        assert somebody.path == "/unpaired"
        somebody.press("Sign out")
        assert somebody.path == "/sign-in"
