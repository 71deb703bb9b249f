"""Search the recent log for sshd's line about an accepted public key, bound to this very connection.

For servers too old to tell PAM. Whoever may write to syslog may forge a line in a log file; the journal's
trusted fields can't be forged but by root.
"""

from __future__ import annotations

import os
import pwd
import re
import stat
import time
from datetime import datetime

from watchword_pam.clock import wall_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

RECENT_BYTES = 256 * 1024
OLDEST_SECONDS = 60
AHEAD_SECONDS = 2  # rsyslog and we may round differently
LOOKS = 2  # what sshd said a moment ago may still be on its way to the file
PAUSE_SECONDS = 0.15
LOG_KEEPERS = ("root", "syslog")  # Debian's and Ubuntu's owners of auth.log

_LINE = re.compile(
    r"(?:(?P<stamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)"  # RFC 3164
    r"|(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)))"  # RFC 5424, as rsyslog writes it
    r" [^\s]+ (?:sshd|sshd-session)\[(?P<pid>\d{1,10})\]: (?P<message>.*)",
    re.ASCII,
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class KeyAccepted:
    """What sshd would have logged: which process, for whom, from where."""

    def __init__(self, pid: int, account: str, address: str, port: str) -> None:
        self.pid = pid
        self._rest = f" publickey for {account} from {address} port {port} ssh2"

    def is_said_by(self, message: str) -> bool:
        """Compare a whole message. "Partial" is what sshd says when it wants another method as well.

        VERBOSE's "Accepted key … found at" and "Postponed publickey" stand for unsigned queries, and never match.
        """
        for verb in ("Accepted", "Partial"):
            said = verb + self._rest
            if message == said or message.startswith(said + ": "):  # and then the key
                return True
        return False


def search_log(log: str, wanted: KeyAccepted) -> bool:
    """Return whether the log holds what is wanted. Raises OSError and ValueError if it can't be used."""
    for look in range(LOOKS):
        if look:
            time.sleep(PAUSE_SECONDS)
        if _is_in_log(log, wanted):
            return True
    return False


def _is_in_log(log: str, wanted: KeyAccepted) -> bool:
    kind, _, directory = log.partition(":")
    if kind == "journal":
        from watchword_pam.journal import recent_messages  # noqa: PLC0415 - few need it

        messages = recent_messages(wanted.pid, directory, int(wall_seconds()) - OLDEST_SECONDS)
        return any(wanted.is_said_by(message) for message in messages)
    return is_in_lines(_recent_lines(log), wanted, wall_seconds())


def is_in_lines(lines: Sequence[str], wanted: KeyAccepted, now: float) -> bool:
    """Return whether a recent line of a log file says what is wanted; `now` is in seconds of the epoch."""
    for line in reversed(lines):
        match = _LINE.fullmatch(line)
        if match is None or int(match["pid"]) != wanted.pid or not wanted.is_said_by(match["message"]):
            continue
        age = _age_seconds(match, now)
        if age is not None and -AHEAD_SECONDS <= age <= OLDEST_SECONDS:
            return True
    return False


def _age_seconds(match: re.Match[str], now: float) -> float | None:
    """Return how old a line is; None for a date that isn't one."""
    try:
        if match["iso"]:
            return now - datetime.fromisoformat(match["iso"]).timestamp()
        month, day, clock = match["stamp"].split()
        hour, minute, second = map(int, clock.split(":"))
        date = (_MONTHS.index(month) + 1, int(day))
        this_year = time.localtime(now).tm_year
        ages = [now - time.mktime((year, *date, hour, minute, second, 0, 0, -1)) for year in (this_year, this_year - 1)]
    except (ValueError, OverflowError):
        return None
    # There is no year in the stamp: December's, read in January, is last year's.
    return ages[0] if ages[0] > -86400 else ages[1]


def _recent_lines(path: str) -> list[str]:
    """Read the end of a log file that only its keeper can write."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError
        if status.st_uid != 0 and pwd.getpwuid(status.st_uid).pw_name not in LOG_KEEPERS:
            raise PermissionError
        start = max(0, status.st_size - RECENT_BYTES)
        data = os.pread(descriptor, RECENT_BYTES, start)
    finally:
        os.close(descriptor)
    # Not splitlines(): an account name may hold what Unicode calls a line's end.
    lines = data.decode("utf-8", "replace").split("\n")
    return lines[1:] if start else lines  # the first one may be the end of another
