"""Where one is signed in, and how to end that."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from watchword.portal.guards import AtDesk, Proved, SignedIn
from watchword.portal.pages import go_to, render
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
def end_session(current: Proved, desk: AtDesk, session: Annotated[str, Form(max_length=64)] = "") -> Response:
    """End one of one's own sessions."""
    for each in desk.sessions.of_account(current.account):
        if public_name(each) == session:
            desk.sessions.end(each.session_hash)
    return go_to("/sessions")


@router.post("/sessions/end-others")
def end_others(current: Proved, desk: AtDesk) -> Response:
    """End all of one's sessions but this one."""
    desk.sessions.end_all(current.account, but=current.session.session_hash)
    return go_to("/sessions")
