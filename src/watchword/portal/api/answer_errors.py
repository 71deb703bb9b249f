"""From an exception to a problem: the one place where errors become answers."""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from watchword.domain import errors as domain
from watchword.portal.api import problems
from watchword.portal.api.problems import Mistake, Problem, respond
from watchword.portal.guarded_app import TooLarge
from watchword.services.api_keys_admission import KeyRefused, ScopeMissing
from watchword.services.digest_access import REALM
from watchword.services.replay_protection import KeyReused, OutcomeUnknown, StillInProgress
from watchword.services.throttle import TooMany

log = logging.getLogger(__name__)

RETRY_UNAVAILABLE_SECONDS = 5


class NotJson(Exception):
    """A body that does not say that it is JSON."""


# The first that fits counts: those that are narrower stand first.
_OURS: tuple[tuple[type[Exception], Problem], ...] = (
    (NotJson, problems.NOT_JSON),
    (TooLarge, problems.TOO_LARGE),
    (KeyRefused, problems.KEY_REFUSED),
    (ScopeMissing, problems.SCOPE_MISSING),
    (TooMany, problems.TOO_MANY),
    (StillInProgress, problems.IN_PROGRESS),
    (OutcomeUnknown, problems.OUTCOME_UNKNOWN),
    (KeyReused, problems.KEY_REUSED),
    (domain.NotFound, problems.NOT_FOUND),
    (domain.Conflict, problems.CONFLICT),
    (domain.InvalidValue, problems.INVALID),
    (domain.SeedFileError, problems.INVALID),
    (domain.StoreUnavailable, problems.UNAVAILABLE),
    (domain.DirectoryUnavailable, problems.UNAVAILABLE),
    (domain.KeeperUnavailable, problems.UNAVAILABLE),
    (domain.DeliveryFailed, problems.UNAVAILABLE),
)

_BY_STATUS = {
    400: problems.MALFORMED,
    404: problems.NOT_FOUND,
    405: problems.NO_SUCH_METHOD,
    413: problems.TOO_LARGE,
}

# What these say is meant for whoever sent the request; what others say is for the log.
_SPEAKING = (problems.SCOPE_MISSING, problems.NOT_FOUND, problems.CONFLICT, problems.INVALID, problems.OUTCOME_UNKNOWN)


def answer_error(request: Request, error: Exception) -> Response:
    """Answer with the problem that an exception comes to."""
    public_url = request.app.state.public_url
    if isinstance(error, RequestValidationError):
        return _invalid(public_url, error)
    problem = problem_of(error)
    if problem.status >= 500:
        # Of ours, the words; of others' the type alone, since a message may quote what was sent.
        words = str(error) if isinstance(error, domain.WatchwordError) else "unforeseen"
        log.error("%s %s: %s: %s", request.method, _route(request), type(error).__name__, words)
    detail = str(error) if problem in _SPEAKING and isinstance(error, domain.WatchwordError) else ""
    return respond(problem, public_url, detail=detail, headers=_headers(request, error, problem))


def problem_of(error: Exception) -> Problem:
    """Tell which kind of problem an exception is."""
    if isinstance(error, HTTPException):
        return _BY_STATUS.get(error.status_code, problems.INTERNAL)
    return next((problem for kind, problem in _OURS if isinstance(error, kind)), problems.INTERNAL)


def _headers(request: Request, error: Exception, problem: Problem) -> Sequence[tuple[str, str]]:
    match error:
        case KeyRefused():
            return _challenges(request, error)
        case ScopeMissing():
            return [("WWW-Authenticate", f'Bearer realm="{REALM}", error="insufficient_scope", scope="{error.scope}"')]
        case TooMany() | StillInProgress():
            return [("Retry-After", str(error.retry_after_seconds))]
        case HTTPException() if error.status_code == 405:
            return [("Allow", ", ".join(sorted(_methods(request))))]
    return [("Retry-After", str(RETRY_UNAVAILABLE_SECONDS))] if problem is problems.UNAVAILABLE else []


def _challenges(request: Request, error: KeyRefused) -> Sequence[tuple[str, str]]:
    """Offer both ways to show a key (RFC 7616, section 3.3; RFC 6750, section 3)."""
    nonce = request.app.state.door.new_nonce()
    stale = ", stale=true" if error.stale else ""
    invalid = ', error="invalid_token"' if request.headers.get("authorization", "").lower().startswith("bearer") else ""
    return [
        ("WWW-Authenticate", f'Digest realm="{REALM}", qop="auth", algorithm=SHA-256, nonce="{nonce}"{stale}'),
        ("WWW-Authenticate", f'Bearer realm="{REALM}"{invalid}'),
    ]


def _methods(request: Request) -> set[str]:
    """Name every method of a path, whichever of its routes was found first."""
    found: set[str] = set()
    for methods, pattern in request.app.state.paths:
        if pattern.match(request.scope["path"].removeprefix(request.scope.get("root_path", ""))):
            found |= methods
    return found


def _invalid(public_url: str, error: RequestValidationError) -> Response:
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return respond(problems.MALFORMED, public_url)
    return respond(problems.INVALID, public_url, mistakes=[_mistake(fault) for fault in faults])


def _mistake(fault: dict[str, Any]) -> Mistake:
    """Say what is wrong in pydantic's words about its own rules; what was sent stays out, since it may be a code."""
    place = [str(part) for part in fault["loc"]]
    match fault["type"]:
        case "extra_forbidden":
            return Mistake("/".join(place[:-1]), "There is a field here that is not known")
        case "union_tag_invalid" | "enum" | "literal_error":
            return Mistake("/".join(place), "It is not one of the values that are known here")
    return Mistake("/".join(place), fault["msg"])


def _route(request: Request) -> str:
    """Name an operation by its route: the path itself is whatever somebody sent."""
    return str(getattr(request.scope.get("route"), "path", "-"))
