"""What goes wrong, as a page: what happened, and what to do. Never what was typed, never a traceback."""

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from watchword.domain.errors import Conflict, InvalidValue, NotFound, WatchwordError
from watchword.portal.guards import Forbidden, NeedsPairing, NeedsProof, NeedsSignIn
from watchword.portal.pages import go_to, quoted, render
from watchword.services.throttle import TooMany

log = logging.getLogger(__name__)

_WORDS = {
    400: ("That form can't be used", "Something in it was missing or not as it should be."),
    403: ("Not allowed", "This page is not for you, or the form was too old. Go back to the first page and try again."),
    404: ("There is no such page", "The address may be wrong, or what it named is gone."),
    405: ("That can't be done here", "Go back to the first page and try again."),
    409: ("That no longer fits", "What is there has changed meanwhile."),
    413: ("That is too large", "This page takes less than what was sent."),
    429: ("Too many tries", "Wait a little, then try again."),
    500: ("Something went wrong", "It was written down. Try again; if it goes on, tell the help desk."),
    503: ("Not at the moment", "A part that the portal needs does not answer. Try again in a minute."),
}


def sorry(request: Request, status: int, *, detail: str = "", retry_after_seconds: int = 0) -> Response:
    """Answer a page for what went wrong."""
    title, text = _WORDS.get(status, _WORDS[400 if status < 500 else 500])
    headers = {"Retry-After": str(retry_after_seconds)} if retry_after_seconds else {}
    return render(request, "error.html", status=status, headers=headers, heading=title, text=detail or text)


def add_handlers(app: FastAPI) -> None:
    """Answer every exception with a page."""

    @app.exception_handler(NeedsSignIn)
    def _sign_in(request: Request, _error: Exception) -> Response:
        return go_to(f"/sign-in?next={quoted(request)}")

    @app.exception_handler(NeedsProof)
    def _prove(request: Request, _error: Exception) -> Response:
        return go_to(f"/prove?next={quoted(request)}")

    @app.exception_handler(NeedsPairing)
    def _pair(_request: Request, _error: Exception) -> Response:
        return go_to("/pair?operator=1")

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
                log.error("%s %s: %s: %s", request.method, request.url.path, type(error).__name__, error)
                return sorry(request, 503)

    @app.exception_handler(Exception)
    def _anything(request: Request, error: Exception) -> Response:
        # The type alone: a message may quote what was typed.
        log.error("%s %s: %s", request.method, request.url.path, type(error).__name__)
        return sorry(request, 500)


def _sentence(error: WatchwordError) -> str:
    text = f"{error}; {error.hint}" if error.hint else str(error)
    return text[:1].upper() + text[1:] + "."
