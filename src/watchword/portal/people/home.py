"""The first page: what one is paired with, and how the last logins went; and the splash for those without a token."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from watchword.domain.enforcement import Mode, Nothing, Pairing, demand
from watchword.domain.errors import WatchwordError
from watchword.domain.tokens import Kind
from watchword.portal.current import Current
from watchword.portal.guards import AtDesk, SignedIn
from watchword.portal.pages import go_to, render, safe_path
from watchword.portal.people.entries import read_history
from watchword.services.unpair import OWN_KINDS
from watchword.wiring.portal import Desk

ENTRIES_SHOWN = 5

router = APIRouter()


@router.get("/")
def show_home(request: Request, current: SignedIn, desk: AtDesk) -> Response:
    """Show the first page; whoever has still to pair sees the splash first, once in each session."""
    if _is_asked_to_pair(current, desk) and not current.session.splash_put_off:
        return go_to("/splash")
    entries, _older = read_history(desk, current.account, before=None, most=ENTRIES_SHOWN)
    return render(
        request,
        "people/home.html",
        tokens=current.tokens,
        phones=_phones(desk, current),
        own_kinds=OWN_KINDS,
        can_pair=bool(desk.people.pairing.kinds),
        standing=current.standing.at(desk.clock()),
        entries=entries,
    )


@router.get("/splash")
def show_splash(
    request: Request, current: SignedIn, desk: AtDesk, next: Annotated[str, Query(max_length=300)] = "/"
) -> Response:
    """Say why a second factor is needed, how long is left, and lead to pairing; whoever is paired passes."""
    if not _is_asked_to_pair(current, desk):
        return go_to(safe_path(next))
    portal = desk.settings.portal
    today = datetime.fromtimestamp(desk.clock()).astimezone().date()
    asked = demand(portal.mode, Pairing.UNPAIRED, portal.deadline, today)
    days_left = (portal.deadline - today).days if portal.mode is Mode.COUNTDOWN and portal.deadline else None
    return render(
        request,
        "people/splash.html",
        days_left=days_left,
        is_voluntary=isinstance(asked, Nothing),
        mode=portal.mode.value,
        next=safe_path(next),
    )


@router.post("/splash")
def put_off(current: SignedIn, desk: AtDesk, next: Annotated[str, Form(max_length=300)] = "/") -> Response:
    """Let it be until the next sign-in."""
    desk.sessions.put_off_splash(current.session)
    return go_to(safe_path(next))


def _is_asked_to_pair(current: Current, desk: Desk) -> bool:
    return not current.tokens and desk.settings.portal.mode is not Mode.OFF


def _phones(desk: Desk, current: Current) -> dict[str, str]:
    """Ask for the last digits of the account's telephones; the page does without, if need be."""
    if not any(token.kind is Kind.SMS for token in current.tokens):
        return {}
    try:
        return desk.keeper.masked_phones(current.account)
    except WatchwordError:
        return {}
