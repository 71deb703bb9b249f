"""The REST API as one ASGI application, mounted in the portal's."""

import os
import re

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, compile_path

from watchword.portal.api import (
    PREFIX,
    accounts,
    audit,
    classes,
    own_key,
    pairings,
    people,
    problems,
    seeds,
    statistics,
    tokens,
    validate,
)
from watchword.portal.api.answer_errors import answer_error
from watchword.portal.api.openapi import describe
from watchword.portal.guarded_app import TooLarge
from watchword.services.api_keys_admission import Doorkeeper
from watchword.services.replay_protection import ReplayProtection
from watchword.store.sealing import Sealer
from watchword.wiring.portal import Desk

AREAS = (
    own_key.router,
    validate.router,
    accounts.router,
    people.router,
    tokens.router,
    pairings.router,
    seeds.router,
    classes.router,
    audit.router,
    statistics.router,
)


def create_api(desk: Desk) -> FastAPI:
    """Make the API around services that are ready."""
    api = FastAPI(title="Watchword", openapi_url=None, docs_url=None, redoc_url=None)
    seal = Sealer(desk.services.keyring)
    api.state.desk = desk
    api.state.seal = seal
    api.state.public_url = desk.settings.portal.public_url
    api.state.door = Doorkeeper(
        desk.store, seal, clock=desk.clock, requests_per_minute=desk.settings.portal.api_requests_per_minute
    )
    api.state.replays = replays_of(desk)
    for area in AREAS:
        api.include_router(area.routes)
    _add_documents(api)
    # What no route answers: another path, another method, a body without end.
    for error in (HTTPException, RequestValidationError, TooLarge):
        api.add_exception_handler(error, answer_error)
    return api


def mount_api(desk: Desk) -> Mount:
    """Make the place of the API among the portal's routes."""
    mount = Mount(PREFIX, create_api(desk))
    # Starlette's own pattern ends at a line end, and whatever lies beyond would be answered by a page.
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


def replays_of(desk: Desk) -> ReplayProtection:
    """Make what remembers requests and their answers."""
    return ReplayProtection(desk.store, clock=desk.clock, random_octets=os.urandom)


def _add_documents(api: FastAPI) -> None:
    """Add what anybody may read: what the API is, and what its problems mean."""
    terms = {name: terms for area in AREAS for name, terms in area.terms.items()}
    document = describe(api, terms, api.state.public_url)
    api.state.paths = [
        ({method.upper() for method in operations}, compile_path(path)[0])
        for path, operations in document["paths"].items()
    ]

    def openapi(_request: Request) -> Response:
        return JSONResponse(document, headers={"Cache-Control": "max-age=300"})

    def explain(_request: Request) -> Response:
        return problems.explain()

    for path, endpoint in (("/openapi.json", openapi), ("/problems", explain)):
        api.router.routes.append(Route(path, endpoint))
        api.state.paths.append(({"GET", "HEAD"}, compile_path(path)[0]))
