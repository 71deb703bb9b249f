"""Accounts: how they stand, and what the help desk does with them."""

from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import Field

from watchword.domain.lockout import FOREVER
from watchword.portal.api.api_router import ApiRouter
from watchword.portal.api.call import Calling
from watchword.portal.api.fields import AccountName, Body, Cursor, Limit, Moment, Page, Reason, link_next
from watchword.services.administer import AccountView
from watchword.services.api_keys import Scope
from watchword.services.find import AccountHit, Finder

router = ApiRouter("accounts")


class AccountAnswer(Body):
    """How an account stands."""

    account: Annotated[str, Field(examples=["alice"])]
    failures: Annotated[int, Field(description="Failed codes in a row.", examples=[20])]
    locked: Annotated[
        str | None,
        Field(
            description="Why it cannot log in now: `held` by an operator, or too many `failures`; null if it can.",
            examples=["failures"],
        ),
    ]
    locked_until: Annotated[
        Moment | None, Field(description="When that ends by itself; null if it does not.", examples=[1800001800])
    ]


def describe_account(view: AccountView) -> AccountAnswer:
    """Describe an account."""
    ends = 0 < view.locked_until < FOREVER and not view.locked.startswith("held")
    locked = None if not view.locked else "held" if view.locked.startswith("held") else "failures"
    return AccountAnswer(
        account=view.name, failures=view.failures, locked=locked, locked_until=view.locked_until if ends else None
    )


@router.read("/accounts", Scope.ACCOUNTS_READ)
def list_accounts(
    call: Calling,
    request: Request,
    response: Response,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[AccountAnswer]:
    """List accounts.

    By name; all that were ever paired or locked.
    """
    found = call.administrator().accounts(cursor, limit + 1)
    following = found[limit - 1].name if len(found) > limit else None
    link_next(request, response, limit, following)
    return Page(items=[describe_account(view) for view in found[:limit]], next=following)


class Hit(Body):
    """An account that was found."""

    account: Annotated[str, Field(examples=["alice"])]
    kinds: Annotated[list[str], Field(description="Of its tokens; none: it is not paired.", examples=[["soft"]])]
    locked: Annotated[bool, Field(examples=[False])]


@router.read("/find", Scope.ACCOUNTS_READ)
def find_accounts(
    call: Calling,
    request: Request,
    response: Response,
    begins: Annotated[str, Query(min_length=1, max_length=128, description="How the name begins.", examples=["ali"])],
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[Hit]:
    """Find accounts by the beginning of their names."""
    hits = Finder(call.store, clock=call.desk.clock).find(begins, accounts_after=cursor, limit=limit)
    following = hits.more_accounts_after or None
    link_next(request, response, limit, following)
    return Page(items=[_describe_hit(hit, call.desk.clock()) for hit in hits.accounts], next=following)


@router.read("/locked", Scope.ACCOUNTS_READ)
def list_locked_accounts(
    call: Calling, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = ""
) -> Page[Hit]:
    """List the accounts that are locked now.

    By an operator or by failures; by name.
    """
    found, after = Finder(call.store, clock=call.desk.clock).locked(cursor, limit)
    link_next(request, response, limit, after or None)
    return Page(items=[_describe_hit(hit, call.desk.clock()) for hit in found], next=after or None)


def _describe_hit(hit: AccountHit, now_seconds: float) -> Hit:
    return Hit(account=hit.name, kinds=hit.kinds, locked=hit.standing.held or hit.standing.is_locked_out(now_seconds))


@router.read("/accounts/{account}", Scope.ACCOUNTS_READ)
def show_account(call: Calling, account: AccountName) -> AccountAnswer:
    """Show an account."""
    return describe_account(call.administrator().view(account))


@router.write("/accounts/{account}/lock", Scope.ACCOUNTS_WRITE)
def lock_account(call: Calling, account: AccountName, reason: Reason) -> AccountAnswer:
    """Lock an account.

    Paired or not: no code opens it until it is unlocked. Its sessions in this portal end.
    """
    administrator = call.administrator(reason.why)
    administrator.lock(account)
    call.desk.sessions.end_all(account)
    return describe_account(administrator.view(account))


@router.write("/accounts/{account}/unlock", Scope.ACCOUNTS_WRITE)
def unlock_account(call: Calling, account: AccountName, reason: Reason) -> AccountAnswer:
    """Unlock an account.

    Whoever or whatever locked it.
    """
    administrator = call.administrator(reason.why)
    administrator.unlock(account)
    return describe_account(administrator.view(account))


@router.write("/accounts/{account}/clear-failures", Scope.ACCOUNTS_WRITE)
def clear_failures(call: Calling, account: AccountName, reason: Reason) -> AccountAnswer:
    """Start a new count of failed codes.

    This ends a lockout; an operator's own lock stays.
    """
    administrator = call.administrator(reason.why)
    administrator.clear_failures(account)
    return describe_account(administrator.view(account))
