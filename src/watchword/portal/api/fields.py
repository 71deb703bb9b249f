"""What requests and answers are made of: the fields that many of them share, and pages of a list."""

from datetime import date
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Path, Query, Request, Response
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from watchword.domain.accounts import is_account_name
from watchword.domain.errors import NotFound
from watchword.domain.otp import Algorithm
from watchword.domain.tokens import Kind

Item = TypeVar("Item")

MOST_ITEMS = 200


def _only_text(given: object) -> object:
    """Refuse a number where an address or a day is meant: ipaddress and datetime would make one of it."""
    if isinstance(given, str) and not given.lstrip("-").isdigit():
        return given
    raise ValueError("it has to be written as text")


Address = Annotated[IPv4Address | IPv6Address, BeforeValidator(_only_text)]
Day = Annotated[date, BeforeValidator(_only_text)]


class Body(BaseModel):
    """Something that is sent or answered: no field that is not named here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def one_line(text: str) -> str:
    """Make one line of a text: whatever cannot be printed becomes a space."""
    return "".join(character if character.isprintable() else " " for character in text)


def _unicode(text: str) -> str:
    """Refuse half a surrogate pair, which JSON can spell and UTF-8 cannot."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    raise ValueError("it is not Unicode text")


Text = Annotated[str, AfterValidator(_unicode)]

Why = Annotated[
    str,
    AfterValidator(one_line),
    Field(
        min_length=1,
        max_length=200,
        description="Why, and for whom: it stands in the audit log.",
        examples=["olga, ticket 4711: new phone"],
    ),
]
Label = Annotated[
    str,
    AfterValidator(one_line),
    Field(max_length=60, description="What its owner calls it.", examples=["my phone"]),
]
Code = Annotated[Text, Field(min_length=1, max_length=128, description="What the person typed.", examples=["492039"])]
FobSerial = Annotated[
    str,
    Field(pattern=r"^[!-~]{1,64}$", description="What is printed on the fob.", examples=["2600123456789"]),
]
Digits = Annotated[int, Field(ge=6, le=8, description="Digits of a code.", examples=[6])]
PeriodSeconds = Annotated[int, Field(ge=10, le=300, description="How long a code is shown.", examples=[30])]
HashName = Annotated[Algorithm, Field(description="The hash under the HMAC.", examples=["sha1"])]
Moment = Annotated[int, Field(description="Seconds since 1970, UTC.", examples=[1800000000])]
KindName = Annotated[Kind, Field(description="What kind of token it is.", examples=["soft"])]


def _account(
    account: Annotated[str, Path(max_length=128, description="The account, a login name.", examples=["alice"])],
) -> str:
    """Answer the account that a path names. One that nobody can be called is not there; raises NotFound."""
    if not is_account_name(account):
        raise NotFound("there can be no such account")
    return account


AccountName = Annotated[str, Depends(_account)]

Serial = Annotated[str, Path(max_length=64, description="The token's serial.", examples=["SOFT-7F3A19C2"])]

Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many to list at most.", examples=[50])]
Cursor = Annotated[
    str,
    Query(max_length=128, description="Where to go on: `next` of the page before.", examples=["SOFT-7F3A19C2"]),
]
RowCursor = Annotated[
    int | None,
    Query(ge=1, le=2**53, description="Where to go on: `next` of the page before.", examples=[4711]),
]


class Reason(Body):
    """Why something is to be done."""

    why: Why


class Page(Body, Generic[Item]):
    """Some of a list; `next` says where the others begin, and is null at the end."""

    items: list[Item]
    next: Annotated[str | int | None, Field(description="The cursor of the next page.", examples=[None])]


def link_next(request: Request, response: Response, limit: int, cursor: str | int | None) -> None:
    """Say in a Link header (RFC 8288) where the next page is."""
    if cursor is None:
        return
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("cursor", "limit")]
    query = urlencode([*kept, ("limit", str(limit)), ("cursor", str(cursor))])
    response.headers["Link"] = f'<{request.scope["path"]}?{query}>; rel="next"'
