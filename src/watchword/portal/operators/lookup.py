"""Find an account or a token, see it, and see why its owner can't log in."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from watchword.domain.accounts import is_account_name
from watchword.domain.errors import DirectoryUnavailable, InvalidValue
from watchword.portal.guards import AnyOperator, AtDesk
from watchword.portal.operators.acts import ACTS, Subject, acts_for
from watchword.portal.operators.page import in_words, page, told
from watchword.portal.operators.paths import account_path
from watchword.portal.operators.tools import AtTools, Tools
from watchword.portal.pages import go_to
from watchword.services.diagnose import diagnose, verdict
from watchword.services.find import AccountHit

EVENTS_SHOWN = 30
ADDRESSES_SHOWN = 5

Text = Annotated[str, Query(max_length=200)]
Row = Annotated[int | None, Query(ge=1, lt=2**63)]

router = APIRouter(prefix="/operators")


@router.get("/")
def find(
    request: Request,
    _operator: AnyOperator,
    tools: AtTools,
    q: Text = "",
    accounts_after: Text = "",
    tokens_after: Text = "",
    done: Text = "",
) -> Response:
    """Search accounts and tokens by how they begin."""
    typed = q.strip()
    hits = tools.finder.find(typed, accounts_after=accounts_after, tokens_after=tokens_after) if typed else None
    return page(
        request,
        "find.html",
        q=typed,
        hits=hits,
        is_name=not typed or is_account_name(typed),
        can_find_people=tools.can_find_people,
        done=said_of(done),
    )


@router.post("/person")
def find_person(
    request: Request, _operator: AnyOperator, tools: AtTools, person: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """Search people by name or mail address: by a form that is posted, so that no name stands in an address."""
    people: list[AccountHit] = []
    answers = True
    try:
        people = tools.finder.find_person(person)
    except DirectoryUnavailable:
        answers = False
    return page(request, "people.html", person=person, people=people, answers=answers)


@router.get("/account")
def account(
    request: Request,
    operator: AnyOperator,
    desk: AtDesk,
    tools: AtTools,
    name: Text,
    before: Row = None,
    done: Text = "",
) -> Response:
    """Show an account: how it stands, its tokens, its story."""
    found = tools.reader.read(name, before=before, limit=EVENTS_SHOWN)
    exempt = tools.investigator.exemptions_from(name, found.person, found.addresses(ADDRESSES_SHOWN))
    return page(
        request,
        "account.html",
        found=found,
        exempt=exempt,
        allowed=desk.settings.lockout.failures,
        story=[told(desk, numbered.row, numbered.event) for numbered in found.story],
        before=before,
        acts=acts_for(operator.role, Subject.ACCOUNT),
        token_acts=acts_for(operator.role, Subject.TOKEN),
        done=said_of(done),
    )


@router.get("/token")
def token(request: Request, operator: AnyOperator, tools: AtTools, serial: Text, done: Text = "") -> Response:
    """Show a token; one that is paired is on its account's page."""
    found = tools.reader.token(serial)
    if found.account:
        return go_to(account_path(found.account))
    acts = [act for act in acts_for(operator.role, Subject.TOKEN) if act.name != "unassign"]
    return page(request, "token.html", token=found, acts=acts, done=said_of(done))


@router.get("/why")
def why(request: Request, _operator: AnyOperator, tools: AtTools, name: Text = "") -> Response:
    """Say why somebody can't log in."""
    return _why(request, tools, name.strip())


@router.post("/why")
def why_from(
    request: Request,
    _operator: AnyOperator,
    tools: AtTools,
    name: Annotated[str, Form(max_length=200)] = "",
    address: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Say why they can't log in from an address; posted, so that no address of a person stands in ours."""
    return _why(request, tools, name.strip(), address.strip())


def _why(request: Request, tools: Tools, name: str, address: str = "") -> Response:
    wrong = ""
    try:
        facts = tools.investigator.gather(name, address)
    except InvalidValue as error:
        wrong = in_words(error)
        facts = tools.investigator.gather(name)
    found = diagnose(facts) if name else []
    may = {act.name for subject in Subject for act in acts_for(request.state.current.role, subject)}
    return page(
        request,
        "why.html",
        status=400 if wrong else 200,
        name=name,
        address=address,
        wrong=wrong,
        facts=facts,
        found=found,
        verdict=verdict(found),
        may=may,
        acts=ACTS,
    )


def said_of(done: str) -> str:
    """Say what was done, if that is the name of an act."""
    return ACTS[done].done if done in ACTS else ""
