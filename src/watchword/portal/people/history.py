"""What happened with one's account, and "this wasn't me"."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from watchword.portal.cookies import Cookies
from watchword.portal.guards import AtDesk, SignedIn
from watchword.portal.pages import go_to, moment, render
from watchword.portal.people.entries import make_entry, read_history

ENTRIES_A_PAGE = 25

RowNumber = Annotated[int, Path(ge=1, le=2**62)]

router = APIRouter()


@router.get("/history")
def show_history(
    request: Request, current: SignedIn, desk: AtDesk, before: Annotated[int | None, Query(ge=1, le=2**62)] = None
) -> Response:
    """Show a page of one's history."""
    entries, older = read_history(desk, current.account, before=before, most=ENTRIES_A_PAGE)
    return render(request, "people/history.html", entries=entries, older=older, is_first=before is None)


@router.get("/history/{event_id}/not-me")
def ask_whether(request: Request, current: SignedIn, desk: AtDesk, event_id: RowNumber) -> Response:
    """Ask whether this really wasn't them, and say what will happen."""
    event = desk.people.reports.event(current.account, event_id)
    return render(request, "people/not_me.html", entry=make_entry(desk, event_id, event))


@router.post("/history/{event_id}/not-me")
def report(request: Request, current: SignedIn, desk: AtDesk, event_id: RowNumber) -> Response:
    """Hold the account, end its sessions (this one too), tell the operators."""
    entry = make_entry(desk, event_id, desk.people.reports.event(current.account, event_id))
    what = f"{entry.text}, {moment(entry.at_seconds)} (event {event_id})"
    desk.people.reports.report(current.account, what, request.state.address)
    response = go_to("/reported")
    cookies: Cookies = request.app.state.cookies
    cookies.drop(response, cookies.session)
    return response


@router.get("/reported")
def show_reported(request: Request) -> Response:
    """Say what happens now; whoever reads it is signed out."""
    return render(request, "people/reported.html")
