"""Debian's Chromium, driven by Playwright: what a person sees on a desk and on a phone, by day and by night."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # it has no types
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, Response, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
PATIENCE_MILLISECONDS = 120_000
"""Four browsers may share a processor with others' work: a click that took half a minute has been seen."""

NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"

SCREENSHOTS = "WATCHWORD_SCREENSHOTS"
"""Names the directory for screenshots that are kept; without it, they go where the test's other files go."""

AXE_OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}


@dataclass(frozen=True)
class Screen:
    """What somebody looks at."""

    name: str
    width: int
    height: int
    is_phone: bool


DESKTOP = Screen("desktop", 1280, 800, is_phone=False)
PHONE = Screen("phone", 390, 844, is_phone=True)
SCREENS = (DESKTOP, PHONE)
SCHEMES = ("light", "dark")
NARROWEST = 320


@dataclass
class Visitor:
    """A person at a browser of their own; what the browser complains about is kept, and fails the next look."""

    page: Page
    screen: Screen
    home: str
    shots: Path
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("request", self._on_request)
        self.page.on("response", self._on_response)

    def open(self, path: str) -> None:
        """Go to a page of the portal."""
        self.go_to(self.home + path)

    def go_to(self, url: str) -> None:
        """Go to any page."""
        try:
            self.page.goto(url)
        except Error as error:
            # Chromium drops what is under way whenever an interface comes or goes anywhere on the machine.
            if NETWORK_CHANGED not in error.message:
                raise
            self.page.goto(url)

    @property
    def path(self) -> str:
        """Where the browser is: path and query."""
        parts = urlsplit(self.page.url)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def fill(self, label: str, text: str) -> None:
        """Type into a field."""
        self.page.get_by_label(label, exact=True).fill(text)

    def press(self, name: str) -> None:
        """Press a button, or follow a link, and wait for what it leads to."""
        buttons = self.page.get_by_role("button", name=name)
        target = buttons.first if buttons.count() else self.page.get_by_role("link", name=name).first
        with self.page.expect_navigation():
            target.click()

    def says(self, words: str) -> bool:
        """Whether the page holds these words."""
        return words in self.page.locator("body").inner_text()

    def look(self, name: str) -> Path:
        """See that a page is right, and take its picture; return that. Where pictures are kept, also one of the night.

        Colours do not depend on the screen, nor do names and roles: so axe, which takes its time, looks at the desk's
        page by day and at the phone's by night.
        """
        assert self.complaints == [], self.complaints
        self._check_width(name)
        for scheme in ("dark", "light"):
            self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            if (scheme == "dark") == self.screen.is_phone:
                self._check_accessibility(name)
            if scheme == "light" or SCREENSHOTS in os.environ:
                picture = self._take_picture(name, scheme)
        return picture

    def _check_width(self, name: str) -> None:
        """See that nobody has to scroll sideways, not even at 320 px (WCAG 2.2, 1.4.10)."""
        for width in (NARROWEST, self.screen.width):
            self.page.set_viewport_size({"width": width, "height": self.screen.height})
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} px wide on a screen of {width}"

    def _take_picture(self, name: str, scheme: str) -> Path:
        path = self.shots / f"{name}.{self.screen.name}.{scheme}.png"
        self.page.screenshot(path=path, full_page=True, animations="disabled")
        return path

    def _check_accessibility(self, name: str) -> None:
        found = Axe().run(self.page, options=AXE_OPTIONS)
        assert found.violations_count == 0, f"{name} on a {self.screen.name}:\n{found.generate_report()}"

    def _on_console(self, message: ConsoleMessage) -> None:
        # Refusals are what many tests are about: Chromium writes a line for every status from 400 on.
        usual = ("the server responded with a status of 4", NETWORK_CHANGED)
        if message.type in {"error", "warning"} and not any(words in message.text for words in usual):
            self.complaints.append(f"console: {message.text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.home, "data:", "blob:")):
            self.complaints.append(f"loaded from elsewhere: {request.url}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.status} from {response.url}")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Give a Chromium without a window."""
    # As root it has no sandbox to go into; what it loads here is ours.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        # By itself it waits for five seconds, too few where four browsers share a processor.
        expect.set_options(timeout=PATIENCE_MILLISECONDS)
        yield browser
        browser.close()


@contextmanager
def visitor(
    browser: Browser, home: str, screen: Screen, directory: Path, *, javascript: bool = True
) -> Iterator[Visitor]:
    """Give somebody with an empty cookie jar."""
    context = browser.new_context(
        viewport={"width": screen.width, "height": screen.height},
        is_mobile=screen.is_phone,
        has_touch=screen.is_phone,
        # The certificate is a test's own; harness/tls_proxies.py has clients that check it.
        ignore_https_errors=True,
        locale="en-US",
        java_script_enabled=javascript,
        # Colours are looked at when they have arrived, not on their way.
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    shots = Path(os.environ.get(SCREENSHOTS) or directory)
    try:
        yield Visitor(context.new_page(), screen, home, shots)
    finally:
        context.close()
