"""Do something to an account or a token: say why, and it is done, and in the audit log."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response

from watchword.domain.errors import Conflict, InvalidValue, NotFound, WatchwordError
from watchword.portal.current import Current
from watchword.portal.guards import AnyOperator, Forbidden
from watchword.portal.operators.acts import ACTS, Act, Subject
from watchword.portal.operators.page import in_words, page
from watchword.portal.operators.paths import account_path, token_path
from watchword.portal.operators.tools import AtTools, Tools, actor_of
from watchword.portal.pages import go_to
from watchword.services.actor import Actor
from watchword.services.ports_tokens import TokenFacts
from watchword.services.roles import Role

Line = Annotated[str, Form(max_length=300)]

router = APIRouter(prefix="/operators/act")


@dataclass(frozen=True, slots=True)
class Given:
    """What was given beside the reason."""

    serial: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Target:
    """What an act is done to: an account, or a token and its account (empty: the drawer)."""

    name: str
    account: str
    token: TokenFacts | None = None
    is_only: bool = False
    """Whether its account has no other token."""


@router.get("/{name}")
def ask(
    request: Request,
    operator: AnyOperator,
    tools: AtTools,
    name: str,
    subject: Annotated[str, Query(max_length=200)],
) -> Response:
    """Ask for the reason."""
    act = _allowed(name, operator)
    return _form(request, act, _target(tools, act, subject))


@router.post("/{name}")
def do(
    request: Request,
    operator: AnyOperator,
    tools: AtTools,
    name: str,
    subject: Annotated[str, Form(max_length=200)],
    why: Line = "",
    serial: Line = "",
    first: Line = "",
    second: Line = "",
) -> Response:
    """Do it."""
    act = _allowed(name, operator)
    target = _target(tools, act, subject)
    try:
        _check_whose(tools, operator, act, target)
        _perform(tools, act, target, actor_of(request, operator, why), Given(serial.strip(), first, second))
    except (Conflict, InvalidValue, NotFound) as error:
        return _form(request, act, target, why=why, serial=serial, error=error)
    if target.account:
        return go_to(account_path(target.account, done=act.name))
    return go_to(token_path(target.name, done=act.name) if act.name != "remove" else "/operators/?done=remove")


def _allowed(name: str, operator: Current) -> Act:
    """Find an act; raises Forbidden if it is not for this operator."""
    act = ACTS.get(name)
    if act is None:
        raise HTTPException(404)
    if operator.role not in act.roles:
        raise Forbidden
    return act


def _target(tools: Tools, act: Act, subject: str) -> Target:
    """Find what is to be changed; raises NotFound."""
    if act.subject is Subject.ACCOUNT:
        tools.reader.read(subject, limit=1)
        return Target(subject, subject)
    found = tools.reader.token(subject)
    others = tools.reader.read(found.account, limit=1).tokens if found.account else []
    return Target(subject, found.account, found, is_only=len(others) == 1)


def _check_whose(tools: Tools, operator: Current, act: Act, target: Target) -> None:
    """See that nobody raises themself: not by acting on their own account, nor on one that may do more.

    Raises Conflict, DirectoryUnavailable.
    """
    if not target.account:
        return
    if target.account == operator.account and act.name != "lock":
        raise Conflict("this is your own account: a colleague has to do that, or the command line")
    if operator.role is not Role.ADMIN and tools.desk.roles.role_of(target.account) is Role.ADMIN:
        raise Conflict("this account is an admin's: only another admin can do that")


def _perform(tools: Tools, act: Act, target: Target, actor: Actor, given: Given) -> None:
    """Do an act, by the verb that does it everywhere else too."""
    administrator, keeper = tools.administrator(actor), tools.desk.keeper
    in_whose_name = {"actor": actor.name, "why": actor.why, "address": actor.address}
    match act.name:
        case "clear-failures":
            administrator.clear_failures(target.name)
        case "unlock":
            administrator.unlock(target.name)
        case "lock":
            administrator.lock(target.name)
            tools.desk.sessions.end_all(target.name)
        case "enable" | "disable":
            administrator.set_enabled(target.name, enabled=act.name == "enable")
        case "remove":
            tools.pairer(actor).remove(target.name)
        case "assign":
            keeper.assign(target.name, given.serial, **in_whose_name)
        case "unassign":
            keeper.unassign(target.name, **in_whose_name)
        case "resync":
            keeper.resync(target.name, given.first, given.second, **in_whose_name)
        case _:
            raise AssertionError(act.name)


def _form(
    request: Request, act: Act, target: Target, *, why: str = "", serial: str = "", error: WatchwordError | None = None
) -> Response:
    return page(
        request,
        "act.html",
        status={NotFound: 404, Conflict: 409, InvalidValue: 400}.get(type(error), 200) if error else 200,
        act=act,
        target=target,
        why=why,
        serial=serial,
        error=in_words(error) if error else "",
        back=account_path(target.account) if target.account else token_path(target.name),
    )
