"""Answer login attempts, many at a time."""

from collections.abc import Callable, Sequence

from watchword.clock import Clock
from watchword.domain.outcome import Outcome
from watchword.services.attempts import Attempt
from watchword.services.policy import LoginPolicy
from watchword.services.ports import Seal, Store
from watchword.services.settlement import Settlement


class Authenticator:
    """Answers attempts by a centre's policy."""

    def __init__(
        self, store: Store, seal: Seal, policy: LoginPolicy, *, clock: Clock, random_octets: Callable[[int], bytes]
    ) -> None:
        self._store = store
        self._seal = seal
        self._policy = policy
        self._clock = clock
        self._random_octets = random_octets

    def answer(self, attempts: Sequence[Attempt]) -> list[Outcome]:
        """Settle the attempts in one transaction and answer an outcome for each, in their order.

        Raises StoreUnavailable; then nothing was granted and nothing spent.
        """
        if not attempts:
            return []
        return self._store.write(
            lambda work: Settlement(work, self._seal, self._policy, self._clock(), self._random_octets).settle(attempts)
        )
