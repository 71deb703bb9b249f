"""`-` in place of a code or a seed: arguments can be read by every user of the machine, and sudo logs them."""

import getpass
import sys

from watchword.domain.errors import InvalidValue

ASK = "-"
LONGEST_LINE = 1024


def given_or_asked(value: str, what: str) -> str:
    """Return `value`, or for `-` one line from standard input: asked for by name, unseen, at a terminal.

    Raises InvalidValue for a line that is empty, or not ASCII as every code and seed is.
    """
    return _read_line(what) if value == ASK else value


def _read_line(what: str) -> str:
    try:
        line = getpass.getpass(f"{what}: ") if sys.stdin.isatty() else sys.stdin.readline(LONGEST_LINE)
    except EOFError:
        line = ""
    except UnicodeDecodeError:
        raise InvalidValue(f"the {what} on standard input is not ASCII") from None
    line = line.strip()
    if not line:
        raise InvalidValue(f"there is no {what} on standard input", hint=f"`{ASK}` reads it from there, one a line")
    if not line.isascii():
        raise InvalidValue(f"the {what} on standard input is not ASCII")
    return line
