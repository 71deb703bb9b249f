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
"""Characters searched at a time, so that a match near the top costs no search of the rest."""
PATIENCE = 50
"""Lines handed over for one kind of word before origins are looked at too: that pattern takes 1 ms to compile."""

_BLANKS = r"[ \t]*+"
_IN_A_LIST = r"(?<=[ \t,:]{})"
_WORD = r"[0-9a-fA-F:./T-]++"  # addresses, networks, dates: all of a word, since nothing right goes on otherwise
_LENGTH_ENDS = r"(?![0-9.])"


def candidates(text: str, start: int, end: int, account: str, address: int | None) -> Iterator[tuple[int, str]]:
    """Yield the lines of text[start:end] that may speak of the login, each with its place, in their order.

    Lines start at `start`, and `end` is behind a line feed. The address is as client_address() gives it.
    """
    if start == end:
        return
    line_end = text.index("\n", start)
    yield start, text[start:line_end]
    searches = [_Search(lead, address) for lead in _leads(text, account)]
    while line_end < end - 1:
        # From the end of a line to the end of a later one: patterns see a line feed before each line.
        piece_end = text.rfind("\n", line_end + 1, min(line_end + PIECE, end))
        if piece_end < 0:
            piece_end = text.index("\n", line_end + 1)
        places = {place for search in searches for place in search.places(text, line_end, piece_end)}
        for place in sorted(places):
            yield place, text[place : text.index("\n", place)]
        line_end = piece_end


def _leads(text: str, account: str) -> Iterator[str]:
    """Yield a pattern for each kind of word that may stand for the account, if the text has it at all."""
    if account in text:
        name = re.escape(account)
        yield rf"{name}{_IN_A_LIST.format(name)}(?=[ \t,:])"
    if "ALL" in text:
        yield rf"\n{_BLANKS}[+-]{_BLANKS}:[ \t,]*+ALL"
    for mark in "(@":
        if mark in text:
            yield rf"\{mark}{_IN_A_LIST.format('.')}"


class _Search:
    """One pattern, which is narrowed by origins once it has found much."""

    __slots__ = ("_address", "_found", "_lead", "_narrowed", "_pattern")

    def __init__(self, lead: str, address: int | None) -> None:
        self._lead = lead
        self._address = address
        self._found = 0
        self._narrowed = address == NOT_AN_ADDRESS  # it may be anywhere: nothing can be left out
        self._pattern = re.compile(lead)

    def places(self, text: str, start: int, end: int) -> list[int]:
        """Return where lines start that have the word; text[start] and text[end] are the line feeds around them."""
        ends = [found.end() for found in self._pattern.finditer(text, start, end + 1)]
        self._found += len(ends)
        if self._found > PATIENCE and not self._narrowed:
            self._narrowed = True
            self._pattern = re.compile(f"{self._lead}{_elsewhere(self._address)}")
            return self.places(text, start, end)
        return [text.rfind("\n", start, place) + 1 for place in ends]


def _elsewhere(address: int | None) -> str:
    """Match the rest of the accounts, and then anything but a list of origins none of which may hold the address."""
    word = f"{_may_hold(address)}{_WORD}"
    # `:` between blanks is the one before an expiry. What a word begins with must not pass for the end of the list.
    ends = r"(?::[ \t]|[\n\r#]|EXCEPT[ \t,])"
    return rf"[^:\n]*+:[ \t,]*+(?!{word}(?:[ \t,]++{word})*[ \t,]*+{ends})"


def _may_hold(address: int | None) -> str:
    """Refuse, without reading on, the words that may hold the address; no word in numbers holds a local login."""
    if address is None:
        return ""
    octets = ipv4_octets(address)
    return f"(?!{_ipv4_may_hold(*octets) if octets else _ipv6_may_hold(address >> 112)})"


def _ipv4_may_hold(first: int, second: int, third: int, _: int) -> str:
    """Match, of words in numbers: those that begin as the address as far as their mask goes; IPv4-mapped ones."""
    third_is_one = rf"{third}\."
    second_is_one = (
        rf"{second}\.(?:(?![0-9])|[0-9.]++/(?:(?:1[6-9]|2[0-3]){_LENGTH_ENDS}|255\.255\.(?!255\.))|{third_is_one})"
    )
    first_is_one = rf"{first}\.(?:(?![0-9])|[0-9.]++/(?:(?:[89]|1[0-5]){_LENGTH_ENDS}|255\.(?!255\.))|{second_is_one})"
    # 0.0.0.0/0, and `::ffff:` or what is zero for longer, begin so.
    return rf"[0:]|[0-9.]++/(?:[0-7]{_LENGTH_ENDS}|(?!255\.)[0-9]++\.)|{first_is_one}"


def _ipv6_may_hold(group: int) -> str:
    """Match, of words in numbers: those whose first group is the address's, and networks wider than that."""
    digits = "".join(f"[{digit}{digit.upper()}]" for digit in f"{group:x}")
    return rf":|0{{0,3}}{digits}:|[0-9a-fA-F:.]++/(?:[0-9]|1[0-5]){_LENGTH_ENDS}"
