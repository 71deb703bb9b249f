"""Pair an account with a fob whose holder proves it by a code: what a person does alone, without an operator.

Rule 1. One transaction: the fob is in the drawer, the code is its, the code is spent, and the fob is the account's; or
        nothing of it happened.
Rule 2. A wrong code counts against the account that brings it, as at a login, and a locked account proves nothing: or
        else this were a place to guess the codes of every fob there is.
Rule 3. A refusal reads the same, and costs the same, for a serial that nobody has, a fob of somebody else's, a wrong
        code, and a locked account.
"""

from collections.abc import Callable
from dataclasses import dataclass

from watchword.clock import Clock
from watchword.domain.accounts import check_account_name
from watchword.domain.audit import EventKind, Result
from watchword.domain.errors import Conflict
from watchword.domain.lockout import Standing
from watchword.domain.otp import SECRET_OCTETS, OtpProfile, find_step, normalise_code
from watchword.domain.outcome import Denied, Granted, Outcome, Reason
from watchword.domain.tokens import Kind, Token, check_serial
from watchword.services.actor import Actor
from watchword.services.pair import Pairer
from watchword.services.policy import LoginPolicy
from watchword.services.ports import Account, OwnedToken, StepClaim, Store, Work

REFUSED = "That serial number and that code do not go together."


@dataclass(frozen=True, slots=True)
class _Found:
    """The time step that a code proved, or why it proved nothing."""

    reason: Reason
    step: int = -1


class FobProver:
    """Lets people pair fobs."""

    def __init__(
        self, store: Store, policy: LoginPolicy, *, clock: Clock, random_octets: Callable[[int], bytes]
    ) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._decoy = Token("", Kind.HARD, random_octets(SECRET_OCTETS), OtpProfile())

    def pair(self, pairer: Pairer, account: str, serial: str, code: str, *, as_first: bool = False) -> Outcome:
        """Pair the account with the fob, if the code is the fob's; `pairer` acts for the person.

        With `as_first`, only while the account has no token. Raises InvalidValue, Conflict, StoreUnavailable.
        """
        check_account_name(account)
        check_serial(serial)

        def work(rows: Work) -> Outcome:
            holder = rows.accounts.ensure(account)
            if as_first and rows.tokens.ranks(holder.account_id):
                raise Conflict(
                    "this account is paired already", hint="give a code of the device that it is paired with"
                )
            owned = rows.tokens.find(serial)
            standing = holder.standing.at(self._clock())
            found = self._judge(owned, standing, normalise_code(code))
            if owned is None or found.reason is not Reason.RIGHT_CODE:
                known = serial if owned is not None else ""  # people type all kinds of things: none that we do not know
                return self._refuse(rows, pairer.actor, holder._replace(standing=standing), found.reason, known)
            drift_steps = found.step - owned.token.profile.step_at(self._clock())
            # Decides whether the code was spent already, whatever was read above.
            rows.logins.spend_steps([StepClaim(serial, found.step, found.step, drift_steps)], int(self._clock()))
            pairer.give(rows, owned, account)
            return Granted(serial)

        return self._store.write(work)

    def _judge(self, owned: OwnedToken | None, standing: Standing, code: str) -> _Found:
        token = owned.token if owned is not None else self._decoy
        step = self._find_step(token if token.secret and token.kind.is_time_based else self._decoy, code)
        if standing.held or standing.is_locked_out(self._clock()):
            return _Found(Reason.HELD if standing.held else Reason.LOCKED)
        in_drawer = owned is not None and not owned.account and token.kind is Kind.HARD and token.enabled
        if step is None or not in_drawer:
            return _Found(Reason.WRONG_CODE)
        return _Found(Reason.RIGHT_CODE, step) if step > token.last_step else _Found(Reason.SPENT_CODE)

    def _find_step(self, token: Token, code: str) -> int | None:
        now_step = token.profile.step_at(self._clock())
        steps = self._policy.steps_around(now_step + token.base_drift_steps, token.profile)
        return find_step(token.secret, code, token.profile, start=now_step + token.drift_steps, steps=steps)

    def _refuse(self, rows: Work, actor: Actor, holder: Account, reason: Reason, serial: str) -> Denied:
        """Count a wrong code, write down what was wrong, and say none of it but how the account stands."""
        now = self._clock()
        after = holder.standing
        if reason is Reason.WRONG_CODE:
            after = after.after_failure(self._policy.lockout, now)
        rows.accounts.set_standing(holder.account_id, after)
        event = actor.event(
            now,
            EventKind.PAIRING,
            reason,
            account=holder.name,
            serial=serial,
            detail=f"failures {after.failures}",
            result=Result.DENIED,
        )
        rows.audit.record([event])
        return Denied(REFUSED, Reason.WRONG_CODE if reason is Reason.SPENT_CODE else reason)
