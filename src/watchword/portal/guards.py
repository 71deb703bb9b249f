"""What a route asks for before it does anything: who it is, what they have shown, and that the form is ours."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from watchword.portal.cookies import Cookies, is_csrf_token, new_form_cookie
from watchword.portal.current import Current
from watchword.services.ports_sessions import Session
from watchword.services.roles import Role
from watchword.wiring.portal import Desk


class NeedsSignIn(Exception):
    """Nobody is signed in."""


class NeedsProof(Exception):
    """Whoever is signed in has not given a token code in this session."""


class NeedsPairing(Exception):
    """An operator without a second factor."""


class Forbidden(Exception):
    """Signed in, and not allowed; or a form that is not ours."""


def the_desk(request: Request) -> Desk:
    """Answer the services."""
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(the_desk)]


def visit(request: Request, desk: AtDesk) -> None:
    """See who it is. For every page: a router's own dependency."""
    cookies: Cookies = request.app.state.cookies
    cookie = cookies.read(request, cookies.session)
    # What a page asks for by itself (a script, a stream) shows nobody at the keyboard: the idle end is not put off.
    is_used = request.headers.get("sec-fetch-dest", "document") != "empty"
    session = desk.sessions.find(cookie, is_used=is_used) if cookie else None
    request.state.current = _current(desk, session, cookie)
    request.state.new_form_cookie = ""
    if request.state.current is not None:
        request.state.form_cookie = cookie
        return
    # A stranger's forms are tied to their browser too, or somebody else could sign them in.
    request.state.form_cookie = cookies.read(request, cookies.form)
    if not request.state.form_cookie:
        request.state.form_cookie = request.state.new_form_cookie = new_form_cookie()


def _current(desk: Desk, session: Session | None, cookie: str) -> Current | None:
    if session is None:
        return None
    current = Current(desk, session, cookie)
    if current.has_lost_its_proof:
        desk.sessions.end(session.session_hash)
        return None
    return current


async def check_form(request: Request) -> None:
    """See that a form came from a page of ours. For every page: a router's own dependency, after `visit`."""
    if request.method in {"GET", "HEAD"}:
        return
    # Browsers of today say where a request began; the token below holds for those that do not.
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Forbidden
    public_url = request.app.state.desk.settings.portal.public_url
    if request.headers.get("origin", public_url) != public_url:
        raise Forbidden
    form = await request.form()
    typed = form.get("csrf_token", "")
    if not isinstance(typed, str) or not is_csrf_token(typed, request.state.form_cookie):
        raise Forbidden


PAGE = [Depends(visit), Depends(check_form)]
"""What every page's router has as its dependencies."""


def signed_in(request: Request) -> Current:
    """Ask for a session; raises NeedsSignIn."""
    current: Current | None = request.state.current
    if current is None:
        raise NeedsSignIn
    return current


def proved(current: Annotated[Current, Depends(signed_in)]) -> Current:
    """Ask for a token code in this session, of whoever has a token; raises NeedsProof, Forbidden if it is held."""
    if current.is_held:
        raise Forbidden
    if current.is_paired and not current.is_proved:
        raise NeedsProof
    return current


def may_pair(current: Annotated[Current, Depends(proved)]) -> Current:
    """Ask for what somebody who pairs a device needs; raises NeedsPairing for an operator's first one."""
    if current.role is not None and not current.has_own_device:
        raise NeedsPairing
    return current


SignedIn = Annotated[Current, Depends(signed_in)]
Proved = Annotated[Current, Depends(proved)]
MayPair = Annotated[Current, Depends(may_pair)]


def operator(*roles: Role) -> Callable[[Current], Current]:
    """Make the guard of pages for operators of these roles: role, pairing and proof, each time."""

    def guard(current: SignedIn) -> Current:
        if current.role not in roles or current.is_held:
            raise Forbidden
        if not current.has_own_device:
            raise NeedsPairing
        if not current.is_strongly_proved:
            raise NeedsProof
        return current

    return guard


Admin = Annotated[Current, Depends(operator(Role.ADMIN))]
HelpDesk = Annotated[Current, Depends(operator(Role.ADMIN, Role.HELPDESK))]
AnyOperator = Annotated[Current, Depends(operator(Role.ADMIN, Role.HELPDESK, Role.AUDITOR))]
