"""Find a token's clock again by two codes in a row.

Rule 1. Two codes can be guessed as one can: what is wrong counts as a failure of the token's account, and is written
        down, as at a login.
Rule 2. A lockout is no obstacle: a clock that is off is what locks many people out.
"""

from dataclasses import dataclass

from watchword.clock import Clock
from watchword.domain.audit import EventKind, Result
from watchword.domain.errors import Conflict, InvalidValue, NotFound
from watchword.domain.lockout import LockoutPolicy
from watchword.domain.otp import RESYNC_REACH_SECONDS, find_two_in_a_row, normalise_code
from watchword.domain.tokens import Token
from watchword.services.actor import Actor
from watchword.services.ports import Store, Work


@dataclass(frozen=True, slots=True)
class Resyncer:
    """Resyncs tokens, in somebody's name."""

    store: Store
    clock: Clock
    lockout: LockoutPolicy
    actor: Actor

    def resync(self, serial: str, first: str, second: str) -> int:
        """Answer the drift in seconds; raises NotFound, Conflict for a token without a clock, InvalidValue."""
        drift_seconds = self.store.write(lambda rows: self._resync(rows, serial, first, second))
        if drift_seconds is None:
            raise InvalidValue(
                "these are not two new codes in a row of this token",
                hint="wait for the next two codes, and give them in the order in which they came",
            )
        return drift_seconds

    def _resync(self, rows: Work, serial: str, first: str, second: str) -> int | None:
        owned = rows.tokens.find(serial)
        if owned is None:
            raise NotFound(f"there is no token {serial}", hint="`watchword token list` shows them")
        token = owned.token
        if not token.kind.is_time_based:
            raise Conflict(f"token {serial} is {token.kind}: it has no clock")
        step, now_step = self._find_step(token, first, second), token.profile.step_at(self.clock())
        if step is None:
            self._count_wrong(rows, owned.account, serial)
            return None
        if not rows.tokens.resync(serial, step, step - now_step):
            return None  # spent: who brings codes that were good has not guessed them
        drift_seconds = (step - now_step) * token.profile.period_seconds
        what = f"token resynced, {drift_seconds} s off"
        rows.audit.record(
            [self.actor.event(self.clock(), EventKind.ADMINISTRATION, what, account=owned.account, serial=serial)]
        )
        return drift_seconds

    def _find_step(self, token: Token, first: str, second: str) -> int | None:
        return find_two_in_a_row(
            token.secret,
            normalise_code(first),
            normalise_code(second),
            token.profile,
            centre=token.profile.step_at(self.clock()),
            reach=RESYNC_REACH_SECONDS // token.profile.period_seconds,
        )

    def _count_wrong(self, rows: Work, name: str, serial: str) -> None:
        """Count a failure, unless the account is locked already, or the fob nobody's; and write it down."""
        now, detail = self.clock(), ""
        account = rows.accounts.lock([name]).get(name)
        if account is not None:
            standing = account.standing.at(now)
            if not standing.held and not standing.is_locked_out(now):
                standing = standing.after_failure(self.lockout, now)
            rows.accounts.set_standing(account.account_id, standing)
            detail = f"failures {standing.failures}"
        event = self.actor.event(
            now,
            EventKind.ADMINISTRATION,
            "token not resynced",
            account=name,
            serial=serial,
            detail=detail,
            result=Result.DENIED,
        )
        rows.audit.record([event])
