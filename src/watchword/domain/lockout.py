"""Lockout: too many failed codes in a row shut an account for a while, or until an operator opens it."""

from dataclasses import dataclass, replace

FOREVER = 2**53
"""A time, in seconds since 1970, that does not come: until an operator clears it."""


@dataclass(frozen=True, slots=True)
class LockoutPolicy:
    """How many failures in a row lock an account, and for how long; 0 seconds: until an operator clears it."""

    failures: int = 20
    release_after_seconds: int = 1800


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands: its failures in a row, and until when (seconds since 1970; 0: not) it is locked out.

    `held` is an operator's own lock, which no time ends.
    """

    failures: int = 0
    locked_until: int = 0
    held: bool = False

    def is_locked_out(self, now_seconds: float) -> bool:
        """Tell whether failures have locked the account at this time."""
        return now_seconds < self.locked_until

    def at(self, now_seconds: float) -> "Standing":
        """Answer the standing at this time: a lockout that has ended starts a new count."""
        if self.locked_until and not self.is_locked_out(now_seconds):
            return replace(self, failures=0, locked_until=0)
        return self

    def after_failure(self, policy: LockoutPolicy, now_seconds: float) -> "Standing":
        """Answer the standing after one more failed code."""
        failures = self.failures + 1
        if failures < policy.failures:
            return replace(self, failures=failures)
        until = int(now_seconds) + policy.release_after_seconds if policy.release_after_seconds else FOREVER
        return replace(self, failures=failures, locked_until=until)

    def after_success(self) -> "Standing":
        """Answer the standing after a code that was right: the row of failures is broken."""
        return replace(self, failures=0, locked_until=0) if self.failures or self.locked_until else self
