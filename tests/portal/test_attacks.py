"""What somebody tries who means harm, with a browser, against a portal as it runs in production."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, Page, Request, Route

from tests.harness.browser import DESKTOP, Visitor, visitor
from tests.harness.mail_server import text_of
from tests.harness.soft_token import SoftToken
from tests.portal.centre import Centre, mail_of
from tests.portal.person import choose, pair_app, read_qr, sign_in, wrong_code
from watchword.services.pairing_flow_rules import CODES_OF_ACCOUNT
from watchword.services.sign_in import BY_ACCOUNT_AND_PLACE

pytestmark = pytest.mark.slow

COOKIE = "__Host-watchword"
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"

NewBrowser = Callable[[], Visitor]


@pytest.fixture
def new_browser(browser: Browser, centre: Centre, tmp_path: Path) -> Iterator[NewBrowser]:
    """Opens browsers, each with a cookie jar of its own."""
    with ExitStack() as undo:
        yield lambda: undo.enter_context(visitor(browser, centre.portal.url, DESKTOP, tmp_path))


def session_cookie(somebody: Visitor) -> str:
    """Return the session's cookie, empty if there is none."""
    cookies = somebody.page.context.cookies()
    return next((cookie.get("value", "") for cookie in cookies if cookie.get("name") == COOKIE), "")


def serials_of(centre: Centre, account: str) -> list[str]:
    """Return what is paired with an account."""
    return [token["serial"] for token in centre.owner.ask("token", "list", "--account", account)]


def serve_from_elsewhere(page: Page, html: str) -> None:
    """Show a page of another site."""

    def answer(route: Route) -> None:
        route.fulfill(body=html, content_type="text/html")

    page.route("https://evil.example.com/**", answer)
    page.goto("https://evil.example.com/")


def test_the_cookie_is_this_hosts_alone_and_no_script_sees_it(centre: Centre, new_browser: NewBrowser) -> None:
    somebody = new_browser()
    sign_in(somebody, centre.new_person())
    (cookie,) = [one for one in somebody.page.context.cookies() if one.get("name") == COOKIE]
    assert (cookie.get("secure"), cookie.get("httpOnly"), cookie.get("sameSite")) == (True, True, "Lax")
    assert (cookie.get("path"), cookie.get("domain"), cookie.get("expires")) == ("/", "localhost", -1)
    assert somebody.page.evaluate("document.cookie") == ""


def test_a_form_on_another_site_does_nothing_for_whoever_is_signed_in(centre: Centre, new_browser: NewBrowser) -> None:
    alice, somebody = centre.new_person(), new_browser()
    sign_in(somebody, alice)
    before = session_cookie(somebody)
    token = "0" * 64
    serve_from_elsewhere(
        somebody.page,
        f'<form method="post" action="{centre.portal.url}/pair"><input name="kind" value="soft">'
        f'<input name="csrf_token" value="{token}"></form><button onclick="document.forms[0].submit()">go</button>',
    )
    with somebody.page.expect_navigation():
        somebody.page.get_by_role("button").click()
    assert somebody.says("Not allowed") or somebody.path.startswith("/sign-in")
    somebody.open("/sessions")
    assert session_cookie(somebody) == before
    # The same from here, with a token that is another browser's.
    other = new_browser()
    other.open("/sign-in")
    stolen = other.page.locator("input[name=csrf_token]").first.get_attribute("value")
    answer = somebody.page.request.post(
        f"{centre.portal.url}/pair",
        form={"kind": "soft", "csrf_token": stolen or ""},
        headers={"Origin": centre.portal.url},
    )
    assert answer.status == 403


def test_no_other_site_can_put_the_portal_into_a_frame(centre: Centre, new_browser: NewBrowser) -> None:
    somebody = new_browser()
    serve_from_elsewhere(somebody.page, f'<iframe src="{centre.portal.url}/sign-in"></iframe>')
    frame = somebody.page.frames[-1]
    assert frame.locator("input[name=password]").count() == 0


def test_a_session_that_somebody_fixed_beforehand_is_nobodys(centre: Centre, new_browser: NewBrowser) -> None:
    victim, attacker = new_browser(), new_browser()
    attacker.open("/sign-in")
    fixed = "A" * 43
    for one in (victim, attacker):
        one.page.context.add_cookies([{"name": COOKIE, "value": fixed, "url": centre.portal.url, "secure": True}])
    sign_in(victim, centre.new_person())
    assert session_cookie(victim) not in {"", fixed}
    attacker.open("/sessions")
    assert attacker.path.startswith("/sign-in")


def test_a_signed_out_session_stays_out_even_with_its_cookie(centre: Centre, new_browser: NewBrowser) -> None:
    somebody = new_browser()
    sign_in(somebody, centre.new_person())
    cookie = session_cookie(somebody)
    somebody.press("Sign out")
    somebody.page.context.add_cookies([{"name": COOKIE, "value": cookie, "url": centre.portal.url, "secure": True}])
    somebody.open("/sessions")
    assert somebody.path.startswith("/sign-in")
    # Nor does the back button bring anything back.
    somebody.page.go_back()
    assert not somebody.says("Sign out")


def test_a_second_tab_the_back_button_and_a_reload_end_a_pairing_and_leave_nothing(
    centre: Centre, new_browser: NewBrowser, tmp_path: Path
) -> None:
    alice, somebody = centre.new_person(), new_browser()
    sign_in(somebody, alice)

    def begin() -> SoftToken:
        choose(somebody, "An app on your phone")
        picture = tmp_path / "qr.png"
        somebody.page.screenshot(path=picture)
        return SoftToken("", read_qr(picture))

    phone = begin()
    tab = somebody.page.context.new_page()
    tab.goto(f"{centre.portal.url}/pair/step")
    assert "has ended" in tab.locator("h1").inner_text()
    somebody.fill("Code that the app shows now", phone.fresh_code())
    somebody.press("Pair this phone")
    assert somebody.path == "/pair/over"

    phone = begin()
    somebody.page.reload()
    assert somebody.path == "/pair/over"

    phone = begin()
    somebody.page.go_back()
    somebody.page.go_forward()
    assert somebody.path == "/pair/over" or not somebody.says("Pair this phone")
    assert serials_of(centre, alice.name) == []
    assert not centre.logs_in(alice, phone.fresh_code())


def test_a_finished_pairing_cannot_be_walked_again(centre: Centre, new_browser: NewBrowser, tmp_path: Path) -> None:
    alice, somebody = centre.new_person(), new_browser()
    sign_in(somebody, alice)
    choose(somebody, "An app on your phone")
    sent: list[str] = []

    def note(request: Request) -> None:
        sent.extend([request.post_data] if request.post_data else [])

    somebody.page.on("request", note)
    picture = tmp_path / "qr.png"
    somebody.page.screenshot(path=picture)
    phone = SoftToken("", read_qr(picture))
    somebody.fill("Code that the app shows now", phone.fresh_code())
    somebody.press("Pair this phone")
    assert len(serials_of(centre, alice.name)) == 1
    form: dict[str, str | float | bool] = dict(parse_qsl(sent[-1]))
    somebody.open("/")
    form["csrf_token"] = somebody.page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
    form["code"] = phone.fresh_code()
    again = somebody.page.request.post(
        f"{centre.portal.url}/pair/code", form=form, headers={"Origin": centre.portal.url}
    )
    assert again.url.endswith("/pair/over")
    assert len(serials_of(centre, alice.name)) == 1


def test_a_mailed_link_works_once_and_not_when_it_was_altered(
    centre: Centre, new_browser: NewBrowser, tmp_path: Path
) -> None:
    alice, bob, somebody = centre.new_person(), centre.new_person("Bob Bell"), new_browser()
    links = []
    for person in (alice, bob):
        sign_in(somebody, person)
        pair_app(somebody, tmp_path / "qr.png")
        somebody.open("/lost")
        somebody.press("Mail me the link")
        mail = centre.mailbox.wait_for(mail_of(person), "/lost/link/")
        links += re.findall(r"https://\S+/lost/link/\S+", text_of(mail))
        somebody.open("/")
        somebody.press("Sign out")
    stranger = new_browser()
    first, second = (link.rpartition("/")[2] for link in links)
    half = len(first) // 2
    for forged in (
        first[:half] + second[half:],
        first[:-1] + ("A" if first[-1] != "A" else "B"),
        first[:-4],
        "x" * 150,
    ):
        stranger.open(f"/lost/link/{forged}")
        assert stranger.says("This link does not work"), forged
    stranger.go_to(links[0])
    stranger.press("Unpair")
    stranger.go_to(links[0])
    assert stranger.says("This link does not work")
    assert (len(serials_of(centre, alice.name)), len(serials_of(centre, bob.name))) == (0, 1)


def test_guessing_passwords_is_stopped(centre: Centre, new_browser: NewBrowser) -> None:
    alice, somebody = centre.new_person(), new_browser()
    for _ in range(BY_ACCOUNT_AND_PLACE.tries):
        somebody.open("/sign-in")
        somebody.fill("Account", alice.name)
        somebody.fill("Password", "guess")
        somebody.press("Sign in")
    sign_in(somebody, alice)
    assert somebody.says("Too many tries")
    assert session_cookie(somebody) == ""
    somebody.look("too-many-tries")


def test_guessing_codes_ends_the_pairing_and_then_stops(centre: Centre, new_browser: NewBrowser) -> None:
    alice, somebody = centre.new_person(), new_browser()
    sign_in(somebody, alice)
    tried = 0
    while not somebody.says("Too many") and tried <= CODES_OF_ACCOUNT.tries:
        choose(somebody, "An app on your phone")
        wrong = "" if somebody.says("Too many") else wrong_code(somebody)
        while somebody.path != "/pair/over" and not somebody.says("Too many"):
            somebody.fill("Code that the app shows now", wrong)
            somebody.press("Pair this phone")
            tried += 1
    assert tried <= CODES_OF_ACCOUNT.tries + 1
    assert serials_of(centre, alice.name) == []


def test_html_that_people_type_stays_text(centre: Centre, new_browser: NewBrowser) -> None:
    somebody = new_browser()
    somebody.page.on("dialog", lambda dialog: somebody.complaints.append(f"dialog: {dialog.message}"))
    somebody.open(f"/sign-in?next=/{HOSTILE}")
    somebody.fill("Account", HOSTILE)
    somebody.fill("Password", HOSTILE)
    somebody.press("Sign in")
    assert somebody.page.get_by_label("Account", exact=True).input_value() == HOSTILE
    sign_in(somebody, centre.new_person(HOSTILE))
    choose(somebody, "Text messages")
    somebody.fill("Mobile number", HOSTILE)
    somebody.press("Text me a code")
    choose(somebody, "A key fob")
    somebody.fill("Serial number", HOSTILE)
    somebody.press("Continue")
    for path in (f"/{HOSTILE}", f"/unpair/{HOSTILE}", f"/lost/link/{HOSTILE}", "/history", "/sessions"):
        somebody.open(path)
        assert somebody.page.locator("main script, img[onerror]").count() == 0
    assert somebody.complaints == []


def test_even_a_script_that_got_into_a_page_would_not_run(centre: Centre, new_browser: NewBrowser) -> None:
    somebody = new_browser()
    somebody.open("/sign-in")
    ran = somebody.page.evaluate(
        r"""() => {
             window.ran = [];
             const add = (tag, fill) => {
               const one = document.createElement(tag);
               // Some of these are refused at once (Trusted Types), the others when they would run.
               try { fill(one); } catch (error) { if (!(error instanceof TypeError)) throw error; }
               document.body.append(one);
               return one;
             };
             add("script", (one) => { one.text = "window.ran.push('inline')"; });
             add("button", (one) => { one.setAttribute("onclick", "window.ran.push('handler')"); }).click();
             add("div", (one) => { one.innerHTML = "<img src=x onerror=\"window.ran.push('html')\">"; });
             const styled = add("p", (one) => { one.setAttribute("style", "color: rgb(1, 2, 3)"); });
             return [...window.ran, ...(getComputedStyle(styled).color === "rgb(1, 2, 3)" ? ["style"] : [])];
           }"""
    )
    assert ran == []


def test_where_one_goes_after_signing_in_is_here(centre: Centre, new_browser: NewBrowser) -> None:
    alice = centre.new_person()
    for elsewhere in (
        "https://evil.example.com/",
        "//evil.example.com/",
        "/\\evil.example.com/",
        "javascript:alert(1)",
    ):
        somebody = new_browser()
        somebody.open(f"/sign-in?next={elsewhere}")
        somebody.fill("Account", alice.name)
        somebody.fill("Password", alice.password)
        somebody.press("Sign in")
        assert somebody.page.url.startswith(centre.portal.url + "/")
