"""Group commit: what arrives while one transaction runs is the next transaction's batch.

A login alone waits for nobody. Under load, many share the cost of one durable commit.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from watchword.clock import Clock
from watchword.domain.errors import StoreUnavailable
from watchword.domain.outcome import Denied, Outcome, Reason
from watchword.services.attempts import Attempt
from watchword_radius.turns import Turns

LARGEST_BATCH = 128

MOST_WAITING = 8192
"""Of all clients; one alone may have half of them waiting. Beyond this, whoever asked has given up long before its turn
comes: it is better to say nothing, at once."""

LONGEST_WAIT_SECONDS = 10.0

LINGER_SECONDS = 0.002

log = logging.getLogger(__name__)

Answer = Callable[[Sequence[Attempt]], list[Outcome]]
Then = Callable[[Outcome | None], None]
"""Is told how an attempt ended; None: it could not be settled, and nothing was granted."""


class _Waiting(NamedTuple):
    """An attempt that waits for its batch."""

    attempt: Attempt
    then: Then
    since: float


class Batches:
    """Gathers attempts and has them settled, batch after batch, in one thread. Used from within a running loop."""

    def __init__(self, answer: Answer, *, refused: str, monotonic: Clock) -> None:
        """Take what settles a batch, the words for whoever is refused, and a clock."""
        self._answer = answer
        self._monotonic = monotonic
        self._refused = refused
        self._waiting: Turns[_Waiting] = Turns(MOST_WAITING)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._in_thread: list[_Waiting] = []
        self._beginning: asyncio.Handle | None = None
        self._last_size = 0

    def settle(self, attempt: Attempt, then: Then) -> None:
        """Have an attempt settled with the next batch, and `then` told of it."""
        if self._waiting.put(attempt.client, _Waiting(attempt, then, self._monotonic())):
            self._prepare()
        else:
            then(None)

    def _prepare(self) -> None:
        """Begin the next batch if none runs: when there are as many as last time, or a moment later.

        The next requests of those who were answered are on the way, and in a batch of half the size, a login's share
        of the transaction is twice as large.
        """
        if self._in_thread:
            return
        loop = asyncio.get_running_loop()
        enough = len(self._waiting) >= self._last_size
        if self._beginning is None:
            # Not at once: whoever called may have more to hand over.
            self._beginning = loop.call_soon(self._begin) if enough else loop.call_later(LINGER_SECONDS, self._begin)
        elif enough and isinstance(self._beginning, asyncio.TimerHandle):
            self._beginning.cancel()
            self._beginning = loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._beginning = None
        self._in_thread = self._next_batch()
        self._last_size = len(self._in_thread)
        if self._in_thread:
            self._thread.submit(self._work, asyncio.get_running_loop(), self._in_thread)

    def _next_batch(self) -> list[_Waiting]:
        """Take what waits, but for those whose client has long turned elsewhere: their code is not ours to spend."""
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < LARGEST_BATCH:
            for waiting in self._waiting.take(LARGEST_BATCH - len(batch)):
                if self._monotonic() - waiting.since > LONGEST_WAIT_SECONDS:
                    self._tell(waiting, None)
                else:
                    batch.append(waiting)
        return batch

    def _work(self, loop: asyncio.AbstractEventLoop, batch: list[_Waiting]) -> None:
        """Settle a batch. Runs in the thread; whatever happens there, the next batch must have its turn."""
        outcomes: Sequence[Outcome | None] = [None] * len(batch)
        try:
            outcomes = self._settle([waiting.attempt for waiting in batch])
        finally:
            loop.call_soon_threadsafe(self._end, batch, outcomes)

    def _settle(self, attempts: list[Attempt]) -> Sequence[Outcome | None]:
        try:
            return [outcome for _, outcome in zip(attempts, self._answer(attempts), strict=True)]
        except StoreUnavailable as error:
            log.error("%d attempts were not answered: %s", len(attempts), error)
            return [None] * len(attempts)
        except Exception as error:  # noqa: BLE001  (the edge: one attempt that trips us must not silence the others)
            log.error("a batch of %d failed: %s", len(attempts), type(error).__name__)
            if len(attempts) == 1:
                # Refused, not left without an answer: a node may take silence for an outage, and open.
                return [Denied(self._refused, Reason.TRIPPED)]
            return [outcome for attempt in attempts for outcome in self._settle([attempt])]

    def _end(self, batch: list[_Waiting], outcomes: Sequence[Outcome | None]) -> None:
        self._in_thread = []
        for waiting, outcome in zip(batch, outcomes, strict=True):
            self._tell(waiting, outcome)
        if self._waiting:
            self._prepare()

    def _tell(self, waiting: _Waiting, outcome: Outcome | None) -> None:
        try:
            waiting.then(outcome)
        except Exception as error:  # noqa: BLE001  (the edge: one who cannot be told must not silence the others)
            log.error("an outcome could not be told: %s", type(error).__name__)

    async def in_thread(self, work: Callable[[], None]) -> None:
        """Do other work with the store, in the same thread, between two batches."""
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True)
