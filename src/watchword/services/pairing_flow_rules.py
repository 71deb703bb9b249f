"""Pairing in steps: who may, how often, and what proves a token."""

import hmac
from dataclasses import dataclass, field

from watchword.domain.errors import Conflict, WatchwordError
from watchword.domain.otp import OtpProfile, find_step
from watchword.domain.tokens import Kind, Token
from watchword.services.pair import MOST_TOKENS
from watchword.services.portal_ports import PortalWork
from watchword.services.ports_flows import Flow
from watchword.services.throttle import Limit

FLOW_SECONDS = 600
MOST_WRONG_CODES = 5

FLOWS_OF_ACCOUNT = Limit("pairing/flows of account", 30, 3600)
CODES_OF_ACCOUNT = Limit("pairing/codes of account", 20, 3600)
# Each message costs money, and wakes whoever has the number.
TEXTS_TO_NUMBER = Limit("pairing/texts to number", 4, 3600)
TEXTS_OF_ACCOUNT = Limit("pairing/texts of account", 6, 3600)
TEXTS_FROM_ADDRESS = Limit("pairing/texts from address", 200, 3600)

PROFILE = OtpProfile()


class FlowOver(WatchwordError):
    """The pairing is not where this page or form belongs: it was finished, left, or ended here."""


@dataclass(frozen=True, slots=True)
class Walker:
    """Who walks: an account, in one session, from an address; `is_proved` says that a token code opened the session."""

    account: str
    session_hash: bytes = field(repr=False)
    address: str
    is_proved: bool


@dataclass(frozen=True, slots=True)
class Again:
    """What was typed will not do: the same step once more, and why."""

    flow: Flow
    mistake: WatchwordError


@dataclass(frozen=True, slots=True)
class Paired:
    """A flow's good end; `is_first` says that the account had no token before."""

    serial: str
    kind: Kind
    is_first: bool


def check_may_pair(rows: PortalWork, walker: Walker) -> bool:
    """Tell whether this would be the account's first token; raises Conflict if it may not have another."""
    account = rows.accounts.lock([walker.account]).get(walker.account)
    if account is None:
        return True
    if account.standing.held:
        raise Conflict("this account is held", hint="the help desk can open it")
    ranks = rows.tokens.ranks(account.account_id)
    if len(ranks) >= MOST_TOKENS:
        raise Conflict(f"there are {len(ranks)} devices already", hint="unpair one that is not used any more")
    if ranks and not walker.is_proved:
        # It was paired after this session began: from then on a code is needed.
        raise Conflict("this account is paired already", hint="give a code of the device that it is paired with")
    return not ranks


def prove_token(flow: Flow, code: str, now_seconds: float, drift_seconds: int) -> Token | None:
    """Make a flow's token if the code is right, with that code spent; the phone's clock may be off by the drift."""
    if flow.kind is Kind.SMS:
        right = hmac.compare_digest(flow.code.encode("ascii"), code.encode("utf-8", "surrogatepass"))
        return Token(flow.serial, flow.kind, flow.secret, PROFILE) if right else None
    now_step = PROFILE.step_at(now_seconds)
    reach = drift_seconds // PROFILE.period_seconds
    steps = range(now_step - reach, now_step + reach + 1)
    step = find_step(flow.secret, code, PROFILE, start=now_step, steps=steps)
    if step is None:
        return None
    drift = step - now_step
    return Token(
        flow.serial, flow.kind, flow.secret, PROFILE, last_step=step, drift_steps=drift, base_drift_steps=drift
    )
