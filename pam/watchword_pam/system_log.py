"""One line of syslog for each decision, in words that grep finds: `MODULE: WHAT key=value key=value`."""

from __future__ import annotations

import syslog

ALERT = syslog.LOG_ALERT
ERROR = syslog.LOG_ERR
WARNING = syslog.LOG_WARNING
NOTICE = syslog.LOG_NOTICE
INFO = syslog.LOG_INFO

LONGEST_VALUE = 300


def write(priority: int, module: str, what: str, /, **fields: object) -> None:
    """Write one line to the log of logins.

    Never pass what a person typed, nor an exception's message: it may quote it.
    """
    words = [f"{module}: {printable(what)}"]
    words += [f"{key}={_plain(value)}" for key, value in fields.items()]
    _write(priority, " ".join(words))


def write_text(text: str) -> None:
    """Write a line that already is in words, such as what the exemption file says."""
    _write(NOTICE, printable(text))


def _write(priority: int, line: str) -> None:
    # Opened and closed for each line: sshd, su and sudo have a log of their own in this process, and the
    # name that openlog() keeps must not outlive the interpreter.
    syslog.openlog("watchword", syslog.LOG_PID, syslog.LOG_AUTHPRIV)
    syslog.syslog(priority, line)
    syslog.closelog()


def _plain(value: object) -> str:
    """Return a value that can't pass for another field, or for another line."""
    text = printable(str(value)[:LONGEST_VALUE])
    return text.translate({ord(c): "?" for c in ' ="'}) or "-"


def printable(text: str) -> str:
    """Replace what could forge or hide a line of a log."""
    return "".join(c if c.isprintable() else "?" for c in text)
