"""Problem details (RFC 9457): what every error of the API looks like, and what each means."""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, Response

from watchword.portal.api import PREFIX

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of problem: what its `type` ends in, its status, its title, and what whoever meets it can do."""

    name: str
    status: int
    title: str
    advice: str


MALFORMED = Problem("malformed", 400, "The request cannot be read", "Send JSON (RFC 8259), in UTF-8.")
KEY_REFUSED = Problem(
    "key-refused",
    401,
    "An API key that is good here and now is needed",
    "The key is missing, wrong, expired, revoked, or not for the address that you send from: the audit log says which. "
    "With Digest, take the nonce of this answer.",
)
SCOPE_MISSING = Problem(
    "scope-missing", 403, "The key is not for this", "Ask for a key with the scope that the detail names."
)
NOT_FOUND = Problem("not-found", 404, "It is not there", "What the path names is not there, or no longer.")
NO_SUCH_METHOD = Problem(
    "no-such-method", 405, "That cannot be done here", "The header Allow lists what can be done with this path."
)
CONFLICT = Problem(
    "conflict", 409, "What is there forbids it", "The detail says what is in the way. Look at how things are now."
)
IN_PROGRESS = Problem(
    "in-progress",
    409,
    "The same request is being worked on",
    "Another request with this Idempotency-Key has not ended. Send it again after Retry-After.",
)
OUTCOME_UNKNOWN = Problem(
    "outcome-unknown",
    409,
    "The same request was cut off",
    "A request with this Idempotency-Key changed something, and its answer was lost: a server died at that moment. See "
    "what is there, then go on with a new key.",
)
TOO_LARGE = Problem("too-large", 413, "The request is too large", "Send less: 64 KiB, and 16 MiB for files of seeds.")
NOT_JSON = Problem("not-json", 415, "The request is not JSON", "Send it with Content-Type: application/json.")
WRONG_HOST = Problem("wrong-host", 421, "This portal is at another address", "Use the address that people use.")
INVALID = Problem(
    "invalid",
    422,
    "A value cannot be used",
    "`errors` names each value that is wrong, by its place, and never quotes it.",
)
KEY_REUSED = Problem(
    "key-reused",
    422,
    "The Idempotency-Key was used before",
    "It stood on another request in the last 24 hours. Each request has a key of its own.",
)
TOO_MANY = Problem("too-many", 429, "Too many requests", "Wait for as many seconds as Retry-After says.")
INTERNAL = Problem("internal", 500, "Something went wrong", "The portal's log says what kind of thing. Try again.")
UNAVAILABLE = Problem(
    "unavailable", 503, "Not at the moment", "A part that is needed does not answer. Send it again after Retry-After."
)

PROBLEMS = (
    MALFORMED,
    KEY_REFUSED,
    SCOPE_MISSING,
    NOT_FOUND,
    NO_SUCH_METHOD,
    CONFLICT,
    IN_PROGRESS,
    OUTCOME_UNKNOWN,
    TOO_LARGE,
    NOT_JSON,
    WRONG_HOST,
    INVALID,
    KEY_REUSED,
    TOO_MANY,
    INTERNAL,
    UNAVAILABLE,
)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Which kind of problem it is; it can be looked up."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What it was this time."},
        "errors": {
            "type": "array",
            "description": "The values that cannot be used.",
            "items": {
                "type": "object",
                "required": ["place", "detail"],
                "additionalProperties": False,
                "properties": {
                    "place": {"type": "string", "description": "Where it stood, such as body/why or query/limit."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A value that cannot be used: where it stood, and why not; never the value itself."""

    place: str
    detail: str


def type_of(problem: Problem, public_url: str) -> str:
    """Answer the URI that names a kind of problem, at which it is explained."""
    return f"{public_url}{PREFIX}/problems#{problem.name}"


def respond(
    problem: Problem,
    public_url: str,
    *,
    detail: str = "",
    mistakes: Sequence[Mistake] = (),
    headers: Sequence[tuple[str, str]] = (),
) -> Response:
    """Answer with a problem; a header may be there twice."""
    body: dict[str, Any] = {"type": type_of(problem, public_url), "title": problem.title, "status": problem.status}
    if detail:
        body["detail"] = detail
    if mistakes:
        body["errors"] = [{"place": mistake.place, "detail": mistake.detail} for mistake in mistakes]
    response = Response(json.dumps(body).encode("ascii"), problem.status, media_type=MEDIA_TYPE)
    for name, value in headers:
        response.headers.append(name, value)
    return response


def explain() -> Response:
    """Answer the page at which each `type` is explained."""
    parts = [
        f'<h2 id="{problem.name}">{problem.name} ({problem.status})</h2>'
        f"<p>{html.escape(problem.title)}.</p><p>{html.escape(problem.advice)}</p>"
        for problem in PROBLEMS
    ]
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Problems of the API</title>'
        '<meta name="viewport" content="width=device-width"></head>'
        f"<body><main><h1>Problems of the API</h1>{''.join(parts)}</main></body></html>"
    )
    return HTMLResponse(page)
