"""What happens now: locked accounts, refusals, messages that did not leave, reports, acts; live, and as plain pages.

The stream says no more than that there is something new; the page then asks for itself again (static/portal.js). So
nothing is drawn in two ways, and what is seen is what the guards of the page let through.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from watchword.domain.errors import StoreUnavailable
from watchword.portal.guards import AnyOperator, AtDesk
from watchword.portal.operators.page import page, told
from watchword.portal.operators.tools import AtTools
from watchword.services.sessions import SessionKeeper
from watchword.services.watch_live import Feed, Look

LOOK_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0
"""Between looks, while the database does not answer."""

LOOKS_BETWEEN_SIGNS = 8
"""A stream that is silent for longer is cut by proxies; and so often it is asked whether the session has ended."""

LOOKS_OF_A_STREAM = 300
"""Ten minutes. The browser comes again by itself, and goes through the guards again."""

MOST_STREAMS = 40
MOST_STREAMS_OF_ONE = 4

TITLES = {
    Feed.REFUSALS: ("Refusals", "Logins, and sign-ins to this portal, that were refused."),
    Feed.DELIVERIES: ("Messages", "Text messages and mails that did not leave."),
    Feed.REPORTS: ("Reports", "What people reported: a login that wasn't theirs. Their accounts are locked."),
    Feed.ACTS: ("Acts", "What operators did, and why."),
}

FEW = 8

router = APIRouter(prefix="/operators/live")


@router.get("")
def now(request: Request, _operator: AnyOperator, desk: AtDesk, tools: AtTools) -> Response:
    """Show the newest of everything."""
    locked, more = tools.finder.locked(limit=FEW)
    feeds = {
        feed: ([told(desk, numbered.row, numbered.event) for numbered in events], older)
        for feed, (events, older) in tools.watcher.newest(FEW).items()
    }
    return page(request, "now.html", locked=locked, more=more, feeds=feeds, titles=TITLES)


@router.get("/locked")
def locked(
    request: Request, _operator: AnyOperator, tools: AtTools, after: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """List the accounts that are locked now."""
    accounts, more = tools.finder.locked(after)
    return page(request, "locked.html", accounts=accounts, after=after, more=more)


@dataclass
class Streams:
    """How many streams this process has open, and whose; touched by one event loop alone."""

    of: Counter[str] = field(default_factory=Counter)

    def has_room(self, account: str) -> bool:
        """Tell whether one more may be opened."""
        return self.of.total() < MOST_STREAMS and self.of[account] < MOST_STREAMS_OF_ONE

    @contextmanager
    def one_more(self, account: str) -> Iterator[None]:
        """Count one as long as it is open."""
        self.of[account] += 1
        try:
            yield
        finally:
            self.of[account] -= 1
            self.of += Counter()  # forgets who has none


streams = Streams()


@router.get("/events")
async def events(request: Request, operator: AnyOperator, desk: AtDesk, tools: AtTools) -> Response:
    """Tell of what is new, as server-sent events."""
    if not streams.has_room(operator.account):
        # EventSource gives up on this; the page tries again by itself, less and less often.
        raise HTTPException(503)
    look = await run_in_threadpool(tools.watcher.begin, _last_seen(request))
    stream = _Stream(request, desk.sessions, operator.account, operator.cookie, look)
    return StreamingResponse(stream.lines(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.get("/{feed}")
def one_feed(
    request: Request,
    _operator: AnyOperator,
    desk: AtDesk,
    tools: AtTools,
    feed: Feed,
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> Response:
    """List one feed, the newest first."""
    events, more = tools.watcher.page(feed, before)
    lines = [told(desk, numbered.row, numbered.event) for numbered in events]
    return page(request, "feed.html", feed=feed, titles=TITLES, lines=lines, before=before, more=more)


def _last_seen(request: Request) -> int | None:
    """Answer the row that a browser which comes again saw last."""
    last = request.headers.get("last-event-id", "")
    return int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None


@dataclass(frozen=True, slots=True)
class _Stream:
    request: Request
    sessions: SessionKeeper
    account: str
    cookie: str
    look: Look

    async def lines(self) -> AsyncGenerator[str, None]:
        """Yield the stream until its session ends, the browser leaves, or its time is over."""
        with streams.one_more(self.account):
            yield f"retry: {int(LOOK_SECONDS * 1000)}\n\n"
            async for line in self._looks():
                yield line

    async def _looks(self) -> AsyncGenerator[str, None]:
        pause = LOOK_SECONDS
        for count in range(LOOKS_OF_A_STREAM):
            await asyncio.sleep(pause)
            if await self.request.is_disconnected():
                return
            try:
                if count % LOOKS_BETWEEN_SIGNS == 0 and not await run_in_threadpool(self._session_lives):
                    return
                seen = await run_in_threadpool(self.look.look)
            except StoreUnavailable:
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                yield ": the database does not answer\n\n"
                continue
            pause = LOOK_SECONDS
            if seen:
                feeds = " ".join(sorted({each.feed.value for each in seen}))
                yield f"id: {self.look.newest}\ndata: {feeds}\n\n"
            elif count % LOOKS_BETWEEN_SIGNS == 0:
                yield ": nothing new\n\n"

    def _session_lives(self) -> bool:
        return self.sessions.find(self.cookie, is_used=False) is not None
