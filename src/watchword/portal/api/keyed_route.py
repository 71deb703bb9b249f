"""A route of the API: it lets a key in, asks for the scope, keeps writes from happening twice, and answers problems."""

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from watchword.domain.errors import WatchwordError
from watchword.portal.api.answer_errors import NotJson, answer_error, problem_of
from watchword.portal.api.call import Call
from watchword.services.api_keys import Scope
from watchword.services.api_keys_admission import Caller, Doorkeeper, Knock, Quota
from watchword.services.replay_protection import Answer, Claim, ReplayProtection

log = logging.getLogger(__name__)

IDEMPOTENCY_KEY = "idempotency-key"
REPLAYED = "Idempotency-Replayed"

TERMS = "x-watchword"
"""Where a route's terms stand among what it says of itself."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a route asks for, and how it may fail.

    `repeatable`: an Idempotency-Key keeps it from happening twice; `secret`: its answer holds a new secret.
    """

    scope: Scope | None
    repeatable: bool = False
    fails: tuple[int, ...] = ()
    secret: bool = False


class KeyedRoute(APIRoute):
    """A route whose every exception becomes a problem."""

    def get_route_handler(self) -> Handler:
        """Wrap what FastAPI makes of the endpoint."""
        terms: Terms = getattr(self.endpoint, TERMS)
        endpoint = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await _admit(request, terms, endpoint)
            except Exception as error:  # noqa: BLE001 - nothing may leave as anything but a problem
                return answer_error(request, error)

        return handle


async def _admit(request: Request, terms: Terms, endpoint: Handler) -> Response:
    caller = await run_in_threadpool(_let_in, request)
    try:
        if terms.scope is not None:
            caller.require(terms.scope)
        await _check_body(request)
        response = await _once(request, caller, terms, endpoint)
    except Exception as error:  # noqa: BLE001 - as above; but whoever has a key is told what is left of its quota
        response = answer_error(request, error)
    _tell_quota(response, caller.quota)
    return response


def _let_in(request: Request) -> Caller:
    """Let a key in, and take the keyring as it is now; raises KeyRefused, TooMany, StoreUnavailable."""
    request.app.state.desk.services.refresh_keys()
    door: Doorkeeper = request.app.state.door
    return door.admit(_knock(request))


async def _once(request: Request, caller: Caller, terms: Terms, endpoint: Handler) -> Response:
    """Answer a request; one that was answered before, as it was then."""
    replays: ReplayProtection = request.app.state.replays
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is None or not terms.repeatable:
        return await _do(request, caller, endpoint, None)
    begun = await run_in_threadpool(replays.begin, caller.key_id, key, await _fingerprint(request))
    if isinstance(begun, Answer):
        return Response(begun.body, begun.status, {**begun.headers, REPLAYED: "true"})
    try:
        response = await _do(request, caller, endpoint, begun)
    except Exception as error:  # noqa: BLE001 - translated here, since what is refused is remembered too
        response = answer_error(request, error)
        if problem_of(error).status >= 429:
            await run_in_threadpool(replays.release, begun)
            return response
    await _keep(replays, begun, response, is_secret=terms.secret)
    return response


async def _do(request: Request, caller: Caller, endpoint: Handler, claim: Claim | None) -> Response:
    state = request.app.state
    request.state.call = Call(state.desk, caller, state.seal, state.replays, claim)
    return await endpoint(request)


async def _keep(replays: ReplayProtection, claim: Claim, response: Response, *, is_secret: bool) -> None:
    kept = {name: value for name, value in response.headers.items() if name in ("content-type", "location")}
    answer = Answer(response.status_code, kept, bytes(response.body))
    try:
        await run_in_threadpool(partial(replays.finish, claim, answer, is_secret=is_secret))
    except WatchwordError as error:
        # It is done: whoever asked has to hear so. Were the request sent again, nobody would do it twice.
        log.error("the answer to a request with an Idempotency-Key was not kept: %s", error)


async def _fingerprint(request: Request) -> bytes:
    return f"{request.method} {target_of(request)}\0".encode() + await request.body()


def _knock(request: Request) -> Knock:
    return Knock(request.method, target_of(request), request.state.address, request.headers.get("authorization"))


def target_of(request: Request) -> str:
    """Answer path and query as they were sent, which is what HTTP Digest is computed from."""
    query = request.scope["query_string"].decode("latin-1")
    path: str = request.scope["raw_path"].decode("latin-1")
    return f"{path}?{query}" if query else path


async def _check_body(request: Request) -> None:
    """Read the body, as long as it may be; raises TooLarge, NotJson."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if await request.body() and media_type != "application/json":
        raise NotJson


def _tell_quota(response: Response, quota: Quota) -> None:
    """Say how many requests are left (draft-ietf-httpapi-ratelimit-headers)."""
    response.headers["RateLimit-Policy"] = f'"key";q={quota.limit};w={quota.window_seconds}'
    response.headers["RateLimit"] = f'"key";r={quota.left};t={quota.ends_in_seconds}'
