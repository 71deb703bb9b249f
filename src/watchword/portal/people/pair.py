"""Pair a device, a step at a time; services/pairing_flow.py has the rules."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response

from watchword.domain.tokens import Kind
from watchword.portal.cookies import Cookies
from watchword.portal.current import Current
from watchword.portal.guards import AtDesk, MayPair, NeedsSignIn, SignedIn
from watchword.portal.pages import go_to, render
from watchword.portal.people.pair_step import render_step
from watchword.services.pairing_flow_rules import Again, FlowOver, Paired, Walker
from watchword.wiring.portal import Desk

Ticket = Annotated[str, Form(max_length=100)]

router = APIRouter()


def _walker(request: Request, current: Current) -> Walker:
    return Walker(current.account, current.session.session_hash, request.state.address, current.is_proved)


async def seen_by_somebody(request: Request) -> None:
    """Refuse a page to a browser that fetches it before anybody asks: seeing it is a step."""
    if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
        raise HTTPException(503)


@router.get("/pair", dependencies=[Depends(seen_by_somebody)])
def choose(request: Request, current: MayPair, desk: AtDesk) -> Response:
    """Ask what to pair. Whoever comes back here has left the pairing that they had begun."""
    pairing = desk.people.pairing
    pairing.stop(_walker(request, current))
    return render(request, "people/pair.html", kinds=[kind.value for kind in pairing.kinds])


@router.post("/pair")
def begin(request: Request, current: MayPair, desk: AtDesk, kind: Kind = Form()) -> Response:  # noqa: B008
    """Begin a pairing, in place of any other."""
    desk.people.pairing.begin(_walker(request, current), kind)
    return go_to("/pair/step")


@router.get("/pair/step", dependencies=[Depends(seen_by_somebody)])
def show_step(request: Request, current: MayPair, desk: AtDesk) -> Response:
    """Show the next step, once."""
    try:
        flow = desk.people.pairing.show(_walker(request, current))
    except FlowOver:
        return go_to("/pair/over")
    return render_step(request, desk, flow)


@router.post("/pair/number")
def give_number(
    request: Request,
    current: MayPair,
    desk: AtDesk,
    ticket: Ticket = "",
    number: Annotated[str, Form(max_length=60)] = "",
    country: Annotated[str, Form(max_length=2)] = "",
) -> Response:
    """Have a code texted to a number."""
    try:
        again = desk.people.pairing.give_number(_walker(request, current), ticket, number, country)
    except FlowOver:
        return go_to("/pair/over")
    if again is not None:
        return render_step(request, desk, again.flow, mistake=again.mistake, typed=number, country=country)
    return go_to("/pair/step")


@router.post("/pair/serial")
def give_serial(
    request: Request,
    current: MayPair,
    desk: AtDesk,
    ticket: Ticket = "",
    serial: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Take the serial of a fob."""
    try:
        again = desk.people.pairing.give_serial(_walker(request, current), ticket, serial)
    except FlowOver:
        return go_to("/pair/over")
    if again is not None:
        return render_step(request, desk, again.flow, mistake=again.mistake, typed=serial)
    return go_to("/pair/step")


@router.post("/pair/code")
def prove(
    request: Request,
    current: MayPair,
    desk: AtDesk,
    ticket: Ticket = "",
    code: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Finish with a code of the new device."""
    try:
        result = desk.people.pairing.prove(_walker(request, current), ticket, code)
    except FlowOver:
        return go_to("/pair/over")
    match result:
        case Again(flow=flow, mistake=mistake):
            return render_step(request, desk, flow, mistake=mistake)
        case Paired(serial=serial):
            return _paired(request, current, desk, serial)


@router.get("/pair/done")
def show_done(request: Request, current: SignedIn) -> Response:
    """Say that it is done, and what changes."""
    return render(request, "people/pair_done.html", tokens=current.tokens)


@router.get("/pair/over")
def show_over(request: Request, current: SignedIn) -> Response:
    """Say that a pairing ended before it was done, and what is paired."""
    return render(request, "people/pair_over.html", tokens=current.tokens)


def _paired(request: Request, current: Current, desk: Desk, serial: str) -> Response:
    """Count the code that was just proved as this session's proof."""
    response = go_to("/pair/done")
    if not current.is_proved:
        begun = desk.sessions.prove(current.session, serial)
        if begun is None:
            raise NeedsSignIn
        cookies: Cookies = request.app.state.cookies
        cookies.set(response, cookies.session, begun.cookie)
    return response
