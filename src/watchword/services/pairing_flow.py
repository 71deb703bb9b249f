"""Pair a token of one's own, a step at a time.

Rule 1. An account has one flow at most; a new one takes the place of the last.
Rule 2. A step's page is shown once, and its form is taken once. Whatever comes a second time (a reload, the back
        button, another tab, a form sent again), or from another session, ends the flow.
Rule 3. A flow that ends leaves nothing: no token, no row, no text message that has still to leave.
Rule 4. A token comes to be in the transaction that takes the flow away, and only after a code was proved.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from watchword.clock import Clock
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.errors import InvalidValue, WatchwordError
from watchword.domain.otp import SECRET_OCTETS, normalise_code, provisioning_uri
from watchword.domain.outcome import Granted, Reason
from watchword.domain.phones import parse_mobile
from watchword.domain.tokens import Kind, check_serial, make_serial
from watchword.services.pair import Pairer
from watchword.services.pairing_flow_rules import (
    CODES_OF_ACCOUNT,
    FLOW_SECONDS,
    FLOWS_OF_ACCOUNT,
    MOST_WRONG_CODES,
    PROFILE,
    TEXTS_FROM_ADDRESS,
    TEXTS_OF_ACCOUNT,
    TEXTS_TO_NUMBER,
    Again,
    FlowOver,
    Paired,
    Walker,
    check_may_pair,
    prove_token,
)
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports_flows import Flow, Stage
from watchword.services.ports_keeper import Keeper
from watchword.services.text_codes import compose_message, draw_code
from watchword.services.throttle import Throttle, TooMany, place_of
from watchword.services.write_mail import MailWriter

SWEEP_AT_ONCE = 100

Result_ = TypeVar("Result_")


class PairingFlows:
    """Walks people through a pairing."""

    def __init__(
        self,
        store: PortalStore,
        *,
        clock: Clock,
        random_octets: Callable[[int], bytes],
        throttle: Throttle,
        keeper: Keeper,
        pairer_at: Callable[[str], Pairer],
        mail: MailWriter,
        kinds: Sequence[Kind],
        countries: Sequence[str],
        text: str,
        drift_seconds: int,
        issuer: str,
    ) -> None:
        """Take the ports and what the centre decided.

        `pairer_at` makes the pairer of somebody who sits at an address; `kinds` is what people may pair, `text` what a
        text message says, with `{code}`.
        """
        self._store = store
        self._clock = clock
        self._random_octets = random_octets
        self._throttle = throttle
        self._keeper = keeper
        self._pairer_at = pairer_at
        self._mail = mail
        self.kinds = tuple(kinds)
        self.countries = tuple(countries)
        self._text = text
        self._drift_seconds = drift_seconds
        self._issuer = issuer

    def begin(self, walker: Walker, kind: Kind) -> None:
        """Begin a flow in place of any other; raises TooMany, InvalidValue, Conflict if the account may not pair."""
        if kind not in self.kinds:
            raise InvalidValue("this kind of token is not offered")
        self._throttle.take(FLOWS_OF_ACCOUNT, walker.account)
        flow = Flow(
            account=walker.account,
            name=self._random_octets(16),
            session_hash=walker.session_hash,
            kind=kind,
            step=1,
            shown=False,
            # A fob has its serial already, and the person types it.
            serial="" if kind is Kind.HARD else make_serial(kind, self._random_octets(4)),
            secret=self._random_octets(SECRET_OCTETS) if kind is Kind.SOFT else b"",
            code="",
            issue="",
            wrong=0,
            ends_at=int(self._clock()) + FLOW_SECONDS,
        )

        def work(rows: PortalWork) -> None:
            check_may_pair(rows, walker)
            _drop(rows, rows.flows.find(walker.account))
            rows.flows.put(flow)

        self._store.write(work)

    def show(self, walker: Walker) -> Flow:
        """Answer the step that is next, once; asked again, end the flow. Raises FlowOver."""

        def work(rows: PortalWork) -> Flow | None:
            flow = self._find(rows, walker)
            if flow is None or flow.shown:
                _drop(rows, flow)
                return None
            shown = replace(flow, shown=True)
            return shown if rows.flows.move(flow, shown) else None

        return _or_over(self._store.write(work))

    def otpauth(self, flow: Flow) -> str:
        """Compose the URI that a phone app scans; a secret."""
        return provisioning_uri(flow.secret, PROFILE, account=flow.account, issuer=self._issuer)

    def stop(self, walker: Walker) -> None:
        """End the flow that this session has begun, if it has."""
        if self._store.read(lambda rows: rows.flows.find(walker.account)) is not None:
            self._store.write(lambda rows: _drop(rows, self._find(rows, walker)))

    def sweep(self) -> int:
        """End flows that are too old; answers how many."""
        now = int(self._clock())

        def work(rows: PortalWork) -> int:
            overdue = rows.flows.overdue(now, SWEEP_AT_ONCE)
            for flow in overdue:
                _drop(rows, flow)
            return len(overdue)

        return self._store.write(work)

    def give_number(self, walker: Walker, ticket: str, typed: str, country: str) -> Again | None:
        """Have a code texted to a number; raises FlowOver."""
        flow = self._accept(walker, ticket, Stage.NUMBER)
        try:
            number = parse_mobile(typed, country=country, countries=self.countries)
            # The number last: who may not text at all must not use up what its owner may.
            self._throttle.take(TEXTS_OF_ACCOUNT, walker.account)
            self._throttle.take(TEXTS_FROM_ADDRESS, place_of(walker.address))
            self._throttle.take(TEXTS_TO_NUMBER, number)
        except (InvalidValue, TooMany) as mistake:
            return Again(flow, mistake)
        now = int(self._clock())
        sent = draw_code(flow.serial, self._random_octets, now, FLOW_SECONDS)
        secret = number.encode("ascii")
        after = _next(flow, secret=secret, code=sent.code, issue=sent.issue, ends_at=sent.expires_at)

        def work(rows: PortalWork) -> Flow | None:
            if not rows.flows.move(flow, after):
                return None
            rows.outbox.put(compose_message(sent, walker.account, number, self._text))
            return after

        _or_over(self._store.write(work))
        return None

    def give_serial(self, walker: Walker, ticket: str, typed: str) -> Again | None:
        """Take what is printed on a fob; whether there is such a fob, only its code will tell. Raises FlowOver."""
        flow = self._accept(walker, ticket, Stage.SERIAL)
        try:
            after = _next(flow, serial=check_serial(typed.strip()))
        except InvalidValue:
            return Again(flow, InvalidValue("this is not a serial number", hint="type what is printed on the back"))
        _or_over(self._store.write(lambda rows: after if rows.flows.move(flow, after) else None))
        return None

    def prove(self, walker: Walker, ticket: str, typed: str) -> Again | Paired:
        """Finish with a code; raises FlowOver, Conflict if the account may not pair any more, TooMany."""
        flow = self._accept(walker, ticket, Stage.CODE)
        try:
            self._throttle.take(CODES_OF_ACCOUNT, walker.account)
            code = normalise_code(typed)
            paired = self._prove_fob(walker, flow, code) if flow.kind is Kind.HARD else self._prove(walker, flow, code)
        except FlowOver:
            raise
        except WatchwordError:
            self._store.write(lambda rows: _drop(rows, flow))
            raise
        return paired if paired is not None else self._wrong(walker, flow)

    def _prove(self, walker: Walker, flow: Flow, code: str) -> Paired | None:
        token = prove_token(flow, code, self._clock(), self._drift_seconds)
        if token is None:
            return None
        pairer = self._pairer_at(walker.address)

        def work(rows: PortalWork) -> Paired | None:
            if not rows.flows.take(flow):
                return None
            rows.accounts.ensure(walker.account)  # locked: nobody else pairs it between this look and the pairing
            is_first = check_may_pair(rows, walker)
            pairer.tie(rows, walker.account, token)
            self._mail.tell_paired(rows, walker.account, token.kind, walker.address)
            return Paired(token.serial, token.kind, is_first)

        return _or_over(self._store.write(work))

    def _prove_fob(self, walker: Walker, flow: Flow, code: str) -> Paired | None:
        """Have the keeper tie the fob: its seed is not ours to read."""
        is_first = self._store.write(lambda rows: check_may_pair(rows, walker))
        outcome = self._keeper.assign_proved(
            walker.account, flow.serial, code, walker.address, as_first=not walker.is_proved
        )
        if not isinstance(outcome, Granted):
            return None

        def work(rows: PortalWork) -> None:
            _drop(rows, flow)
            self._mail.tell_paired(rows, walker.account, flow.kind, walker.address)

        self._store.write(work)
        return Paired(flow.serial, flow.kind, is_first)

    def _wrong(self, walker: Walker, flow: Flow) -> Again:
        """Count a wrong code; the last one ends the flow. Raises FlowOver."""
        after = replace(flow, wrong=flow.wrong + 1)

        def work(rows: PortalWork) -> Flow | None:
            if flow.kind is not Kind.HARD:  # the keeper has written that down
                rows.audit.record([self._refusal(walker, flow)])
            if after.wrong < MOST_WRONG_CODES:
                return after if rows.flows.move(flow, after) else None
            _drop(rows, flow)
            return None

        _or_over(self._store.write(work))
        left = MOST_WRONG_CODES - after.wrong
        tries = "One more try" if left == 1 else f"{left} more tries"
        return Again(after, InvalidValue("This code is not right.", hint=f"{tries}, then this pairing ends."))

    def _accept(self, walker: Walker, ticket: str, stage: Stage) -> Flow:
        """Take a form, once: whoever sends it again finds the flow moved on. Raises FlowOver."""

        def work(rows: PortalWork) -> Flow | None:
            flow = self._find(rows, walker)
            if flow is None or not flow.is_ticket(ticket) or not flow.shown or flow.stage is not stage:
                _drop(rows, flow)
                return None
            taken = replace(flow, step=flow.step + 1)
            return taken if rows.flows.move(flow, taken) else None

        return _or_over(self._store.write(work))

    def _find(self, rows: PortalWork, walker: Walker) -> Flow | None:
        """Find the flow of this very session; one that is too old is taken away."""
        flow = rows.flows.find(walker.account)
        if flow is None or not hmac.compare_digest(flow.session_hash, walker.session_hash):
            return None
        if self._clock() >= flow.ends_at:
            _drop(rows, flow)
            return None
        return flow

    def _refusal(self, walker: Walker, flow: Flow) -> AuditEvent:
        return AuditEvent(
            at_milliseconds=int(self._clock() * 1000),
            kind=EventKind.PAIRING,
            result=Result.DENIED,
            account=walker.account,
            serial=flow.serial,
            address=walker.address,
            node="portal",
            reason=Reason.WRONG_CODE,
            detail=flow.kind.value,
        )


def _next(flow: Flow, **changes: Any) -> Flow:
    return replace(flow, step=flow.step + 1, shown=False, **changes)


def _drop(rows: PortalWork, flow: Flow | None) -> None:
    """End a flow, and take back the text message that has still to leave."""
    if flow is not None and rows.flows.take(flow) and flow.issue:
        rows.outbox.remove(flow.issue)


def _or_over(result: Result_ | None) -> Result_:
    if result is None:
        raise FlowOver("this pairing is over")
    return result
