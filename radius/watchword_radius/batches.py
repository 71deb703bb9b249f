"""Group commit: what arrives while one transaction runs is the next transaction's batch.

A login alone waits for nobody. Under load, many share the cost of one durable commit.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from watchword.clock import Clock
from watchword.domain.errors import StoreUnavailable
from watchword.domain.outcome import Denied, Outcome, Reason
from watchword.services.attempts import Attempt

LARGEST_BATCH = 128

MOST_WAITING = 4096
"""Beyond this, a client has given up long before its turn comes: it is better to say nothing, at once."""

LONGEST_WAIT_SECONDS = 10.0

LINGER_SECONDS = 0.0005
MOST_LINGERS = 4

log = logging.getLogger(__name__)

Answer = Callable[[Sequence[Attempt]], list[Outcome]]


class _Waiting(NamedTuple):
    """An attempt that waits for its batch."""

    attempt: Attempt
    future: asyncio.Future[Outcome | None]
    since: float


class Batches:
    """Gathers attempts and has them settled, batch after batch, in one thread."""

    def __init__(self, answer: Answer, *, refused: str, monotonic: Clock) -> None:
        """Take what settles a batch, the words for whoever is refused, and a clock."""
        self._answer = answer
        self._monotonic = monotonic
        self._refused = refused
        self._waiting: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._running: asyncio.Task[None] | None = None
        self._last_size = 0

    def settle(self, attempt: Attempt) -> asyncio.Future[Outcome | None]:
        """Have an attempt settled with the next batch; comes to None if it could not be, and nothing was granted."""
        future: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        if len(self._waiting) >= MOST_WAITING:
            future.set_result(None)
            return future
        self._waiting.append(_Waiting(attempt, future, self._monotonic()))
        if self._running is None or self._running.done():
            # Begins when whoever called has handed over all that it has.
            self._running = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        while self._waiting:
            await self._linger()
            batch = self._next_batch()
            self._last_size = len(batch)
            outcomes = await self._in_thread([waiting.attempt for waiting in batch])
            for waiting, outcome in zip(batch, outcomes, strict=True):
                waiting.future.set_result(outcome)

    async def _linger(self) -> None:
        """Wait a moment for as many as there were last time: their clients' next requests are on the way.

        In a batch of half the size, a login's share of the transaction is twice as large.
        """
        for _ in range(MOST_LINGERS):
            if len(self._waiting) >= self._last_size:
                return
            await asyncio.sleep(LINGER_SECONDS)

    def _next_batch(self) -> list["_Waiting"]:
        """Take what waits, but for those whose client has long turned elsewhere: their code is not ours to spend."""
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < LARGEST_BATCH:
            waiting = self._waiting.popleft()
            if self._monotonic() - waiting.since > LONGEST_WAIT_SECONDS:
                waiting.future.set_result(None)
            else:
                batch.append(waiting)
        return batch

    async def _in_thread(self, attempts: list[Attempt]) -> Sequence[Outcome | None]:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._answer, attempts)
        except StoreUnavailable as error:
            log.error("%d attempts were not answered: %s", len(attempts), error)
            return [None] * len(attempts)
        except Exception as error:  # noqa: BLE001  (the edge: one attempt that trips us must not silence the others)
            log.error("a batch of %d failed: %s", len(attempts), type(error).__name__)
            if len(attempts) == 1:
                # Refused, not left without an answer: a node may take silence for an outage, and open.
                return [Denied(self._refused, Reason.TRIPPED)]
            return [outcome for attempt in attempts for outcome in await self._in_thread([attempt])]

    async def in_thread(self, work: Callable[[], None]) -> None:
        """Do other work with the store, in the same thread, between two batches."""
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True)
