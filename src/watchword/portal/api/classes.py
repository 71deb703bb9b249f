"""Training classes: accounts by the dozen, each with a code that does not change."""

import os
from typing import Annotated

from pydantic import Field

from watchword.domain.errors import Conflict, InvalidValue
from watchword.portal.api.api_router import ApiRouter
from watchword.portal.api.call import Calling
from watchword.portal.api.fields import Body, Reason
from watchword.services.administer import ClassCode
from watchword.services.api_keys import Scope
from watchword.services.train_class import ClassMaker

router = ApiRouter("classes")


class Class(Reason):
    """A class, by its first and last account."""

    accounts: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9._-]{2,100}[A-Za-z._-][0-9]{1,6}\.\.[0-9]{1,6}$",
            description="First and last number, 200 accounts at most.",
            examples=["train01..30"],
        ),
    ]


class CodeOfClass(Body):
    """An account's code."""

    account: Annotated[str, Field(examples=["train01"])]
    serial: Annotated[str, Field(examples=["STATIC-7F3A19C2"])]
    code: Annotated[str, Field(examples=["492039"])]


class Codes(Body):
    """The codes of a class. They are told only now."""

    codes: list[CodeOfClass]


def _describe(codes: list[ClassCode]) -> Codes:
    return Codes(codes=[CodeOfClass(account=code.account, serial=code.serial, code=code.code) for code in codes])


@router.write("/classes/make", Scope.CLASSES_WRITE, status=201, secret=True)
def make_class(call: Calling, wanted: Class) -> Codes:
    """Give each account of a class a code.

    All of them, or none if one has a token already.
    """
    maker = ClassMaker(call.store, random_octets=os.urandom)
    try:
        return _describe(maker.make(wanted.accounts, call.pairer(wanted.why)))
    except InvalidValue as error:
        raise Conflict(str(error), hint=error.hint) from None


@router.write("/classes/renew", Scope.CLASSES_WRITE, fails=(404,), secret=True)
def renew_class(call: Calling, wanted: Class) -> Codes:
    """Draw new codes for a class.

    The old ones are good no longer.
    """
    maker = ClassMaker(call.store, random_octets=os.urandom)
    try:
        return _describe(maker.renew(wanted.accounts, call.administrator(wanted.why)))
    except InvalidValue as error:
        raise Conflict(str(error), hint=error.hint) from None
