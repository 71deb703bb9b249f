"""Sign in, prove a token code, sign out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from watchword.clock import monotonic_seconds
from watchword.domain.errors import WatchwordError
from watchword.domain.outcome import Granted
from watchword.portal.cookies import Cookies
from watchword.portal.current import Current
from watchword.portal.guards import AtDesk, NeedsSignIn, SignedIn
from watchword.portal.pages import go_to, render, safe_path
from watchword.services.sign_in import SignInRefused
from watchword.services.throttle import TooMany

MOST_AT_ONCE = 8
"""Sign-ins that are under way at a time, in threads that no other page uses: a slow PAM slows down nobody else.

A refusal keeps its turn until its beat: when many come at once, how long they wait does not tell either whether their
accounts exist, as long as so many passwords can be checked within a beat.
"""

router = APIRouter()


@router.get("/sign-in")
def ask(request: Request, next: Annotated[str, Query(max_length=300)] = "/") -> Response:
    """Show the form."""
    if request.state.current is not None:
        return go_to(safe_path(next))
    return render(request, "sign_in/sign_in.html", next=safe_path(next), account="", refused=False)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    desk: AtDesk,
    account: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=2000)] = "",
    next: Annotated[str, Form(max_length=300)] = "/",
) -> Response:
    """Check a password, and begin a session."""
    check = partial(
        desk.sign_in.sign_in,
        account,
        password,
        address=request.state.address,
        browser=request.headers.get("user-agent", ""),
    )
    beat_seconds = desk.settings.portal.refusal_seconds
    turns: CapacityLimiter = request.app.state.sign_in_turns
    try:
        # Whoever tried too often waits as well, or what is then written down would tell; but takes nobody's turn.
        async with _on_the_beat(TooMany, beat_seconds), turns, _on_the_beat(SignInRefused, beat_seconds):
            begun = await to_thread.run_sync(check, limiter=CapacityLimiter(1))  # the turn is what limits
    except SignInRefused:
        return render(request, "sign_in/sign_in.html", status=403, next=safe_path(next), account=account, refused=True)
    if request.state.current is not None:
        await run_in_threadpool(desk.sessions.end, request.state.current.session.session_hash)
    path = safe_path(next)
    # The splash comes first, wherever somebody was on the way to; it lets those pass whom it does not concern.
    response = go_to(path if path == "/" else f"/splash?{urlencode({'next': path})}")
    cookies: Cookies = request.app.state.cookies
    cookies.set(response, cookies.session, begun.cookie)
    cookies.drop(response, cookies.form)
    return response


@asynccontextmanager
async def _on_the_beat(refusal: type[WatchwordError], beat_seconds: float) -> AsyncIterator[None]:
    """Let a refusal pass only once a whole number of beats is over: how long it took tells nobody who exists."""
    began = monotonic_seconds()
    try:
        yield
    except refusal:
        passed = monotonic_seconds() - began
        await asyncio.sleep(beat_seconds - passed % beat_seconds)
        raise


@router.post("/sign-out")
def sign_out(request: Request, desk: AtDesk) -> Response:
    """End the session."""
    response = go_to("/sign-in")
    if request.state.current is not None:
        desk.sign_in.sign_out(request.state.current.session.session_hash)
    cookies: Cookies = request.app.state.cookies
    cookies.drop(response, cookies.session)
    return response


@router.get("/prove")
def ask_for_code(request: Request, current: SignedIn, next: Annotated[str, Query(max_length=300)] = "/") -> Response:
    """Show the form for a token code."""
    if current.is_proved or not current.is_paired:
        return go_to(safe_path(next))
    return _code_form(request, next)


@router.post("/prove/begin")
def begin(
    request: Request,
    current: SignedIn,
    desk: AtDesk,
    next: Annotated[str, Form(max_length=300)] = "/",
) -> Response:
    """Have a code texted."""
    desk.people.unpairer.text_code(current.account, request.state.address)
    return _code_form(request, next, said="If your telephone is paired, a code is on its way to it.", is_texted=True)


@router.post("/prove")
def prove(
    request: Request,
    current: SignedIn,
    desk: AtDesk,
    code: Annotated[str, Form(max_length=64)] = "",
    next: Annotated[str, Form(max_length=300)] = "/",
) -> Response:
    """Check a token code, and give the session a new cookie."""
    match desk.keeper.check(current.account, code, request.state.address):
        case Granted(serial=serial):
            begun = desk.sessions.prove(current.session, serial)
            if begun is None:
                raise NeedsSignIn
            response = go_to(safe_path(next))
            cookies: Cookies = request.app.state.cookies
            cookies.set(response, cookies.session, begun.cookie)
            return response
        case _:
            return _code_form(request, next, refused=True)


def _code_form(
    request: Request, next_path: str, *, refused: bool = False, said: str = "", is_texted: bool = False
) -> Response:
    current: Current = request.state.current
    kinds = {facts.kind.value for facts in current.tokens if facts.enabled}
    return render(
        request,
        "sign_in/prove.html",
        status=403 if refused else 200,
        next=safe_path(next_path),
        refused=refused,
        said=said,
        is_texted=is_texted,
        kinds=kinds,
    )
