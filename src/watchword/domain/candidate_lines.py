"""Find, among lines of an exemption file that are known to be right, those that may speak of a login.

A line may speak of it if its accounts name the account, a group, a netgroup or ALL, and its origins may hold the
address. Where such lines may be is found by patterns that begin with a literal, which the engine finds at a nanosecond
a character; they hand over what they cannot tell, and the careful parser decides. Never do they leave out a line that
could match: tests hold them to that. What they rely on, that the lines are right, they could not see for themselves:

- ALL is the first word of its list; `(` and `@` begin a word; blanks, tabs and commas are all that parts words.
- Octets have no leading zeros, so the networks that may hold an address begin as it does.
- `#` begins a comment, a colon behind the accounts ends them.
"""

from __future__ import annotations

import re

from watchword.domain.origins import NOT_AN_ADDRESS, ipv4_octets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 16 * 1024
"""Characters searched first; each piece is twice as long, so that a match near the top costs no search of the rest."""
PATIENCE = 30
"""Lines handed over for one kind of word before origins are looked at too: that pattern takes 1 ms to compile."""

_BLANKS = r"[ \t]*+"
_IN_A_LIST = r"(?<=[ \t,:]{})"
_DIGITS_END = r"(?![0-9.])"


def candidates(text: str, start: int, end: int, account: str, address: int | None) -> Iterator[tuple[int, str]]:
    """Yield the lines of text[start:end] that may speak of the login, each with its place, in their order.

    Lines start at `start`, and `end` is behind a line feed. The address is as client_address() gives it.
    """
    if start == end:
        return
    line_end = text.index("\n", start)
    yield start, text[start:line_end]
    searches = [_Search(*leads, address) for leads in _leads(text, account)]
    size = PIECE
    while line_end < end - 1:
        # From the end of a line to the end of a later one: patterns see a line feed before each line.
        piece_end = text.rfind("\n", line_end + 1, min(line_end + size, end))
        if piece_end < 0:
            piece_end = text.index("\n", line_end + 1)
        places = {place for search in searches for place in search.places(text, line_end, piece_end)}
        for place in sorted(places):
            yield place, text[place : text.index("\n", place)]
        line_end = piece_end
        size *= 2


def _leads(text: str, account: str) -> Iterator[tuple[str, str]]:
    """Yield, for each kind of word that may stand for the account, a pattern for few of them and one for many."""
    if account in text:
        name = re.escape(account)
        named = rf"{name}{_IN_A_LIST.format(name)}(?=[ \t,:])"
        yield named, named
    if "ALL" in text:
        # Many are origins, or expiries.
        yield r"ALL(?=[ \t,]*+[:E])", rf"\n{_BLANKS}[+-]{_BLANKS}:[ \t,]*+ALL"
    for mark in "(@":
        if mark in text:
            marked = rf"\{mark}{_IN_A_LIST.format('.')}"
            yield marked, marked


class _Search:
    """A search for one kind of word, which looks at origins too once it has found much."""

    __slots__ = ("_address", "_found", "_pattern", "_when_many")

    def __init__(self, when_few: str, when_many: str, address: int | None) -> None:
        self._pattern = re.compile(when_few)
        self._when_many = when_many
        self._address = address
        self._found = 0

    def places(self, text: str, start: int, end: int) -> list[int]:
        """Return where lines start that have the word; text[start] and text[end] are the line feeds around them."""
        ends = [found.end() for found in self._pattern.finditer(text, start, end + 1)]
        self._found += len(ends)
        if self._found > PATIENCE and self._when_many:
            self._pattern = re.compile(f"{self._when_many}{_elsewhere(self._address)}")
            self._when_many = ""
            return self.places(text, start, end)
        return [text.rfind("\n", start, place) + 1 for place in ends]


def _elsewhere(address: int | None) -> str:
    """Match the rest of the accounts, and then anything but a list of origins none of which may hold the address.

    Only words in numbers are told apart here. A word is read to its end or not at all: what it begins with must not
    pass for the end of the list, `:` before an expiry or EXCEPT, nor what is left of it for the next word.
    """
    if address == NOT_AN_ADDRESS:
        return ""  # it may be anywhere
    ends = r"[ \t,]*+(?::[ \t]|[\n\r#]|EXCEPT[ \t,])"
    return rf"[^:\n]*+:(?!(?:[ \t,]*+{_far_word(address)})+{ends})"


def _far_word(address: int | None) -> str:
    """Match a word in numbers that cannot hold the address; in compact lines the expiry is of the same word."""
    octets = None if address is None else ipv4_octets(address)
    if address is None:
        near, mask = "", "[0-9]"  # no network holds a local login
    elif octets:
        near, mask = f"(?!{_near_ipv4(*octets)})", rf"(?:[89]|[1-9][0-9]|1[0-9][0-9]){_DIGITS_END}|255\."
    else:
        groups = (address >> shift & 0xFFFF for shift in (112, 96, 80))
        near, mask = f"(?!{_near_ipv6(*groups)})", rf"(?:1[6-9]|[2-9][0-9]|1[0-9][0-9]){_DIGITS_END}|255\."
    return rf"{near}[0-9a-fA-F:.T-]++(?:/(?:{mask})[0-9:.T-]*+|)"


def _near_ipv4(first: int, second: int, third: int, _: int) -> str:
    """Match how a word begins that may hold the address, if its mask is 8 or longer.

    Where it leaves the address it ends, or its mask has ended. `0` and `::` begin what IPv4 is mapped to.
    """
    by_two = rf"(?![0-9])|{third}\.|[0-9.]++/(?:(?:1[6-9]|2[0-3]){_DIGITS_END}|255\.255\.(?!255\.))"
    by_one = rf"(?![0-9])|{second}\.(?:{by_two})|[0-9.]++/(?:(?:[89]|1[0-5]){_DIGITS_END}|255\.(?!255\.))"
    return rf"[0:]|{first}\.(?:{by_one})"


def _near_ipv6(first: int, second: int, third: int) -> str:
    """Match how a word begins that may hold the address, if its length is 16 or more; `::` may be any groups."""
    by_two = rf"(?![0-9a-fA-F])|{_group(third)}|[0-9a-fA-F:.]++/(?:3[2-9]|4[0-7]){_DIGITS_END}"
    by_one = rf"(?![0-9a-fA-F])|{_group(second)}(?:{by_two})|[0-9a-fA-F:.]++/(?:1[6-9]|2[0-9]|3[01]){_DIGITS_END}"
    return rf":|{_group(first)}(?:{by_one})"


def _group(number: int) -> str:
    digits = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{number:x}")
    return rf"0{{0,3}}{digits}:"
