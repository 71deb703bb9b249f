"""What opens seeds for whoever may not: the keeper."""

from typing import Protocol

from watchword.domain.outcome import Outcome


class Keeper(Protocol):
    """Checks codes, and does what a seed is needed for; all raise KeeperUnavailable, StoreUnavailable.

    `address` is where the person or the operator sits. `actor` is an operator, and `why` their reason: both stand in
    the audit log.
    """

    def check(self, account: str, code: str, address: str, node: str = "portal") -> Outcome:
        """Check a code that was given unasked, and spend it; raises InvalidValue for what is no account's name."""

    def begin(self, account: str, address: str, node: str = "portal") -> Outcome:
        """Ask for a code; one is texted to a telephone."""

    def answer(self, account: str, handle: bytes, code: str, address: str, node: str = "portal") -> Outcome:
        """Check the answer to what `begin` asked, and spend it."""

    def assign_proved(self, account: str, serial: str, code: str, address: str, *, as_first: bool = False) -> Outcome:
        """Pair an account with a fob from the drawer that its holder has proved by a code; spends the code.

        Answers Granted; or Denied, in the same words whether the serial, the code, or a lockout was in the way. What is
        wrong counts as a failure of the account. Raises InvalidValue, and Conflict for an account with too many tokens;
        or, with `as_first`, with any: who has shown a password alone pairs the first one alone.
        """

    def assign(self, account: str, serial: str, *, actor: str, why: str = "", address: str = "") -> None:
        """Pair an account with a fob from the drawer; raises NotFound, Conflict, InvalidValue."""

    def unassign(self, serial: str, *, actor: str, why: str = "", address: str = "") -> None:
        """Put a fob back in the drawer; raises NotFound, Conflict, InvalidValue."""

    def resync(self, serial: str, first: str, second: str, *, actor: str, why: str = "", address: str = "") -> int:
        """Find a token's clock again by two codes in a row; answers its drift in seconds.

        Raises NotFound, Conflict, InvalidValue.
        """

    def masked_phones(self, account: str) -> dict[str, str]:
        """Answer what may be shown of the telephones of an account's sms tokens, by serial."""
