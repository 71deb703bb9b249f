"""Account names: what may be one."""

import unicodedata

from watchword.domain.errors import InvalidValue

LONGEST_NAME_OCTETS = 128
"""Linux allows 32, directories more; RADIUS up to 253."""


def is_account_name(name: str) -> bool:
    """Tell whether this can be an account's name.

    No control characters, no white space anywhere, no format or unassigned code points, nothing that begins with a
    dash (it would be read as an option), 1 to 128 octets of UTF-8.
    """
    if not name or name.startswith("-"):
        return False
    if name.isascii():  # nearly all are; the same rule, said faster
        return name.isprintable() and " " not in name and len(name) <= LONGEST_NAME_OCTETS
    if any(unicodedata.category(character)[0] in "CZ" for character in name):
        return False
    return len(name.encode("utf-8")) <= LONGEST_NAME_OCTETS


def check_account_name(name: str) -> str:
    """Return the name if it can be an account's.

    Raises InvalidValue.
    """
    if is_account_name(name):
        return name
    raise InvalidValue(f"{name!r} cannot be an account name", hint="no spaces, no control characters, 1 to 128 octets")
