"""End on Ctrl-C, SIGTERM and SIGHUP, but only between two steps: whatever a step has made can then be undone."""

import signal
import threading
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody wants us to end."""


class Interruption:
    """Remembers that one of the signals came."""

    def __init__(self) -> None:
        self._event = threading.Event()
        for number in SIGNALS:
            signal.signal(number, self._remember)

    @property
    def came(self) -> bool:
        """Whether we should end."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise Interrupted if we should end."""
        if self.came:
            raise Interrupted

    def wait(self, seconds: float) -> None:
        """Wait; raises Interrupted as soon as we should end."""
        self._event.wait(seconds)
        self.check()

    def _remember(self, _number: int, _frame: FrameType | None) -> None:
        self._event.set()
