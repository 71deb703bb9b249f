"""Keys of the REST API: for admins. What opens the API is shown once, on the page that made it."""

import os
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from watchword.domain.errors import DirectoryUnavailable, InvalidValue, NotFound, WatchwordError
from watchword.portal.current import Current
from watchword.portal.guards import Admin
from watchword.portal.operators.page import in_words, page
from watchword.portal.operators.tools import AtTools, Tools, actor_of
from watchword.portal.pages import go_to
from watchword.services.api_keys import ApiKey, ApiKeys, Scope
from watchword.services.roles import Role

HERE = "/operators/api-keys"

Short = Annotated[str, Form(max_length=300)]
KeyId = Annotated[str, Query(max_length=16)]

MEANINGS = {
    Scope.VALIDATE: "Check codes",
    Scope.ACCOUNTS_READ: "Find and show accounts",
    Scope.ACCOUNTS_WRITE: "Lock, unlock, clear failures, end sessions",
    Scope.TOKENS_READ: "List and show tokens",
    Scope.TOKENS_WRITE: "Pair any account, and unpair it: as much as an admin",
    Scope.SEEDS_IMPORT: "Put fobs in the drawer",
    Scope.CLASSES_WRITE: "Make training classes",
    Scope.AUDIT_READ: "Read what happened, and why",
    Scope.STATISTICS_READ: "Read the counts of each day",
}

router = APIRouter(prefix=HERE)


@router.get("")
def look(request: Request, _operator: Admin, tools: AtTools) -> Response:
    """List the keys, and offer to make one."""
    return _list(request, tools)


@router.post("/make")
def make(
    request: Request,
    operator: Admin,
    tools: AtTools,
    name: Short = "",
    days: Annotated[str, Form(max_length=5)] = "",
    networks: Annotated[str, Form(max_length=1000)] = "",
    why: Short = "",
    scope: Annotated[tuple[str, ...], Form(max_length=20)] = (),
    digest: Annotated[str, Form(max_length=5)] = "",
) -> Response:
    """Make a key, and show it."""
    try:
        new = _keys(request, tools, operator, why).add(
            name.strip(),
            scopes={Scope(word) for word in scope if word in set(Scope)},
            days=int(days) if days.isascii() and days.isdigit() else 0,
            networks=networks.replace(",", " ").split(),
            for_digest=digest == "yes",
        )
    except InvalidValue as error:
        typed = {"name": name, "days": days, "networks": networks, "why": why, "scope": scope, "digest": digest}
        return _list(request, tools, error=error, typed=typed)
    # Not a redirect: the key stands nowhere but in this answer.
    return page(request, "api_key.html", key=new.key, facts=new.facts, here=HERE)


@router.get("/revoke")
def ask(request: Request, _operator: Admin, tools: AtTools, key: KeyId = "") -> Response:
    """Ask before a key is revoked; raises NotFound."""
    return page(request, "api_key_revoke.html", facts=_find(tools, key), here=HERE, why="", error="")


@router.post("/revoke")
def revoke(request: Request, operator: Admin, tools: AtTools, key: Short = "", why: Short = "") -> Response:
    """End a key; raises NotFound."""
    facts = _find(tools, key)
    try:
        _keys(request, tools, operator, why).revoke(key)
    except InvalidValue as error:
        return page(request, "api_key_revoke.html", status=400, facts=facts, here=HERE, why=why, error=in_words(error))
    return go_to(HERE)


def _keys(request: Request, tools: Tools, operator: Current, why: str) -> ApiKeys:
    actor = actor_of(request, operator, why)
    desk = tools.desk
    return ApiKeys(
        desk.store,
        clock=desk.clock,
        random_octets=os.urandom,
        actor=actor.name,
        why=actor.why,
        address=actor.address,
    )


def _all(tools: Tools) -> list[ApiKey]:
    return ApiKeys(tools.desk.store, clock=tools.desk.clock, random_octets=os.urandom, actor="").list_all()


def _is_admin(tools: Tools, name: str) -> bool | None:
    """Tell whether whoever made a key is an admin still; None while the directory does not answer."""
    try:
        return tools.desk.roles.role_of(name) is Role.ADMIN
    except DirectoryUnavailable:
        return None


def _find(tools: Tools, key_id: str) -> ApiKey:
    found = next((key for key in _all(tools) if key.key_id == key_id), None)
    if found is None:
        raise NotFound("there is no such API key")
    return found


def _list(
    request: Request, tools: Tools, *, error: WatchwordError | None = None, typed: Mapping[str, object] | None = None
) -> Response:
    keys = _all(tools)
    blank: dict[str, object] = {"name": "", "days": "365", "networks": "", "why": "", "scope": (), "digest": ""}
    return page(
        request,
        "api_keys.html",
        status=400 if error is not None else 200,
        keys=keys,
        makers={name: _is_admin(tools, name) for name in {key.created_by for key in keys}},
        now=tools.desk.clock(),
        scopes=[(scope.value, MEANINGS[scope]) for scope in Scope],
        typed={**blank, **(typed or {})},
        error=in_words(error) if error is not None else "",
        here=HERE,
    )
