"""Sign in, prove a token code, sign out."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from watchword.clock import monotonic_seconds
from watchword.domain.outcome import Challenge, Granted
from watchword.portal.cookies import Cookies
from watchword.portal.current import Current
from watchword.portal.guards import AtDesk, NeedsSignIn, SignedIn
from watchword.portal.pages import go_to, render, safe_path
from watchword.services.sign_in import SignInRefused

REFUSAL_BEAT_SECONDS = 0.5
"""Refusals leave on a beat: how long one took tells nobody whether the account exists."""

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
        begun = await run_in_threadpool(
            desk.sign_in.sign_in,
            account,
            password,
            address=request.state.address,
            browser=request.headers.get("user-agent", ""),
        )
    except SignInRefused:
        await _wait_for_the_beat(began)
        return render(request, "sign_in/sign_in.html", status=403, next=safe_path(next), account=account, refused=True)
    if request.state.current is not None:
        await run_in_threadpool(desk.sessions.end, request.state.current.session.session_hash)
    response = go_to(safe_path(next))
    cookies: Cookies = request.app.state.cookies
    cookies.set(response, cookies.session, begun.cookie)
    cookies.drop(response, cookies.form)
    return response


async def _wait_for_the_beat(began: float) -> None:
    """Wait until a whole number of beats has passed since `began`."""
    passed = monotonic_seconds() - began
    await asyncio.sleep(REFUSAL_BEAT_SECONDS - passed % REFUSAL_BEAT_SECONDS)


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
    match desk.keeper.begin(current.account, request.state.address):
        case Challenge(text=text, handle=handle):
            return _code_form(request, next, said=text, handle=handle.hex())
        case _:
            return _code_form(request, next, refused=True)


@router.post("/prove")
def prove(
    request: Request,
    current: SignedIn,
    desk: AtDesk,
    code: Annotated[str, Form(max_length=64)] = "",
    handle: Annotated[str, Form(max_length=1000, pattern="^([0-9a-f]{2})*$")] = "",
    next: Annotated[str, Form(max_length=300)] = "/",
) -> Response:
    """Check a token code, and give the session a new cookie."""
    address = request.state.address
    if handle:
        outcome = desk.keeper.answer(current.account, bytes.fromhex(handle), code, address)
    else:
        outcome = desk.keeper.check(current.account, code, address)
    match outcome:
        case Granted():
            begun = desk.sessions.prove(current.session)
            if begun is None:
                raise NeedsSignIn
            response = go_to(safe_path(next))
            cookies: Cookies = request.app.state.cookies
            cookies.set(response, cookies.session, begun.cookie)
            return response
        case Challenge(text=text, handle=again):
            return _code_form(request, next, refused=True, said=text, handle=again.hex())
        case _:
            return _code_form(request, next, refused=True)


def _code_form(
    request: Request, next_path: str, *, refused: bool = False, said: str = "", handle: str = ""
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
        handle=handle,
        kinds=kinds,
    )
