"""Group commit: what arrives while one transaction runs is the next transaction's batch.

A login alone waits for nobody. Under load, many share the cost of one durable commit.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from watchword.domain.errors import WatchwordError
from watchword.domain.outcome import Outcome
from watchword.services.attempts import Attempt

LARGEST_BATCH = 128

MOST_WAITING = 4096
"""Beyond this, a client has given up long before its turn comes: it is better to say nothing, at once."""

log = logging.getLogger(__name__)

Answer = Callable[[Sequence[Attempt]], list[Outcome]]


class Batches:
    """Gathers attempts and has them settled, batch after batch, in one thread."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._waiting: deque[tuple[Attempt, asyncio.Future[Outcome | None]]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._running: asyncio.Task[None] | None = None

    async def settle(self, attempt: Attempt) -> Outcome | None:
        """Have an attempt settled with the next batch; None if it could not be, and nothing was granted."""
        if len(self._waiting) >= MOST_WAITING:
            return None
        future: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((attempt, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(LARGEST_BATCH, len(self._waiting)))]
            outcomes = await self._in_thread([attempt for attempt, _ in batch])
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)

    async def _in_thread(self, attempts: list[Attempt]) -> Sequence[Outcome | None]:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._answer, attempts)
        except WatchwordError as error:
            log.error("%d attempts were not answered: %s", len(attempts), error)
            return [None] * len(attempts)
        except Exception as error:  # noqa: BLE001  (the edge: one attempt that trips us must not silence the others)
            log.error("a batch of %d failed: %s", len(attempts), type(error).__name__)
            if len(attempts) == 1:
                return [None]
            return [outcome for attempt in attempts for outcome in await self._in_thread([attempt])]

    async def in_thread(self, work: Callable[[], None]) -> None:
        """Do other work with the store, in the same thread, between two batches."""
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True)
