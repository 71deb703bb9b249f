"""Pairing: by whoever is trusted to, or in two steps, proved by the token's owner."""

from typing import Annotated, Literal

from pydantic import Field

from watchword.domain.errors import Conflict
from watchword.domain.otp import Algorithm, OtpProfile
from watchword.portal.api.api_router import ApiRouter
from watchword.portal.api.call import Call, Calling
from watchword.portal.api.fields import (
    AccountName,
    Body,
    Code,
    Digits,
    FobSerial,
    HashName,
    Label,
    Moment,
    PeriodSeconds,
    Reason,
)
from watchword.services.api_keys import Scope
from watchword.services.api_pairing import Begun
from watchword.services.pair import NewToken

router = ApiRouter("pairing")

Phone = Annotated[
    str,
    Field(
        # ITU-T E.164; country 1 always has ten digits more.
        pattern=r"^\+(1[0-9]{10}|[2-9][0-9]{6,14})$",
        description="In E.164: + and the country code, no spaces.",
        examples=["+15125551234"],
    ),
]


class SoftToken(Reason):
    """A phone app."""

    kind: Annotated[Literal["soft"], Field(examples=["soft"])]
    label: Label = ""
    digits: Digits = 6
    period_seconds: PeriodSeconds = 30
    algorithm: HashName = Algorithm.SHA1


class SmsToken(Reason):
    """A telephone that codes are texted to."""

    kind: Annotated[Literal["sms"], Field(examples=["sms"])]
    phone: Phone
    label: Label = ""


class HardToken(Reason):
    """A fob from the drawer."""

    kind: Annotated[Literal["hard"], Field(examples=["hard"])]
    serial: FobSerial


class StaticToken(Reason):
    """A code that does not change, for training accounts; it is drawn."""

    kind: Annotated[Literal["static"], Field(examples=["static"])]
    label: Label = ""


TokenToBe = Annotated[SoftToken | SmsToken | HardToken | StaticToken, Field(discriminator="kind")]


class NewTokenAnswer(Body):
    """A new token, and what is told only now."""

    serial: Annotated[str, Field(examples=["SOFT-7F3A19C2"])]
    otpauth: Annotated[
        str | None,
        Field(
            description="soft: what the app scans.",
            examples=["otpauth://totp/Example%20HPC:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"],
        ),
    ]
    code: Annotated[str | None, Field(description="static: the code.", examples=[None])]


class SoftToBegin(Reason):
    """A phone app."""

    kind: Annotated[Literal["soft"], Field(examples=["soft"])]
    label: Label = ""


class SmsToBegin(Reason):
    """A telephone that codes are texted to."""

    kind: Annotated[Literal["sms"], Field(examples=["sms"])]
    phone: Phone
    label: Label = ""


PairingToBe = Annotated[SoftToBegin | SmsToBegin, Field(discriminator="kind")]


class BegunAnswer(Body):
    """A pairing that has begun, and counts for nothing yet."""

    handle: Annotated[
        str, Field(description="What the proof has to bring. Keep it on your server.", examples=["AbkSL0qcY2dN"])
    ]
    otpauth: Annotated[
        str | None,
        Field(
            description="soft: what the app scans; it is told only now.",
            examples=["otpauth://totp/Example%20HPC:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"],
        ),
    ]
    ends_at: Moment


class Proof(Reason):
    """A code that proves a pairing."""

    handle: Annotated[str, Field(min_length=1, max_length=2048, examples=["AbkSL0qcY2dN"])]
    code: Code


class Paired(Body):
    """A token that belongs to an account from now on."""

    serial: Annotated[str, Field(examples=["SOFT-7F3A19C2"])]


@router.write("/accounts/{account}/tokens", Scope.TOKENS_WRITE, status=201, secret=True)
def add_token(call: Calling, account: AccountName, token: TokenToBe) -> NewTokenAnswer:
    """Pair an account.

    At once, without a proof that its owner has the token. It counts from the next login on.
    """
    new = _add(call, account, token)
    return NewTokenAnswer(serial=new.serial, otpauth=new.otpauth or None, code=new.code or None)


def _add(call: Call, account: str, token: SoftToken | SmsToken | HardToken | StaticToken) -> NewToken:
    pairer = call.pairer(token.why)
    match token:
        case SoftToken():
            profile = OtpProfile(token.digits, token.period_seconds, token.algorithm)
            return pairer.add_soft(account, profile=profile, label=token.label)
        case SmsToken():
            return pairer.add_sms(account, token.phone, country_code="", label=token.label)
        case StaticToken():
            return pairer.add_static(account, label=token.label)
        case HardToken():
            call.note_written()
            who = call.caller
            call.desk.keeper.assign(account, token.serial, actor=who.actor, why=token.why, address=who.address)
            return NewToken(token.serial)


@router.write("/accounts/{account}/pairings", Scope.TOKENS_WRITE, status=201, secret=True)
def begin_pairing(call: Calling, account: AccountName, pairing: PairingToBe) -> BegunAnswer:
    """Begin a pairing.

    A seed is drawn, or a code texted. The account is not paired before the owner has proved a code.
    """
    begun = _begin(call, account, pairing)
    return BegunAnswer(handle=begun.handle, otpauth=begun.otpauth or None, ends_at=begun.ends_at)


def _begin(call: Call, account: str, pairing: SoftToBegin | SmsToBegin) -> Begun:
    pairer = call.two_step_pairer(pairing.why)
    match pairing:
        case SoftToBegin():
            return pairer.begin_soft(account, label=pairing.label)
        case SmsToBegin():
            if call.desk.settings.sms.carrier == "none":
                raise Conflict("this centre sends no text messages")
            return pairer.begin_sms(account, pairing.phone, label=pairing.label)


@router.write("/accounts/{account}/pairings/prove", Scope.TOKENS_WRITE, status=201)
def prove_pairing(call: Calling, account: AccountName, proof: Proof) -> Paired:
    """Finish a pairing.

    By a code of the new token; that code is used up. A handle allows five tries, in ten minutes.
    """
    return Paired(serial=call.two_step_pairer(proof.why).prove(account, proof.handle, proof.code))
