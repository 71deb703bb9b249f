"""The only reader of time inside sshd."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import date


def boot_seconds() -> float:
    """Return the seconds since the machine started, asleep or awake. Setting the clock does not change them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def wall_seconds() -> float:
    """Return the seconds of the epoch."""
    return time.time()


def local_time() -> time.struct_time:
    """Return the node's local date and time.

    Under su and sudo the caller's TZ is in our environment, and could stretch a date by a day: it is set aside.
    """
    callers_zone = os.environ.pop("TZ", None)
    try:
        time.tzset()
        return time.localtime()
    finally:
        if callers_zone is not None:
            os.environ["TZ"] = callers_zone
            time.tzset()


def today() -> date:
    """Return the node's local date."""
    from datetime import date  # noqa: PLC0415 - slow to load, and an exemption needs none

    return date(*local_time()[:3])
