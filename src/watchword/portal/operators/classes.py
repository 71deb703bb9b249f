"""Training classes: make them, draw new codes, print them. For admins; codes are shown once."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from watchword.domain.errors import Conflict, InvalidValue, NotFound
from watchword.portal.guards import Admin
from watchword.portal.operators.page import in_words, page
from watchword.portal.operators.tools import AtTools, Tools, actor_of
from watchword.services.actor import Actor
from watchword.services.administer import ClassCode

Short = Annotated[str, Form(max_length=300)]

router = APIRouter(prefix="/operators/classes")


@router.get("")
def look(
    request: Request, _operator: Admin, tools: AtTools, spelled: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Show a class, and what can be done with it."""
    return _page(request, tools, spelled)


@router.post("/make")
def make(request: Request, operator: Admin, tools: AtTools, spelled: Short = "", why: Short = "") -> Response:
    """Give each account of a class a code."""
    return _act(request, tools, spelled, why, lambda: _made(tools, spelled, actor_of(request, operator, why)))


@router.post("/renew")
def renew(request: Request, operator: Admin, tools: AtTools, spelled: Short = "", why: Short = "") -> Response:
    """Draw new codes for a class; the old ones are good no more."""
    return _act(request, tools, spelled, why, lambda: _renewed(tools, spelled, actor_of(request, operator, why)))


def _made(tools: Tools, spelled: str, actor: Actor) -> list[ClassCode]:
    return tools.classes.make(spelled, tools.pairer(actor))


def _renewed(tools: Tools, spelled: str, actor: Actor) -> list[ClassCode]:
    return tools.classes.renew(spelled, tools.administrator(actor))


def _act(request: Request, tools: Tools, spelled: str, why: str, draw: Callable[[], list[ClassCode]]) -> Response:
    try:
        codes = draw()
    except (InvalidValue, Conflict, NotFound) as error:
        return _page(request, tools, spelled, why=why, error=in_words(error))
    # Not a redirect: the codes stand nowhere but in this answer.
    return page(request, "class_codes.html", spelled=spelled, codes=codes)


def _page(request: Request, tools: Tools, spelled: str, *, why: str = "", error: str = "") -> Response:
    training = None
    if spelled:
        try:
            training = tools.classes.look(spelled)
        except InvalidValue as wrong:
            error = in_words(wrong)
    status = 400 if error else 200
    return page(request, "classes.html", status=status, spelled=spelled, training=training, why=why, error=error)
