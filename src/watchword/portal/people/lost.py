"""A lost phone: ask for a link by mail, and what the link leads to."""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response

from watchword.portal.guards import AtDesk, SignedIn
from watchword.portal.pages import go_to, render
from watchword.services.lost_phone import LinkUnusable
from watchword.wiring.people import LINK_PATH

Carried = Annotated[str, Path(max_length=200)]

router = APIRouter()


@router.get("/lost")
def ask(request: Request, current: SignedIn, desk: AtDesk) -> Response:
    """Say what can be done."""
    kinds = {token.kind.value for token in current.tokens}
    return render(
        request,
        "people/lost.html",
        is_offered=desk.people.lost_phone.is_offered,
        kinds=kinds,
        minutes=desk.settings.mail.link_minutes,
    )


@router.post("/lost")
def send_link(request: Request, current: SignedIn, desk: AtDesk) -> Response:
    """Have a link mailed; whether one leaves, the answer does not tell."""
    desk.people.lost_phone.ask(current.account, request.state.address)
    return go_to("/lost/sent")


@router.get("/lost/sent")
def show_sent(request: Request, _current: SignedIn, desk: AtDesk) -> Response:
    """Say what to do next."""
    return render(request, "people/lost_sent.html", minutes=desk.settings.mail.link_minutes)


@router.get("/lost/done")
def show_done(request: Request) -> Response:
    """Say that it is done; whoever reads it need not be signed in."""
    return render(request, "people/lost_done.html")


@router.get(LINK_PATH + "{carried}")
def open_link(request: Request, desk: AtDesk, carried: Carried) -> Response:
    """Ask whether to go on, and change nothing: mail scanners open links, too."""
    try:
        link = desk.people.lost_phone.look(carried)
    except LinkUnusable:
        return _unusable(request)
    return render(request, "people/lost_link.html", link=link, carried=carried)


@router.post("/lost/link")
def use_link(request: Request, desk: AtDesk, link: Annotated[str, Form(max_length=200)] = "") -> Response:
    """Remove what the link was made for."""
    try:
        desk.people.lost_phone.use(link, request.state.address)
    except LinkUnusable:
        return _unusable(request)
    return go_to("/lost/done")


def _unusable(request: Request) -> Response:
    """Answer alike for a link that was used, altered, or is too old."""
    return render(request, "people/lost_unusable.html", status=410)
