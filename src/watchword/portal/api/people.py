"""What people do for themselves: see where they are signed in, end that, and say "this wasn't me"."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from watchword.portal.api.api_router import ApiRouter
from watchword.portal.api.call import Calling
from watchword.portal.api.fields import AccountName, Body, Moment, Page, Reason
from watchword.services.actor import Actor
from watchword.services.api_keys import Scope
from watchword.services.end_sessions import end_sessions

router = ApiRouter("people")


class SessionAnswer(Body):
    """Somebody signed in to this portal."""

    created_at: Moment
    seen_at: Moment
    address: Annotated[str, Field(examples=["192.0.2.7"])]
    browser: Annotated[str, Field(examples=["Firefox/140.0"])]
    proved: Annotated[bool, Field(description="Whether a code was given as well.")]


class SessionsEnded(Body):
    """How many sessions there were."""

    ended: Annotated[int, Field(examples=[2])]


class Asked(Body):
    """Something was asked for."""

    asked: Annotated[bool, Field(examples=[True])]


@router.read("/accounts/{account}/sessions", Scope.ACCOUNTS_READ)
def list_sessions(call: Calling, account: AccountName) -> Page[SessionAnswer]:
    """List an account's sessions in this portal.

    Newest first.
    """
    found = call.desk.sessions.of_account(account)
    items = [
        SessionAnswer(
            created_at=session.created_at,
            seen_at=session.seen_at,
            address=session.address,
            browser=session.browser,
            proved=session.proved_at > 0,
        )
        for session in found
    ]
    return Page(items=items, next=None)


@router.write("/accounts/{account}/sessions/end", Scope.ACCOUNTS_WRITE)
def end_sessions_of_account(call: Calling, account: AccountName, reason: Reason) -> SessionsEnded:
    """End all of an account's sessions in this portal."""
    actor = Actor(call.caller.actor, reason.why, call.caller.address)
    return SessionsEnded(ended=end_sessions(call.store, account, actor, call.desk.clock()))


@router.write("/accounts/{account}/lost-phone", Scope.ACCOUNTS_WRITE)
def mail_lost_phone_link(call: Calling, account: AccountName, reason: Reason) -> Asked:
    """Mail the owner a link that removes a lost phone.

    To the address in the directory. The answer is the same whether there was anything to mail, or nobody to mail it to.
    """
    call.note_written()
    actor = Actor(call.caller.actor, reason.why, call.caller.address)
    call.desk.people.lost_phone.ask(account, call.caller.address, actor)
    return Asked(asked=True)


@router.write("/accounts/{account}/report", Scope.ACCOUNTS_WRITE)
def report_account(call: Calling, account: AccountName, reason: Reason) -> SessionsEnded:
    """Say for its owner: "this wasn't me".

    Locks the account until an operator unlocks it, ends its sessions, and tells the operators.
    """
    reports = replace(call.desk.people.reports, store=call.store)
    what = f"{reason.why} (told by {call.caller.actor})"
    return SessionsEnded(ended=reports.report(account, what, call.caller.address))
