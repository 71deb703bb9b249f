"""Where one is signed in, and how to end that."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from watchword.portal.guards import AtDesk, Proved, SignedIn
from watchword.portal.pages import go_to, render
from watchword.services.actor import Actor
from watchword.services.end_sessions import end_session, end_sessions
from watchword.services.ports_sessions import Session

router = APIRouter()


def public_name(session: Session) -> str:
    """Name a session in a page: neither its cookie nor its row can be told from this."""
    return hashlib.sha256(b"name of " + session.session_hash).hexdigest()[:32]


@router.get("/sessions")
def show_sessions(request: Request, current: SignedIn, desk: AtDesk) -> Response:
    """List one's sessions."""
    sessions = desk.sessions.of_account(current.account)
    here = public_name(current.session)
    return render(request, "people/sessions.html", sessions=[(public_name(each), each) for each in sessions], here=here)


@router.post("/sessions/end")
def end_one(
    request: Request, current: Proved, desk: AtDesk, session: Annotated[str, Form(max_length=64)] = ""
) -> Response:
    """End one of one's own sessions."""
    for each in desk.sessions.of_account(current.account):
        if public_name(each) == session:
            end_session(desk.store, each, Actor(address=request.state.address), desk.clock())
    return go_to("/sessions")


@router.post("/sessions/end-others")
def end_others(request: Request, current: Proved, desk: AtDesk) -> Response:
    """End all of one's sessions but this one."""
    here = current.session.session_hash
    end_sessions(desk.store, current.account, Actor(address=request.state.address), desk.clock(), but=here)
    return go_to("/sessions")
