"""The API's description (OpenAPI 3.1): what FastAPI knows, and how each operation may fail."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from watchword.portal.api import PREFIX, problems
from watchword.portal.api.examples import add_examples
from watchword.portal.api.keyed_route import Terms
from watchword.services.digest_access import REALM

_DESCRIPTION = f"""For the centre's own portal: everything that people's and operators' pages can do, and `validate`.

Show a key as a bearer token, or by HTTP Digest (SHA-256, realm `{REALM}`; the key's id is the user, the whole key the
password). Times are seconds since 1970, UTC. Every error is a problem (RFC 9457). Every change says why, and is in the
audit log. An `Idempotency-Key` keeps a change from happening twice: sent again within 24 hours, the same request gets
the same answer.
"""

_ALWAYS = (401, 429, 500, 503)
_WITH_BODY = (400, 413, 415)

_BY_STATUS = {
    400: "malformed",
    401: "key-refused",
    403: "scope-missing",
    404: "not-found",
    409: "conflict",
    413: "too-large",
    415: "not-json",
    422: "invalid",
    429: "too-many",
    500: "internal",
    503: "unavailable",
}

_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key: `ww_<id>_<secret>`."},
    "digest": {"type": "http", "scheme": "digest", "description": "RFC 7616, SHA-256, qop=auth."},
}

_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "New for each request: a UUID will do.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]{1,255}$"},
    "example": "0f8d5b7c-6a52-4f0e-9d0b-1f6f4be2a7f3",
}


def describe(app: FastAPI, terms: Mapping[str, Terms], public_url: str) -> dict[str, Any]:
    """Describe every operation, by its name."""
    document = get_openapi(
        title="Watchword",
        version="1",
        openapi_version="3.1.0",
        description=_DESCRIPTION,
        routes=app.routes,
        servers=[{"url": f"{public_url}{PREFIX}"}],
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = problems.SCHEMA
    components["securitySchemes"] = _SECURITY
    components["responses"] = {str(status): _problem_response(status, public_url) for status in _BY_STATUS}
    for path in document["paths"].values():
        for operation in path.values():
            _complete(operation, terms[operation["operationId"]])
            add_examples(operation, schemas)
    return document


def _complete(operation: dict[str, Any], terms: Terms) -> None:
    """Add to an operation what its route asks for, and each way to fail."""
    operation["security"] = [{"bearer": []}, {"digest": []}]
    operation["description"] = operation.get("description", "").partition("\n\n")[2]
    if terms.scope is not None:
        operation["description"] = f"{operation['description']}\n\nScope: `{terms.scope}`".strip()
    if terms.repeatable:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY)
    responses = operation["responses"]
    responses.pop("422", None)
    for status in sorted(_failures(operation, terms)):
        responses[str(status)] = {"$ref": f"#/components/responses/{status}"}


def _failures(operation: dict[str, Any], terms: Terms) -> set[int]:
    failures = {*_ALWAYS, *terms.fails}
    if terms.scope is not None:
        failures.add(403)
    if operation.get("parameters"):
        failures.add(422)
    if "requestBody" in operation:
        failures |= {*_WITH_BODY, 422}
    if terms.repeatable:
        failures.add(409)
    return failures


def _problem_response(status: int, public_url: str) -> dict[str, Any]:
    problem = next(problem for problem in problems.PROBLEMS if problem.name == _BY_STATUS[status])
    example = {"type": problems.type_of(problem, public_url), "title": problem.title, "status": problem.status}
    response: dict[str, Any] = {
        "description": problem.title,
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    }
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    return response
