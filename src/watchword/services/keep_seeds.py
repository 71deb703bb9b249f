"""The keeper, in the process that asks: for one machine with SQLite, and inside the keeper's own daemon."""

from collections.abc import Callable, Sequence

from watchword.clock import Clock
from watchword.domain.accounts import check_account_name
from watchword.domain.errors import InvalidValue
from watchword.domain.outcome import Outcome
from watchword.services.administer import Administrator
from watchword.services.attempts import Answer, Attempt, Begin, OneShot
from watchword.services.pair import Pairer
from watchword.services.policy import LoginPolicy
from watchword.services.ports import Store
from watchword.services.prove_fob import FobProver

LONGEST_CODE = 128
"""As RADIUS has it (RFC 2865, section 5.2)."""

CLIENT = "portal"
"""What the audit log calls whoever asks."""


class LocalKeeper:
    """A Keeper that opens seeds itself."""

    def __init__(
        self,
        store: Store,
        answer: Callable[[Sequence[Attempt]], list[Outcome]],
        policy: LoginPolicy,
        *,
        clock: Clock,
        random_octets: Callable[[int], bytes],
        announce: bool,
    ) -> None:
        """Take the store and what settles attempts; with `announce`, the directory is told of pairings."""
        self._store = store
        self._answer = answer
        self._policy = policy
        self._clock = clock
        self._random_octets = random_octets
        self._announce = announce
        self._fobs = FobProver(store, policy, clock=clock, random_octets=random_octets)

    def check(self, account: str, code: str, address: str, node: str = CLIENT) -> Outcome:
        """Check a code that was given unasked, and spend it."""
        return self._settle(Attempt(account, OneShot(_code(code)), address, node, CLIENT))

    def begin(self, account: str, address: str, node: str = CLIENT) -> Outcome:
        """Ask for a code; one is texted to a telephone."""
        return self._settle(Attempt(account, Begin(), address, node, CLIENT))

    def answer(self, account: str, handle: bytes, code: str, address: str, node: str = CLIENT) -> Outcome:
        """Check the answer to what `begin` asked, and spend it."""
        return self._settle(Attempt(account, Answer(_code(code), handle), address, node, CLIENT))

    def _settle(self, attempt: Attempt) -> Outcome:
        check_account_name(attempt.account)
        (outcome,) = self._answer([attempt])
        return outcome

    def assign_proved(self, account: str, serial: str, code: str, address: str, *, as_first: bool = False) -> Outcome:
        """Pair an account with a fob from the drawer that its holder has proved by a code; spends the code."""
        return self._fobs.pair(self._pairer("", "", address), account, serial, _code(code), as_first=as_first)

    def assign(self, account: str, serial: str, *, actor: str, why: str = "", address: str = "") -> None:
        """Pair an account with a fob from the drawer."""
        _check_operator(actor)
        self._pairer(actor, why, address).assign(serial, account)

    def unassign(self, serial: str, *, actor: str, why: str = "", address: str = "") -> None:
        """Put a fob back in the drawer."""
        _check_operator(actor)
        self._pairer(actor, why, address).unassign(serial)

    def resync(self, serial: str, first: str, second: str, *, actor: str, why: str = "", address: str = "") -> int:
        """Find a token's clock again by two codes in a row; answers its drift in seconds."""
        _check_operator(actor)
        return self._administrator(actor, why, address).resync(serial, _code(first), _code(second))

    def masked_phones(self, account: str) -> dict[str, str]:
        """Answer what may be shown of the telephones of an account's sms tokens, by serial."""
        return self._administrator("", "", "").masked_phones(account=account)

    def _pairer(self, actor: str, why: str, address: str) -> Pairer:
        return Pairer(
            self._store,
            clock=self._clock,
            random_octets=self._random_octets,
            issuer="",  # stands in the URI of a new soft token alone, and none is made here
            actor=actor,
            why=why,
            address=address,
            announce=self._announce,
        )

    def _administrator(self, actor: str, why: str, address: str) -> Administrator:
        return Administrator(
            self._store,
            clock=self._clock,
            random_octets=self._random_octets,
            lockout=self._policy.lockout,
            actor=actor,
            why=why,
            address=address,
            announce=self._announce,
        )


def _check_operator(actor: str) -> None:
    if not actor:
        raise InvalidValue("only an operator does this, and the audit log says who")


def _code(typed: str) -> str:
    """Return what was typed; in place of what is no text, or too long, a code that is nobody's: wrong, and counted."""
    stripped = typed.strip()
    return stripped if len(stripped) <= LONGEST_CODE and stripped.isprintable() else "?"
