"""Pages that keep themselves up to date: nothing is missed, nothing typed is lost, and the line about it is true."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.harness.browser import DESKTOP, Visitor, visitor
from tests.portal.live_stage import HANG_UP, LiveStage, running_stage

pytestmark = pytest.mark.slow

LIVE = "Live: this page keeps itself up to date."
WAITING = "There is something new. It is shown when you are done here."
TRYING = "Not live at the moment. Trying again…"
SIGNED_OUT = "Your session has ended. Reload the page to go on."
OVER = "No longer live. Reload the page to see why."
LONG_MILLISECONDS = 120_000

FORM = '<form method="post" action="/act"><label>Why <input name="why"></label><button>Do it</button></form>'

# How many messages the page has heard, how many of its requests have ended, and all that its line has said.
SPY = """
  window.heard = window.answered = 0;
  window.said = [];
  window.EventSource = class extends EventSource {
    constructor(...given) { super(...given); this.addEventListener("message", () => (heard += 1)); }
  };
  window.XMLHttpRequest = class extends XMLHttpRequest {
    constructor() { super(); this.addEventListener("loadend", () => (answered += 1)); }
  };
  new MutationObserver(() => {
    const text = document.querySelector(".live")?.textContent.trim();
    if (text && text !== said.at(-1)) said.push(text);
  }).observe(document, { childList: true, subtree: true, characterData: true });
"""


class Watcher:
    """Somebody who looks at a live page."""

    def __init__(self, stage: LiveStage, somebody: Visitor) -> None:
        self.stage = stage
        self.page: Page = somebody.page
        self._somebody = somebody
        self.line: Locator = self.page.locator(".live")
        self.region: Locator = self.page.locator("#live")
        self.why: Locator = self.page.get_by_label("Why")
        self._heard = 0

    def come(self) -> None:
        """Open the page."""
        self._somebody.open("/")

    def come_and_see_it_live(self) -> None:
        """Open the page, and wait until it has brought itself up to date, as it does first of all."""
        self.come()
        expect(self.line).to_have_text(LIVE)
        self.wait_until_answered(1)

    def hear(self) -> None:
        """Have the page told of something new, until it has heard of it."""
        self._heard += 1
        self.stage.tell()
        self.page.wait_for_function(f"heard === {self._heard}")

    def wait_until_answered(self, times: int) -> None:
        """Wait until the page has asked for itself so often, and was answered."""
        self.page.wait_for_function(f"answered === {times}")

    def let_time_pass(self) -> None:
        """Have whatever the page does later be due."""
        self.page.clock.fast_forward(LONG_MILLISECONDS)


@pytest.fixture
def watcher(browser: Browser, tmp_path: Path) -> Iterator[Watcher]:
    with running_stage() as (stage, url), visitor(browser, url, DESKTOP, tmp_path) as somebody:
        somebody.page.add_init_script(SPY)
        somebody.page.clock.install()
        yield Watcher(stage, somebody)


@pytest.fixture
def stage(watcher: Watcher) -> LiveStage:
    return watcher.stage


def test_what_was_finished_before_the_stream_came_is_shown_all_the_same(watcher: Watcher, stage: LiveStage) -> None:
    stage.stream_status = 204
    stage.draw("all of it", is_live=False)
    watcher.come()
    expect(watcher.region).to_have_text("all of it")
    expect(watcher.line).to_have_count(0)
    assert TRYING not in watcher.page.evaluate("said"), "a false alarm"


def test_what_happened_between_the_page_and_its_stream_is_shown(watcher: Watcher, stage: LiveStage) -> None:
    stage.draw("as it was a moment later")
    watcher.come()
    expect(watcher.region).to_have_text("as it was a moment later")
    expect(watcher.line).to_have_text(LIVE)


def test_what_comes_while_the_page_is_on_its_way_is_not_forgotten(watcher: Watcher, stage: LiveStage) -> None:
    watcher.come_and_see_it_live()
    stage.answers.clear()
    stage.draw("1 of 2")
    watcher.hear()
    stage.wait_until(lambda: stage.asked == 2)
    stage.draw("2 of 2")
    watcher.hear()
    stage.answers.set()
    expect(watcher.region).to_have_text("2 of 2")
    watcher.wait_until_answered(3)


def test_when_all_is_told_the_stream_ends_and_nothing_is_said_of_it(watcher: Watcher, stage: LiveStage) -> None:
    watcher.come_and_see_it_live()
    stage.draw("all of it", is_live=False)
    watcher.hear()
    expect(watcher.region).to_have_text("all of it")
    expect(watcher.line).to_have_count(0)
    stage.wait_until(lambda: stage.left == 1)
    assert watcher.page.evaluate("said.slice(1)") == [LIVE]


def test_a_stream_that_ends_in_good_order_is_opened_again_without_an_alarm(watcher: Watcher, stage: LiveStage) -> None:
    watcher.come_and_see_it_live()
    stage.draw("what happened between the streams")
    stage.end_stream()
    expect(watcher.region).to_have_text("what happened between the streams")
    assert stage.opened == 2
    assert watcher.page.evaluate("said.slice(1)") == [LIVE]


@pytest.mark.parametrize("status", [HANG_UP, 502])
def test_a_page_that_does_not_come_for_a_while_is_asked_for_again(
    watcher: Watcher, stage: LiveStage, status: int
) -> None:
    watcher.come_and_see_it_live()
    stage.status = status
    watcher.hear()
    expect(watcher.line).to_have_text(TRYING)
    expect(watcher.region).to_have_text("as it came")
    stage.status = 200
    stage.draw("what was new")
    watcher.let_time_pass()
    expect(watcher.region).to_have_text("what was new")
    expect(watcher.line).to_have_text(LIVE)


def test_a_stream_that_was_refused_is_opened_again(watcher: Watcher, stage: LiveStage) -> None:
    stage.stream_status = 503
    stage.draw("new without a stream")
    watcher.come()
    expect(watcher.region).to_have_text("new without a stream")
    expect(watcher.line).to_have_text(TRYING)
    stage.stream_status = 200
    stage.draw("new with one")
    watcher.let_time_pass()
    expect(watcher.line).to_have_text(LIVE)
    expect(watcher.region).to_have_text("new with one")


@pytest.mark.parametrize(("status", "words"), [(303, SIGNED_OUT), (403, OVER)])
def test_whoever_may_not_see_it_any_more_reads_what_to_do(
    watcher: Watcher, stage: LiveStage, status: int, words: str
) -> None:
    watcher.come_and_see_it_live()
    stage.status = status
    watcher.hear()
    expect(watcher.line).to_have_text(words)
    stage.wait_until(lambda: stage.left == 1)
    watcher.let_time_pass()
    expect(watcher.line).to_have_text(words)
    assert (stage.asked, stage.opened) == (2, 1), "what is over is not tried again"


def test_what_somebody_types_stays_until_it_is_sent_or_cleared(watcher: Watcher, stage: LiveStage) -> None:
    stage.begin_with(f"<p>old</p>{FORM}")
    watcher.come_and_see_it_live()
    stage.draw(f"<p>new</p>{FORM}")
    watcher.why.fill("called, and")
    watcher.hear()
    expect(watcher.line).to_have_text(WAITING)
    # They look something up elsewhere on the page.
    watcher.page.get_by_text("Elsewhere").click()
    watcher.let_time_pass()
    watcher.hear()
    expect(watcher.why).to_have_value("called, and")
    expect(watcher.why).not_to_be_focused()
    assert stage.asked == 1
    watcher.why.fill("")
    watcher.page.get_by_text("Elsewhere").click()
    watcher.let_time_pass()
    expect(watcher.region).to_contain_text("new")
    expect(watcher.line).to_have_text(LIVE)


def test_what_is_typed_while_the_page_is_on_its_way_stays(watcher: Watcher, stage: LiveStage) -> None:
    stage.begin_with(f"<p>old</p>{FORM}")
    watcher.come_and_see_it_live()
    stage.answers.clear()
    stage.draw(f"<p>new</p>{FORM}")
    watcher.hear()
    stage.wait_until(lambda: stage.asked == 2)
    watcher.why.fill("called, and")
    stage.answers.set()
    watcher.wait_until_answered(2)
    expect(watcher.line).to_have_text(WAITING)
    expect(watcher.why).to_have_value("called, and")


def test_a_stream_that_ends_for_good_takes_nothing_from_whoever_types(watcher: Watcher, stage: LiveStage) -> None:
    stage.begin_with(f"<p>old</p>{FORM}")
    watcher.come_and_see_it_live()
    stage.draw("all of it", is_live=False)
    watcher.why.fill("called, and")
    stage.stream_status = 204
    stage.end_stream()
    expect(watcher.line).to_have_text(WAITING)
    expect(watcher.why).to_have_value("called, and")
    watcher.why.fill("")
    watcher.why.blur()
    watcher.let_time_pass()
    expect(watcher.region).to_have_text("all of it")
    expect(watcher.line).to_have_count(0)


@pytest.mark.parametrize(
    ("field", "change", "undo"),
    [
        ('<select aria-label="Field"><option>US<option>DE</select>', "ArrowDown", "ArrowUp"),
        ('<input type="checkbox" aria-label="Field" checked>', "Space", "Space"),
        ('<textarea aria-label="Field">as it came</textarea>', "x", "Backspace"),
    ],
)
def test_a_choice_that_was_made_stays_and_one_that_was_not_keeps_nothing_back(
    watcher: Watcher, stage: LiveStage, field: str, change: str, undo: str
) -> None:
    stage.begin_with(field)
    watcher.come_and_see_it_live()
    stage.draw(f"new {field}")
    choice = watcher.page.get_by_label("Field")
    choice.press(change)
    choice.blur()
    watcher.hear()
    expect(watcher.line).to_have_text(WAITING)
    choice.press(undo)
    choice.blur()
    watcher.let_time_pass()
    expect(watcher.region).to_contain_text("new")
    expect(watcher.line).to_have_text(LIVE)


def test_what_somebody_presses_is_pressed_though_something_new_comes(watcher: Watcher, stage: LiveStage) -> None:
    stage.begin_with(FORM)
    watcher.come_and_see_it_live()
    watcher.page.get_by_role("button", name="Do it").hover()
    watcher.page.mouse.down()
    stage.draw("all of it")
    watcher.hear()
    with watcher.page.expect_navigation():
        watcher.page.mouse.up()
    assert watcher.page.title() == "Done"


def test_a_form_that_was_sent_is_not_there_again_before_its_answer(watcher: Watcher, stage: LiveStage) -> None:
    stage.begin_with(FORM)
    watcher.come_and_see_it_live()
    watcher.page.evaluate(
        """() => { window.sent = 0;
                   const see = (event) => { sent += !event.defaultPrevented; event.preventDefault(); };
                   addEventListener("submit", see); }"""
    )
    button = watcher.page.get_by_role("button", name="Do it")
    button.click()
    watcher.hear()
    watcher.let_time_pass()
    button.dispatch_event("click")
    assert (stage.asked, watcher.page.evaluate("sent")) == (1, 1)


def test_whoever_goes_by_keyboard_stays_where_they_are(watcher: Watcher, stage: LiveStage) -> None:
    stage.begin_with('<a href="/a">Open</a> <a href="/b">Open</a>')
    watcher.come_and_see_it_live()
    second = watcher.page.locator("a[href='/b']")
    second.focus()
    stage.draw('<a href="/new">Open</a> <a href="/a">Open</a> <a href="/b">Open</a>')
    watcher.hear()
    expect(watcher.page.locator("a[href='/new']")).to_be_visible()
    expect(second).to_be_focused()
