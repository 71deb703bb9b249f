"""What the portal does while nobody asks: mail leaves, the directory is told, what is over is dropped."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchword.domain.errors import WatchwordError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do again and again; `work` answers how much there was, and is called at once if there was any."""

    name: str
    every_seconds: float
    work: Callable[[], int]


class Chores:
    """Does each chore in a thread of its own, so that none waits for another. Other portals do the same ones."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._do, args=(chore,), name=chore.name, daemon=True) for chore in chores
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is in hand, and end."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _do(self, chore: Chore) -> None:
        while not self._stop.is_set():
            found = 0
            try:
                found = chore.work()
            except Exception as error:  # noqa: BLE001  (the edge: whatever it was, it is tried again)
                reason = error if isinstance(error, WatchwordError) else type(error).__name__
                log.error("%s: %s", chore.name, reason)
            if not found:
                self._stop.wait(chore.every_seconds)
