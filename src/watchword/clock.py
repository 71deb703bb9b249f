"""The only reader of time; everything else is told what time it is."""

import time
from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], float]
"""Answers the seconds since 1970, UTC."""


now_seconds: Clock = time.time
"""Answers the seconds since 1970, UTC."""

monotonic_seconds: Clock = time.monotonic
"""Answers seconds that never go back, for waiting and for measuring."""


def local_now() -> datetime:
    """Answer the time in this machine's time zone, with its offset."""
    return datetime.now().astimezone()


def pause(seconds: float) -> None:
    """Do nothing for so long."""
    time.sleep(seconds)
