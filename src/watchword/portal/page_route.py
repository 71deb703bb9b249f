"""The route of a page: before its endpoint runs, it is known whose request this is, and that a form is ours."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from watchword.portal.cookies import Cookies, is_csrf_token, new_form_cookie
from watchword.portal.current import Current
from watchword.portal.guards import Forbidden
from watchword.wiring.portal import Desk


class PageRoute(APIRoute):
    """A page's route. Guards can then ask `request.state.current` without waiting for anything."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap what FastAPI makes of the endpoint."""
        endpoint = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                await visit(request)
                await check_form(request)
                return await endpoint(request)
            finally:
                await request.close()  # what was uploaded

        return handle


async def visit(request: Request) -> None:
    """See who it is."""
    cookies: Cookies = request.app.state.cookies
    cookie = cookies.read(request, cookies.session)
    # What a page asks for by itself (a script, a stream) shows nobody at the keyboard: the idle end is not put off.
    is_used = request.headers.get("sec-fetch-dest", "document") != "empty"
    state = request.state
    # One hop into a thread for all that has to be waited for.
    state.current = await run_in_threadpool(_find, request.app.state.desk, cookie, is_used) if cookie else None
    state.new_form_cookie = ""
    if state.current is not None:
        state.form_cookie = cookie
        return
    # A stranger's forms are tied to their browser too, or somebody else could sign them in.
    state.form_cookie = cookies.read(request, cookies.form)
    if not state.form_cookie:
        state.form_cookie = state.new_form_cookie = new_form_cookie()


def _find(desk: Desk, cookie: str, is_used: bool) -> Current | None:
    visitor = desk.sessions.visitor(cookie, is_used=is_used)
    if visitor is None:
        return None
    current = Current(desk, visitor, cookie)
    if current.has_lost_its_proof:
        desk.sessions.end(current.session.session_hash)
        return None
    return current


async def check_form(request: Request) -> None:
    """See that a form came from a page of ours."""
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
