"""Settle the attempts of many threads together: what comes while one transaction runs is the next one's batch."""

import logging
import threading
from collections.abc import Callable, Sequence

from watchword.domain.errors import WatchwordError
from watchword.domain.outcome import Outcome
from watchword.services.attempts import Attempt

LARGEST_BATCH = 128

log = logging.getLogger(__name__)

Answer = Callable[[Sequence[Attempt]], list[Outcome]]


class _Waiting:
    """An attempt that waits for its batch, and what came of it."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.outcome: Outcome | None = None
        self.error: Exception | None = None

    @property
    def is_settled(self) -> bool:
        return self.outcome is not None or self.error is not None


class Gathering:
    """Hands attempts over in batches, one batch at a time.

    Whichever thread's turn it is settles for all that wait; the others find theirs done.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._turn = threading.Lock()
        self._queue = threading.Lock()
        self._waiting: list[_Waiting] = []

    def answer(self, attempts: Sequence[Attempt]) -> list[Outcome]:
        """Settle attempts, together with others'; raises what settling them raised."""
        ours = [_Waiting(attempt) for attempt in attempts]
        with self._queue:
            self._waiting.extend(ours)
        with self._turn:
            while not all(waiting.is_settled for waiting in ours):
                self._settle(self._next_batch())
        return [_result(waiting) for waiting in ours]

    def _next_batch(self) -> list[_Waiting]:
        with self._queue:
            batch = self._waiting[:LARGEST_BATCH]
            del self._waiting[:LARGEST_BATCH]
        return batch

    def _settle(self, batch: Sequence[_Waiting]) -> None:
        try:
            outcomes = self._answer([waiting.attempt for waiting in batch])
        except WatchwordError as error:
            for waiting in batch:
                waiting.error = error
        except Exception as error:  # noqa: BLE001  (the edge: one attempt that trips us must not fail the others)
            if len(batch) == 1:
                batch[0].error = error
                return
            log.error("a batch of %d failed, and is settled one by one: %s", len(batch), type(error).__name__)
            for waiting in batch:
                self._settle([waiting])
        else:
            for waiting, outcome in zip(batch, outcomes, strict=True):
                waiting.outcome = outcome


def _result(waiting: _Waiting) -> Outcome:
    if waiting.error is not None:
        raise waiting.error
    assert waiting.outcome is not None  # noqa: S101  (settled, and without an error)
    return waiting.outcome
