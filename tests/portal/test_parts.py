"""The parts that pages are made of, all on one page: legible, reachable, and no wider than a phone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from playwright.sync_api import Browser, Route

from tests.harness.browser import DESKTOP, SCREENS, Screen, Visitor, visitor
from watchword.portal.assets import Assets
from watchword.portal.pages import Pages
from watchword.settings import Settings

pytestmark = pytest.mark.slow

HOME = "https://mfa.example.org"
HERE = Path(__file__).parent
STATIC = Path(__file__).parents[2] / "src/watchword/portal/static"


@dataclass
class Stage:
    """A page that comes from no server."""

    html: str

    def answer(self, route: Route) -> None:
        """Answer the page, and what it asks for."""
        path = route.request.url.removeprefix(HOME)
        if path == "/operators/":
            route.fulfill(body=self.html, content_type="text/html")
        elif path.startswith("/static/"):
            stem, _, suffix = path.removeprefix("/static/").split(".")
            route.fulfill(path=STATIC / f"{stem}.{suffix}")
        else:
            route.fulfill(body="retry: 1000000\ndata: new\n\n", content_type="text/event-stream")


@pytest.fixture(scope="module")
def stage() -> Stage:
    pages = Pages(Settings(), Assets())
    environment: Environment = pages._environment
    environment.loader = ChoiceLoader([environment.loader or FileSystemLoader([]), FileSystemLoader(HERE)])
    html = pages.render(
        "parts.html",
        path="/operators/",
        nonce="n",
        csrf_token="t",
        current=SimpleNamespace(account="alice", is_staff=True),
        events=[1_795_300_000 - 600 * number for number in range(4)],
    )
    return Stage(html)


@pytest.fixture(params=SCREENS, ids=lambda screen: screen.name)
def somebody(request: pytest.FixtureRequest, browser: Browser, stage: Stage, tmp_path: Path) -> Iterator[Visitor]:
    screen: Screen = request.param
    with visitor(browser, HOME, screen, tmp_path) as visiting:
        visiting.page.route("**", stage.answer)
        visiting.open("/operators/")
        yield visiting


def test_every_part_can_be_read_and_reached_by_day_and_by_night(somebody: Visitor) -> None:
    somebody.look("parts")


def test_everything_that_is_pressed_is_large_enough_for_a_thumb(somebody: Visitor) -> None:
    small = somebody.page.evaluate(
        """[...document.querySelectorAll("main :is(.button:not(.slim), input:not([type=hidden]), select, summary)")]
           .map((one) => (one.closest("label") ?? one))
           .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 43.9)
           .map((one) => one.outerHTML)"""
    )
    assert small == []


def test_a_form_is_sent_once(somebody: Visitor) -> None:
    stopped = somebody.page.evaluate(
        """() => { const form = document.querySelector("main form[method=post]"), stopped = [];
                   const see = (event) => { stopped.push(event.defaultPrevented); event.preventDefault(); };
                   addEventListener("submit", see);
                   form.noValidate = true; form.requestSubmit(); form.requestSubmit(); return stopped; }"""
    )
    assert stopped == [False, True]


def test_a_code_loses_the_blanks_that_it_was_pasted_with(browser: Browser, stage: Stage, tmp_path: Path) -> None:
    with visitor(browser, HOME, DESKTOP, tmp_path) as somebody:
        somebody.page.route("**", stage.answer)
        somebody.open("/operators/")
        somebody.fill("Token code", "123 456")
        assert somebody.page.get_by_label("Token code").input_value() == "123456"


def test_a_password_shows_when_asked_to(browser: Browser, stage: Stage, tmp_path: Path) -> None:
    with visitor(browser, HOME, DESKTOP, tmp_path) as somebody:
        somebody.page.route("**", stage.answer)
        somebody.open("/operators/")
        show = somebody.page.get_by_role("button", name="Show the password")
        show.click()
        assert somebody.page.locator("#password").get_attribute("type") == "text"
