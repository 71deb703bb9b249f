"""What goes wrong, as a page: what happened, and what to do. Never what was typed, never a traceback."""

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from watchword.domain.errors import Conflict, InvalidValue, NotFound, WatchwordError
from watchword.portal.guards import Forbidden, Held, NeedsPairing, NeedsProof, NeedsSignIn
from watchword.portal.pages import go_to, quoted, render
from watchword.services.throttle import TooMany

log = logging.getLogger(__name__)

_WORDS = {
    400: ("That form can't be used", "Something in it was missing or not as it should be."),
    403: ("Not allowed", "The page is not for you, or the form was old. Go back and try again."),
    404: ("There is no such page", "The address may be wrong, or what it named is gone."),
    405: ("That can't be done here", "Go back to the first page and try again."),
    409: ("That no longer fits", "What is there has changed meanwhile."),
    413: ("That is too large", "This page takes less than what was sent."),
    429: ("Too many tries", "Wait a little, then try again."),
    500: ("Something went wrong", "It was written down. Try again; if it goes on, tell the help desk."),
    503: ("Not at the moment", "A part that the portal needs does not answer. Try again in a minute."),
}


_FIRST_DEVICE = (
    "Operators need a device of their own, and a password must not be enough to get one: "
    "a colleague pairs your first, or whoever may use the command line."
)


_HELD_TITLE = "Your account is held"
_HELD = (
    "You, or the help desk, had it locked: nobody logs in with it, and nothing is paired or unpaired, until the help "
    "desk has talked to you."
)


def sorry(
    request: Request, status: int, *, title: str = "", detail: str = "", retry_after_seconds: int = 0
) -> Response:
    """Answer a page for what went wrong."""
    heading, text = _WORDS.get(status, _WORDS[400 if status < 500 else 500])
    headers = {"Retry-After": str(retry_after_seconds)} if retry_after_seconds else {}
    return render(request, "error.html", status=status, headers=headers, heading=title or heading, text=detail or text)


def add_handlers(app: FastAPI) -> None:
    """Answer every exception with a page."""

    @app.exception_handler(NeedsSignIn)
    def _sign_in(request: Request, _error: Exception) -> Response:
        return go_to(f"/sign-in?next={quoted(request)}")

    @app.exception_handler(NeedsProof)
    def _prove(request: Request, _error: Exception) -> Response:
        return go_to(f"/prove?next={quoted(request)}")

    @app.exception_handler(NeedsPairing)
    def _pair(request: Request, _error: Exception) -> Response:
        return sorry(request, 403, detail=_FIRST_DEVICE)

    @app.exception_handler(Held)
    def _held(request: Request, _error: Exception) -> Response:
        portal = request.app.state.desk.settings.portal
        return sorry(request, 403, title=_HELD_TITLE, detail=f"{_HELD} {portal.help}")

    @app.exception_handler(Forbidden)
    def _forbidden(request: Request, _error: Exception) -> Response:
        return sorry(request, 403)

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, _error: Exception) -> Response:
        return sorry(request, 400)

    @app.exception_handler(TooMany)
    def _too_many(request: Request, error: TooMany) -> Response:
        return sorry(request, 429, retry_after_seconds=error.retry_after_seconds)

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        return sorry(request, error.status_code)

    @app.exception_handler(WatchwordError)
    def _ours(request: Request, error: WatchwordError) -> Response:
        match error:
            case NotFound():
                return sorry(request, 404)
            case Conflict():
                return sorry(request, 409, detail=_sentence(error))
            case InvalidValue():
                return sorry(request, 400, detail=_sentence(error))
            case _:
                log.error("%s %s: %s: %s", request.method, _route(request), type(error).__name__, error)
                return sorry(request, 503)

    @app.exception_handler(Exception)
    def _anything(request: Request, error: Exception) -> Response:
        # The type alone: a message may quote what was typed.
        log.error("%s %s: %s", request.method, _route(request), type(error).__name__)
        return sorry(request, 500)


def _sentence(error: WatchwordError) -> str:
    text = f"{error}; {error.hint}" if error.hint else str(error)
    return text[:1].upper() + text[1:] + "."


def _route(request: Request) -> str:
    """Name a page by its route: what stands in the path itself may be a link that opens something."""
    return str(getattr(request.scope.get("route"), "path", "-"))
