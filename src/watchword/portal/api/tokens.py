"""Tokens: what there is, and what the help desk does with it."""

from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import Field

from watchword.domain.errors import Conflict, InvalidValue
from watchword.portal.api.api_router import ApiRouter
from watchword.portal.api.call import Calling
from watchword.portal.api.fields import (
    AccountName,
    Body,
    Code,
    Cursor,
    Digits,
    HashName,
    KindName,
    Label,
    Limit,
    Moment,
    Page,
    PeriodSeconds,
    Reason,
    Serial,
    link_next,
)
from watchword.services.api_keys import Scope
from watchword.services.ports_tokens import TokenFacts

router = ApiRouter("tokens")


class TokenAnswer(Body):
    """A token; never what its codes are made of."""

    serial: Annotated[str, Field(examples=["SOFT-7F3A19C2"])]
    kind: KindName
    account: Annotated[str | None, Field(description="Whose it is; null for a fob in the drawer.", examples=["alice"])]
    label: Annotated[str, Field(examples=["my phone"])]
    rank: Annotated[int, Field(description="Its place among its account's: a login asks for the lowest.", examples=[0])]
    enabled: Annotated[bool, Field(examples=[True])]
    created_at: Moment
    last_used_at: Moment | None
    digits: Digits
    period_seconds: PeriodSeconds
    algorithm: HashName
    drift_seconds: Annotated[int, Field(description="How far ahead its clock was at the last login.", examples=[0])]


class Labelled(Reason):
    """A new name for a token."""

    label: Label


class TwoCodes(Reason):
    """Two codes that a token showed one after the other."""

    first: Code
    second: Code


class Drift(Body):
    """How far off a token's clock is."""

    drift_seconds: Annotated[int, Field(examples=[90])]


class Removed(Body):
    """A token that is gone."""

    serial: Annotated[str, Field(examples=["SOFT-7F3A19C2"])]
    removed: Annotated[bool, Field(examples=[True])]


def describe_token(facts: TokenFacts) -> TokenAnswer:
    """Describe a token."""
    return TokenAnswer(
        serial=facts.serial,
        kind=facts.kind,
        account=facts.account or None,
        label=facts.label,
        rank=facts.rank,
        enabled=facts.enabled,
        created_at=facts.created_at,
        last_used_at=facts.last_used_at,
        digits=facts.profile.digits,
        period_seconds=facts.profile.period_seconds,
        algorithm=facts.profile.algorithm,
        drift_seconds=facts.drift_seconds,
    )


@router.read("/tokens", Scope.TOKENS_READ)
def list_tokens(
    call: Calling,
    request: Request,
    response: Response,
    account: Annotated[
        str | None, Query(max_length=128, description="Only this account's.", examples=["alice"])
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[TokenAnswer]:
    """List tokens.

    By serial: all, or one account's.
    """
    found = call.administrator().tokens(cursor, limit + 1, account=account)
    following = found[limit - 1].serial if len(found) > limit else None
    link_next(request, response, limit, following)
    return Page(items=[describe_token(facts) for facts in found[:limit]], next=following)


@router.read("/accounts/{account}/tokens", Scope.TOKENS_READ)
def list_tokens_of_account(call: Calling, account: AccountName) -> Page[TokenAnswer]:
    """List an account's tokens.

    In their rank: the first is the one that a login asks for. An account that was never paired has none.
    """
    found = call.administrator().tokens(account=account)
    ordered = sorted(found, key=lambda facts: (facts.rank, facts.serial))
    return Page(items=[describe_token(facts) for facts in ordered], next=None)


@router.read("/tokens/{serial:path}", Scope.TOKENS_READ)
def show_token(call: Calling, serial: Serial) -> TokenAnswer:
    """Show a token."""
    return describe_token(call.administrator().token(serial))


@router.write("/tokens/{serial:path}/enable", Scope.TOKENS_WRITE)
def enable_token(call: Calling, serial: Serial, reason: Reason) -> TokenAnswer:
    """Let a token be used again."""
    administrator = call.administrator(reason.why)
    administrator.set_enabled(serial, enabled=True)
    return describe_token(administrator.token(serial))


@router.write("/tokens/{serial:path}/disable", Scope.TOKENS_WRITE)
def disable_token(call: Calling, serial: Serial, reason: Reason) -> TokenAnswer:
    """Keep a token from being used.

    Its account stays paired: without another token, nobody gets in.
    """
    administrator = call.administrator(reason.why)
    administrator.set_enabled(serial, enabled=False)
    return describe_token(administrator.token(serial))


@router.write("/tokens/{serial:path}/rename", Scope.TOKENS_WRITE)
def rename_token(call: Calling, serial: Serial, named: Labelled) -> TokenAnswer:
    """Give a token its owner's name for it."""
    administrator = call.administrator(named.why)
    administrator.rename(serial, named.label)
    return describe_token(administrator.token(serial))


@router.write("/tokens/{serial:path}/make-first", Scope.TOKENS_WRITE)
def make_token_first(call: Calling, serial: Serial, reason: Reason) -> TokenAnswer:
    """Make a token the one that a login asks for."""
    administrator = call.administrator(reason.why)
    administrator.make_first(serial)
    return describe_token(administrator.token(serial))


@router.write("/tokens/{serial:path}/resync", Scope.TOKENS_WRITE)
def resync_token(call: Calling, serial: Serial, codes: TwoCodes) -> Drift:
    """Find a token's clock again.

    By two codes that it showed one after the other. Both are used up.
    """
    call.note_written()
    who = call.caller
    try:
        drift = call.desk.keeper.resync(
            serial, codes.first, codes.second, actor=who.actor, why=codes.why, address=who.address
        )
    except InvalidValue as error:
        raise Conflict(str(error), hint=error.hint) from None
    return Drift(drift_seconds=drift)


@router.write("/tokens/{serial:path}/unassign", Scope.TOKENS_WRITE)
def unassign_token(call: Calling, serial: Serial, reason: Reason) -> TokenAnswer:
    """Put a fob back in the drawer."""
    call.note_written()
    who = call.caller
    call.desk.keeper.unassign(serial, actor=who.actor, why=reason.why, address=who.address)
    return describe_token(call.administrator().token(serial))


@router.write("/tokens/{serial:path}/remove", Scope.TOKENS_WRITE)
def remove_token(call: Calling, serial: Serial, reason: Reason) -> Removed:
    """Remove a token for good."""
    call.pairer(reason.why).remove(serial)
    return Removed(serial=serial, removed=True)
