"""What happened, and why somebody can't log in."""

from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import Field

from watchword.domain.audit import AuditEvent
from watchword.portal.api.api_router import ApiRouter
from watchword.portal.api.call import Call, Calling
from watchword.portal.api.fields import AccountName, Address, Body, Limit, Page, RowCursor, link_next
from watchword.services.api_keys import Scope
from watchword.services.diagnose import diagnose, verdict
from watchword.services.diagnose_facts import Found
from watchword.services.diagnose_gather import Circumstances, Investigator
from watchword.services.tell_story import tell
from watchword.services.watch_live import Feed, Watcher

router = ApiRouter("audit")


class EventAnswer(Body):
    """One line of the audit log, and what it says in plain words."""

    row: Annotated[int, Field(description="Its number; newer events have greater ones.", examples=[4711])]
    at: Annotated[float, Field(description="Seconds since 1970, UTC.", examples=[1800000000.123])]
    kind: Annotated[str, Field(examples=["login"])]
    result: Annotated[str, Field(examples=["denied"])]
    account: Annotated[str, Field(examples=["alice"])]
    serial: Annotated[str, Field(examples=["SOFT-7F3A19C2"])]
    address: Annotated[str, Field(description="Where the person, or the operator, sat.", examples=["203.0.113.9"])]
    node: Annotated[str, Field(examples=["login1"])]
    reason: Annotated[str, Field(examples=["wrong_code"])]
    actor: Annotated[str, Field(description="Which operator did it; empty for the person themself.", examples=[""])]
    detail: Annotated[str, Field(examples=["failures 3"])]
    text: Annotated[
        str, Field(description="The same in plain words.", examples=["refused from 203.0.113.9: wrong code, 3 of 20"])
    ]
    meaning: Annotated[str, Field(description="What it means, and what to do about it.", examples=[""])]


class FindingAnswer(Body):
    """One thing that was looked at."""

    weight: Annotated[
        str, Field(description="`blocks` a login, may be the reason (`look`), or is `fine`.", examples=["blocks"])
    ]
    what: Annotated[str, Field(examples=["Too many failed codes in a row: locked for 12 minutes more."])]
    advice: Annotated[str, Field(examples=["Clear the failures, if you know who you are talking to."])]
    remedy: Annotated[
        str, Field(description="What can be done about it; empty for nothing here.", examples=["clear-failures"])
    ]
    serial: Annotated[str, Field(examples=[""])]


class Diagnosis(Body):
    """Why an account can't log in."""

    verdict: FindingAnswer
    findings: Annotated[list[FindingAnswer], Field(description="In the order in which a login meets them.")]


def describe_event(call: Call, row: int, event: AuditEvent) -> EventAnswer:
    """Describe an event."""
    sentence = tell(event, allowed_failures=call.desk.settings.lockout.failures)
    return EventAnswer(
        row=row,
        at=event.at_milliseconds / 1000,
        kind=event.kind,
        result=event.result,
        account=event.account,
        serial=event.serial,
        address=event.address,
        node=event.node,
        reason=event.reason,
        actor=event.actor,
        detail=event.detail,
        text=sentence.text,
        meaning=sentence.meaning,
    )


def _page(
    call: Call, request: Request, response: Response, *, limit: int, before: int | None, account: str | None
) -> Page[EventAnswer]:
    found = call.store.read(lambda rows: rows.audit.page(before, limit + 1, account=account))
    following = found[limit - 1][0] if len(found) > limit else None
    link_next(request, response, limit, following)
    return Page(items=[describe_event(call, row, chained.event) for row, chained in found[:limit]], next=following)


@router.read("/audit", Scope.AUDIT_READ)
def list_events(
    call: Calling, request: Request, response: Response, limit: Limit = 50, cursor: RowCursor = None
) -> Page[EventAnswer]:
    """List what happened.

    Newest first.
    """
    return _page(call, request, response, limit=limit, before=cursor, account=None)


@router.read("/accounts/{account}/story", Scope.AUDIT_READ)
def tell_story_of_account(
    call: Calling,
    request: Request,
    response: Response,
    account: AccountName,
    limit: Limit = 50,
    cursor: RowCursor = None,
) -> Page[EventAnswer]:
    """Tell an account's story.

    Newest first.
    """
    return _page(call, request, response, limit=limit, before=cursor, account=account)


@router.read("/accounts/{account}/diagnosis", Scope.AUDIT_READ)
def diagnose_account(
    call: Calling,
    account: AccountName,
    address: Annotated[
        Address | None,
        Query(description="Where they log in from: then exemptions are looked at too.", examples=["192.0.2.7"]),
    ] = None,
) -> Diagnosis:
    """Find out why an account can't log in."""
    portal = call.desk.settings.portal
    circumstances = Circumstances(
        portal.mode, portal.deadline, call.desk.settings.soft.drift_seconds, portal.exemptions
    )
    investigator = Investigator(call.store, call.desk.directory, circumstances, clock=call.desk.clock)
    found = diagnose(investigator.gather(account, str(address) if address is not None else ""))
    return Diagnosis(verdict=_describe(verdict(found)), findings=[_describe(one) for one in found])


def _describe(found: Found) -> FindingAnswer:
    return FindingAnswer(
        weight=found.weight.value,
        what=found.what,
        advice=found.advice,
        remedy=found.remedy.value,
        serial=found.serial,
    )


@router.read("/live/{feed}", Scope.AUDIT_READ)
def list_live(
    call: Calling,
    request: Request,
    response: Response,
    feed: Annotated[Feed, Path(description="Which list.", examples=["refusals"])],
    limit: Limit = 50,
    cursor: RowCursor = None,
) -> Page[EventAnswer]:
    """List what operators watch.

    Newest first: refusals, messages that did not leave, reports of "this wasn't me", acts of operators.
    """
    found, following = Watcher(call.store).page(feed, cursor, limit)
    link_next(request, response, limit, following)
    return Page(items=[describe_event(call, one.row, one.event) for one in found], next=following)
