"""Whether the kernel holds that its clock is right."""

import ctypes
from datetime import datetime

from watchword.cli.doctor.findings import Area, Findings

AREA = Area("Clock")
STA_UNSYNC = 0x0040
TIME_ERROR = 5


class _Timex(ctypes.Structure):
    """struct timex as far as its status; what follows is room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


def is_synchronised() -> bool | None:
    """Ask the kernel; None if it doesn't tell. Changes nothing: no mode is set."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (AttributeError, OSError):
        return None
    if state < 0:
        return None
    return state != TIME_ERROR and not timex.status & STA_UNSYNC


def check_clock(now: datetime, *, matters_for: str) -> Findings:
    """Tell the time, its zone, and whether something keeps it right."""
    zone = f"{now:%Z} (UTC{now:%z})"
    yield AREA.ok(f"it is {now:%Y-%m-%d %H:%M:%S} in {zone}, the zone in which exemptions and deadlines end")
    match is_synchronised():
        case True:
            yield AREA.ok("the clock is synchronised")
        case False:
            yield AREA.warning(
                f"the kernel says that nothing synchronises the clock: {matters_for}",
                "run chrony, ntpsec or systemd-timesyncd; in a container or virtual machine, look at its host",
            )
        case None:
            yield AREA.warning("the kernel does not say whether its clock is right", "look with `chronyc tracking`")
