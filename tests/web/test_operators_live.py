"""What happens now: the lists, and the stream that says when to look again."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import aclosing

import pytest
from starlette.requests import Request

from tests.web.world import SECRET, Browser, PortalWorld
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.errors import StoreUnavailable
from watchword.portal.operators import live
from watchword.services.attempts import Attempt, OneShot
from watchword.services.ports_sessions import Session
from watchword.services.sessions import hash_cookie
from watchword.services.watch_live import Look, Watcher

_cookies = (f"cookie {number}" for number in itertools.count())


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    """One portal for all tests here, with alice paired."""
    directory = tmp_path_factory.mktemp("portal")
    with PortalWorld(f"sqlite:///{directory / 'watchword.db'}", directory) as world:
        world.desk.services.pairer.add_soft("alice", secret=SECRET)
        yield world


@pytest.fixture
def helper(portal: PortalWorld, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """The help desk's browser; streams look without waiting."""
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.001)
    return portal.signed_in("hugo", proved=True)


def refuse(portal: PortalWorld, account: str, times: int = 1) -> None:
    for _ in range(times):
        portal.desk.services.answer([Attempt(account, OneShot("000000"), "203.0.113.9", "login1")])


def test_the_page_has_whoever_is_locked_and_the_newest_of_each_list(portal: PortalWorld, helper: Browser) -> None:
    refuse(portal, "alice", 20)
    at = int(portal.clock.seconds * 1000)
    events = [
        AuditEvent(at, EventKind.TEXT, Result.FAILED, account="bob", detail="given up: no such number"),
        AuditEvent(at, EventKind.MAIL, Result.FAILED, account="bob", reason="Hello", detail="no such mailbox"),
        AuditEvent(at, EventKind.REPORTED, Result.DONE, account="carol", address="192.0.2.1"),
        AuditEvent(
            at, EventKind.ADMINISTRATION, Result.DONE, account="bob", reason="unlocked", actor="ada", detail="ok"
        ),
    ]
    portal.desk.store.write(lambda rows: rows.audit.record(events))
    page = helper.get("/operators/live")
    for words in (
        "locked out",
        "refused from 203.0.113.9 on login1: wrong code, 20 of 20",
        "a text message did not leave: given up: no such number",
        "a mail did not leave: Hello (no such mailbox)",
        "unlocked by ada: ok",
    ):
        assert words in page
    assert "wasn&#39;t me" in page and ">carol</a>" in page
    assert '<noscript><meta http-equiv="refresh"' in page, "without JavaScript the page reloads itself"
    assert 'data-live="/operators/live/events"' in page


def test_a_feed_has_pages(portal: PortalWorld, helper: Browser) -> None:
    refuse(portal, "alice", 60)
    first = helper.get("/operators/live/refusals")
    assert first.count("refused from") == 50
    older = next(part for part in first.split('"') if "?before=" in part)
    assert helper.get(older).count("refused from") >= 10
    helper.get("/operators/live/nonsense")
    assert helper.status == 400


class Visitor:
    """A browser that listens, until it leaves."""

    def __init__(self) -> None:
        self.left = False

    async def is_disconnected(self) -> bool:
        """Tell whether it has left."""
        return self.left


@pytest.fixture
def stream(portal: PortalWorld, helper: Browser) -> Iterator[live._Stream]:
    """A stream of a session that lives."""
    now = int(portal.clock.seconds)
    cookie = next(_cookies)
    session = Session(hash_cookie(cookie), "hugo", now, now, now, False, "", "")
    portal.desk.store.write(lambda rows: rows.sessions.add(session))
    visitor: Request = Visitor()  # type: ignore[assignment]  # all of a request that a stream asks for
    yield live._Stream(visitor, portal.desk.sessions, "hugo", cookie, Watcher(portal.desk.store).begin())
    assert live.streams.of.total() == 0, "a stream that is over is not counted any more"


def heard(stream: live._Stream, *then: Callable[[], object]) -> list[str]:
    """Listen; at the start, and after each line that tells of something, do the next thing. Answer what was told."""

    async def listen() -> list[str]:
        todo = list(then)
        told: list[str] = []
        async with aclosing(stream.lines()) as lines:
            async for line in lines:
                if not line.startswith(("id:", "retry:")):
                    continue
                told.append(line)
                if not todo:
                    break
                await asyncio.to_thread(todo.pop(0))
        return told[1:]

    return asyncio.run(listen())


def test_the_stream_tells_which_lists_have_something_new_and_no_more(portal: PortalWorld, stream: live._Stream) -> None:
    told = heard(
        stream,
        lambda: refuse(portal, "alice"),
        lambda: portal.desk.services.administrator.lock("alice"),
    )
    assert [line.partition("\n")[2] for line in told] == ["data: refusals\n\n", "data: acts\n\n"]
    assert "alice" not in "".join(told)


def test_a_stream_ends_with_its_session(
    portal: PortalWorld, stream: live._Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOKS_BETWEEN_SIGNS", 1)
    portal.desk.sessions.end(hash_cookie(stream.cookie))
    assert heard(stream, lambda: None) == []


def test_listening_does_not_keep_a_session_alive(
    portal: PortalWorld, stream: live._Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOKS_BETWEEN_SIGNS", 1)

    def go_idle() -> None:
        portal.clock.seconds += portal.settings.portal.idle_minutes * 60

    assert heard(stream, go_idle) == []


def test_a_stream_ends_when_its_browser_leaves(stream: live._Stream) -> None:
    def leave() -> None:
        stream.request.left = True  # type: ignore[attr-defined]  # a Visitor

    assert heard(stream, leave) == []


def test_a_stream_waits_longer_and_longer_for_a_database_that_does_not_answer(
    portal: PortalWorld, stream: live._Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    def fail(_look: Look) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(asyncio, "sleep", pause)
    monkeypatch.setattr(live, "LOOKS_OF_A_STREAM", 20)
    monkeypatch.setattr(Look, "look", fail)
    assert heard(stream, lambda: None) == []
    assert pauses[:4] == [0.001, 0.002, 0.004, 0.008] and max(pauses) <= live.LONGEST_PAUSE_SECONDS


def test_a_stream_ends_after_its_time_and_the_browser_comes_again_from_where_it_was(
    portal: PortalWorld, stream: live._Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOKS_OF_A_STREAM", 3)
    assert heard(stream, lambda: None) == []
    scope = {"type": "http", "headers": [(b"last-event-id", b"17")]}
    assert live._last_seen(Request(scope)) == 17
    for nonsense in (b"", b"x", b"-1", b"9" * 30, "²".encode()):
        assert live._last_seen(Request({"type": "http", "headers": [(b"last-event-id", nonsense)]})) is None


def test_nobody_opens_streams_without_end(
    portal: PortalWorld, helper: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS_OF_ONE", 0)
    helper.get("/operators/live/events")
    assert helper.status == 503
    streams = live.Streams()
    monkeypatch.setattr(live, "MOST_STREAMS_OF_ONE", 2)
    with streams.one_more("hugo"):
        assert streams.has_room("hugo")
        with streams.one_more("hugo"):
            assert not streams.has_room("hugo") and streams.has_room("ada")
    assert not streams.of


@pytest.mark.parametrize(("who", "status"), [("carol", 403), ("otto", 200)])
def test_the_stream_is_for_operators_alone(
    portal: PortalWorld, helper: Browser, monkeypatch: pytest.MonkeyPatch, who: str, status: int
) -> None:
    monkeypatch.setattr(live, "LOOKS_OF_A_STREAM", 1)
    browser = portal.signed_in(who, proved=True)
    page = browser.get("/operators/live/events")
    assert browser.status == status
    assert (status == 403) or (browser.headers["content-type"].startswith("text/event-stream") and "retry:" in page)


def test_what_a_page_asks_for_by_itself_does_not_keep_its_session_alive(portal: PortalWorld, helper: Browser) -> None:
    def seen_at() -> int:
        return portal.desk.sessions.of_account("hugo")[0].seen_at

    before = seen_at()
    portal.clock.seconds += 120
    helper.get("/operators/live", **{"sec-fetch-dest": "empty"})
    assert (helper.status, seen_at()) == (200, before)
    helper.get("/operators/live", **{"sec-fetch-dest": "document"})
    assert seen_at() == before + 120
