"""Sign in, prove a token code, sign out."""

import asyncio
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from watchword.clock import monotonic_seconds
from watchword.domain.outcome import Granted
from watchword.portal.cookies import Cookies
from watchword.portal.current import Current
from watchword.portal.guards import AtDesk, NeedsSignIn, SignedIn
from watchword.portal.pages import go_to, render, safe_path
from watchword.services.sign_in import SignInRefused

MOST_AT_ONCE = 16
"""Passwords that are looked at at a time, in threads that no other page uses: a slow PAM slows down nobody else."""

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
    began = monotonic_seconds()
    try:
        begun = await to_thread.run_sync(
            partial(
                desk.sign_in.sign_in,
                account,
                password,
                address=request.state.address,
                browser=request.headers.get("user-agent", ""),
            ),
            limiter=request.app.state.sign_in_threads,
        )
    except SignInRefused:
        await _wait_for_the_beat(began, desk.settings.portal.refusal_seconds)
        return render(request, "sign_in/sign_in.html", status=403, next=safe_path(next), account=account, refused=True)
    if request.state.current is not None:
        await run_in_threadpool(desk.sessions.end, request.state.current.session.session_hash)
    response = go_to(safe_path(next))
    cookies: Cookies = request.app.state.cookies
    cookies.set(response, cookies.session, begun.cookie)
    cookies.drop(response, cookies.form)
    return response


async def _wait_for_the_beat(began: float, beat_seconds: float) -> None:
    """Wait until a whole number of beats has passed since `began`: how long it took tells nobody who exists."""
    passed = monotonic_seconds() - began
    await asyncio.sleep(beat_seconds - passed % beat_seconds)


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
