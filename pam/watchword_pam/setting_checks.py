"""Check single values of pam.toml. Each check returns the value, or raises Mistake with words that quote nothing."""

from __future__ import annotations

from watchword_pam.addresses import is_address
from watchword_pam.trusted_files import Untrusted, read_trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import date
    from typing import Any

LONGEST_LINE = 253  # what fits into one RADIUS attribute


class Mistake(Exception):
    """A value can't be used. The message completes "KEY …" and never holds the value."""


def a_choice(value: Any, *choices: Any) -> Any:
    """Accept one of the choices, to the letter."""
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return value
    raise Mistake("must be " + " or ".join(str(choice).lower() for choice in choices))


def a_date(value: Any) -> date:
    """Accept a TOML date without a time."""
    from datetime import date, datetime  # noqa: PLC0415 - slow to load, and most files name no day

    if isinstance(value, datetime) or not isinstance(value, date):
        raise Mistake("must be a date without quotes, such as 2026-12-01")
    return value


def a_number(value: Any, least: float, most: float, *, whole: bool = False) -> Any:
    """Accept a number within bounds."""
    wanted = int if whole else (int, float)
    # A NaN fails the comparison; True is an int to Python, but no number to a sysadmin.
    if isinstance(value, bool) or not isinstance(value, wanted) or not least <= value <= most:
        raise Mistake(f"must be a {'whole ' if whole else ''}number from {least} to {most}")
    return value


def some_text(value: Any) -> str:
    """Accept text that isn't empty."""
    if not isinstance(value, str) or not value:
        raise Mistake("must be text, and not empty")
    return value


def a_line(value: Any) -> str:
    """Accept one printable line that fits into a RADIUS attribute."""
    text = some_text(value)
    if not text.isprintable() or len(text.encode("utf-8", "replace")) > LONGEST_LINE:
        raise Mistake(f"must be one printable line of at most {LONGEST_LINE} bytes")
    return text


def a_path(value: Any) -> str:
    """Accept an absolute path."""
    path = a_line(value)
    if not path.startswith("/"):
        raise Mistake("must be an absolute path")
    return path


def an_address(value: Any) -> str:
    """Accept a numeric address: nothing at login may wait for DNS."""
    text = some_text(value)
    if not is_address(text):
        raise Mistake("must be a numeric IPv4 or IPv6 address")
    return text


def some_lines(value: Any) -> tuple[str, ...]:
    """Accept a line or a list of lines."""
    lines = value if isinstance(value, list) else [value]
    if not lines:
        raise Mistake("must not be empty")
    return tuple(a_line(line) for line in lines)


def is_safe_uri(uri: str, *, start_tls: bool) -> bool:
    """Return whether nobody but the directory can answer there: TLS, or this very machine."""
    scheme, _, rest = uri.partition("://")
    host = rest.partition("/")[0]
    is_loopback = host.partition(":")[0] in {"localhost", "127.0.0.1"} or host.startswith("[::1]")
    return (
        (scheme == "ldaps" and not start_tls) or (scheme == "ldap" and (start_tls or is_loopback)) or scheme == "ldapi"
    )


def an_account_filter(value: Any) -> str:
    """Accept an LDAP filter with {account} in it."""
    text = a_line(value)
    if "{account}" not in text:
        raise Mistake("must contain {account}")
    return text


def value_table(value: Any) -> dict[str, str]:
    """Accept a table of lines: what LDAP holds -> the kind of token."""
    if not isinstance(value, dict):
        raise Mistake("must be a table")
    return {a_line(key): a_line(kind) for key, kind in value.items()}


def secret_of(values: dict[str, Any], key: str, file_key: str) -> str:
    """Return a secret that stands in the file, or in a file of its own that only root reads."""
    if (values[key] is None) == (values[file_key] is None):
        raise Mistake(f"needs one of {key} and {file_key}")
    if values[key] is not None:
        return str(values[key])
    try:
        data, _ = read_trusted(values[file_key])
        secret = data.decode("utf-8").rstrip("\r\n")
    except Untrusted as error:
        raise Mistake(f"{file_key}: {error}") from None
    except (OSError, ValueError):
        raise Mistake(f"{file_key} can't be read") from None
    if not secret:
        raise Mistake(f"{file_key} is empty")
    return secret
