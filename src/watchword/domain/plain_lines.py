"""Pass over, in one call of the regular expression engine, the lines of a large exemption file that cannot matter.

A line is *plain* if it is certainly right and certainly none of this account's: a blank, a comment, or a rule whose
accounts are names other than this one. The pattern finds every line that is not plain. It may take a plain line for
another (that one goes to the careful parser, at some 7 us), but never another for a plain one: tests hold it to that.

The engine pays some 10 ns for each element of a pattern and 80 for a repeated or optional group. So what is optional is
written as an alternative, `(?:x|)`, told by its first character, and a group repeats only where a list has begun.
Possessive quantifiers keep the engine from going back. Only single characters have them: those of groups are wrong
before CPython 3.11.5 (gh-106052).
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANKS = r"[ \t]*+"
_GAP = r"[ \t,]++"
_NAME = r"[a-z_][a-z0-9_.-]*+"
_OCTET = r"(?:1[0-9]{0,2}+|2(?:[0-4][0-9]?+|5[0-5]?+|[6-9]|)|[3-9][0-9]?+|0)"
_IPV4 = rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}(?:/(?:[12][0-9]?+|3[0-2]?+|[04-9])|)"
_HEX = r"[0-9a-fA-F]{1,4}+"
# Two to four groups, `::`, up to two groups; or eight groups. The address must end in a blank: whether a colon right
# behind it is its own is for the careful parser to say.
_IPV6 = (
    rf"{_HEX}:{_HEX}:(?::|{_HEX}:(?::|{_HEX}:(?::|{_HEX}:{_HEX}:{_HEX}:(?={_HEX}[ \t/\r\n]))))(?:{_HEX}(?::{_HEX}|)|)"
    r"(?:/(?:1(?:[01][0-9]?+|2[0-8]?+|[3-9]|)|[2-9][0-9]?+|0)|)(?=[ \t\r\n])"
)
_ADDRESS = rf"(?:{_IPV4}|{_IPV6})"
_DATE = (
    r"2[01][0-9]{2}+-(?:0[1-9]|1[012])-"
    r"(?:0[1-9]|1[0-9]|2[0-8]|3(?:(?<!02-3)0|(?<=0[13578]-3)1|(?<=1[02]-3)1)|(?<!02-)29)"
)
_TIME = r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9]|)"
_COMMENT = r"#[\t -~]*+\r?+\n"
_UNTIL = (
    rf"{_BLANKS}(?::{_BLANKS}(?:{_DATE}(?:{_TIME}|)|ALL){_BLANKS}|)"
    rf"(?:\n|\r\n|(?<=[ \t]){_COMMENT})"
)


PATIENCE = 200
"""Lines handed over before the long pattern is compiled: that takes as long as parsing some hundreds with care."""


def others(text: str, account: str) -> Iterator[tuple[int, str]]:
    """Yield each line that is not plain to this account, with the place where it starts."""
    framed = f"\n{text}\n"
    short = re.compile(rf"\n(?!{_commonest(account, text)})([^\n]*+)")
    start = 0
    for number, other in enumerate(short.finditer(framed)):
        yield other.start(), other[1]
        start = other.end()
        if number == PATIENCE:
            break
    else:
        return
    blank = rf"{_BLANKS}(?:{_COMMENT}|\r?+\n)"
    long = re.compile(rf"\n(?!{_commonest(account, text)})(?!{_common(account)})(?!{blank})([^\n]*+)")
    for other in long.finditer(framed, start):
        yield other.start(), other[1]


def _stranger(account: str) -> str:
    """Match any plain name but the account's; `all` and `except` are mistakes, not names."""
    return rf"(?!(?:{re.escape(account)}|all|except)[ \t,:]){_NAME}"


def _commonest(account: str, text: str) -> str:
    """Match one name, one address, a date; how the file writes its colons, and whether it has IPv6, is looked at."""
    colon = " : " if text.count(" : ", 0, 4096) else ":"
    address = _ADDRESS if text.count("::", 0, 4096) else _IPV4  # twice as fast to compile
    return rf"[+-]{colon}{_stranger(account)}{colon}{address}{colon}{_DATE}\n"


def _common(account: str) -> str:
    """Match names, perhaps EXCEPT and anybody, then addresses or ALL, perhaps an expiry, perhaps a comment."""
    stranger = _stranger(account)
    exception = rf"EXCEPT(?:{_GAP}(?:(?!(?:all|except)[ \t,:]){_NAME}|\({_NAME}\)))+"
    more = rf"(?:{_GAP}{stranger})*(?:{_GAP}{exception}|)[ \t,]*+:"
    accounts = rf"{stranger}(?:{_BLANKS}:|{more})"
    origins = rf"(?:{_ADDRESS}(?:|(?:{_GAP}{_ADDRESS})+)|ALL)"
    return rf"[+-]{_BLANKS}:{_BLANKS}{accounts}{_BLANKS}{origins}{_UNTIL}"
