"""Unpair a device with a code of it."""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response

from watchword.domain.errors import InvalidValue
from watchword.domain.tokens import Kind
from watchword.portal.guards import AtDesk, SignedIn
from watchword.portal.pages import go_to, render
from watchword.services.ports_tokens import TokenFacts
from watchword.services.unpair import OWN_KINDS

Serial = Annotated[str, Path(max_length=64)]

router = APIRouter()


@router.get("/unpaired")
def show_done(request: Request, current: SignedIn) -> Response:
    """Say that it is done, and what that means."""
    return render(request, "people/unpaired.html", tokens=current.tokens)


@router.get("/unpair/{serial:path}")
def ask(request: Request, current: SignedIn, desk: AtDesk, serial: Serial) -> Response:
    """Ask for a code; for a fob, say how to reach the help desk."""
    token = desk.people.unpairer.token(current.account, serial)
    if token.kind not in OWN_KINDS:
        return render(request, "people/unpair_fob.html", token=token)
    return _form(request, token, current.tokens)


@router.post("/unpair/{serial:path}/text")
def text_code(request: Request, current: SignedIn, desk: AtDesk, serial: Serial) -> Response:
    """Have a code texted, and ask for it."""
    token = desk.people.unpairer.token(current.account, serial)
    desk.people.unpairer.text_code(current.account, request.state.address)
    return _form(request, token, current.tokens, is_texted=True)


@router.post("/unpair/{serial:path}")
def unpair(
    request: Request,
    current: SignedIn,
    desk: AtDesk,
    serial: Serial,
    code: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Unpair, if the code is right."""
    unpairer = desk.people.unpairer
    try:
        unpairer.unpair(current.account, serial, code, request.state.address, session_hash=current.session.session_hash)
    except InvalidValue as mistake:
        token = unpairer.token(current.account, serial)
        return _form(request, token, current.tokens, error=f"{mistake} {mistake.hint}")
    return go_to("/unpaired")


def _form(
    request: Request, token: TokenFacts, tokens: list[TokenFacts], *, is_texted: bool = False, error: str = ""
) -> Response:
    return render(
        request,
        "people/unpair.html",
        status=422 if error else 200,
        token=token,
        is_last=len(tokens) == 1,
        has_phone=any(each.kind is Kind.SMS and each.enabled for each in tokens),
        is_texted=is_texted,
        error=error,
    )
