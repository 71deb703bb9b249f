"""Codes: whether this is the right one."""

import base64
import binascii
from typing import Annotated, Literal, assert_never

from pydantic import Field

from watchword.domain.accounts import is_account_name
from watchword.domain.outcome import Challenge, Denied, Granted, Outcome, Pairing, Reason
from watchword.portal.api.api_router import ApiRouter
from watchword.portal.api.call import Call, Calling
from watchword.portal.api.fields import Address, Body, Code, Text
from watchword.services.api_keys import Scope
from watchword.services.api_keys_admission import NODE
from watchword.wiring import login_policy

router = ApiRouter("validate")


class Asked(Body):
    """Whose code it is, and where the person sits."""

    account: Annotated[Text, Field(min_length=1, max_length=128, examples=["alice"])]
    address: Annotated[
        Address | None,
        Field(description="The person's address, for the audit log.", examples=["192.0.2.7"]),
    ] = None

    @property
    def place(self) -> str:
        """The address as the audit log has it."""
        return str(self.address) if self.address is not None else ""


class CodeToCheck(Asked):
    """A code."""

    code: Code


class AnswerToCheck(CodeToCheck):
    """An answer to what was asked."""

    handle: Annotated[str, Field(min_length=1, max_length=2048, examples=["AQbqF3k0c2hh"])]


class Verdict(Body):
    """What a code comes to."""

    outcome: Annotated[
        Literal["granted", "denied", "challenge"],
        Field(
            description="`challenge`: ask the person for a code, and bring it to /validate/answer.",
            examples=["granted"],
        ),
    ]
    text: Annotated[
        str | None, Field(description="What to show to the person; the last line is the prompt.", examples=[None])
    ] = None
    handle: Annotated[str | None, Field(description="What the answer has to bring.", examples=[None])] = None
    serial: Annotated[
        str | None,
        Field(
            description="The token that the code came from: for keys with `tokens:read`.", examples=["SOFT-7F3A19C2"]
        ),
    ] = None
    reason: Annotated[
        str | None,
        Field(description="Why it was denied: for keys with `audit:read`. Never for the person.", examples=[None]),
    ] = None


@router.ask("/validate", Scope.VALIDATE)
def validate_code(call: Calling, asked: CodeToCheck) -> Verdict:
    """Check a code.

    A right one is used up. A wrong one counts towards the lockout: ask for the first factor before.
    """
    if not is_account_name(asked.account):
        return _refused(call)
    return _verdict(call, call.desk.keeper.check(asked.account, asked.code, asked.place, _node(call)))


@router.ask("/validate/begin", Scope.VALIDATE)
def begin_validation(call: Calling, asked: Asked) -> Verdict:
    """Ask for a code.

    Needed for text messages, which leave now; good for every kind. An account that is not paired is asked as well, and
    no code will do.
    """
    if not is_account_name(asked.account):
        return _refused(call)
    return _verdict(call, call.desk.keeper.begin(asked.account, asked.place, _node(call)))


@router.ask("/validate/answer", Scope.VALIDATE)
def answer_validation(call: Calling, answered: AnswerToCheck) -> Verdict:
    """Check the answer to what was asked."""
    if not is_account_name(answered.account):
        return _refused(call)
    handle, node = _read_handle(answered.handle), _node(call)
    return _verdict(call, call.desk.keeper.answer(answered.account, handle, answered.code, answered.place, node))


def _node(call: Call) -> str:
    """Answer what the audit log calls the place of the login: the key that asked."""
    return f"{NODE} {call.caller.key_id}"


def _refused(call: Call) -> Verdict:
    """Refuse a name that no account can have, which is not worth a line in the audit log."""
    return _verdict(call, Denied(login_policy(call.desk.settings).refused, Reason.UNKNOWN))


def _read_handle(text: str) -> bytes:
    """Read a handle; one that is none of ours is as good as a stale one, and refused in the same way."""
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return b"none"


def _verdict(call: Call, outcome: Outcome) -> Verdict:
    scopes = call.caller.scopes
    match outcome:
        case Granted():
            return Verdict(outcome="granted", serial=outcome.serial if Scope.TOKENS_READ in scopes else None)
        case Denied():
            reason = outcome.reason.value if Scope.AUDIT_READ in scopes else None
            return Verdict(outcome="denied", text=outcome.text, reason=reason)
        case Challenge():
            handle = base64.urlsafe_b64encode(outcome.handle).rstrip(b"=").decode("ascii")
            return Verdict(outcome="challenge", text=outcome.text, handle=handle)
        case Pairing():
            return Verdict(outcome="denied")
    assert_never(outcome)
