"""The grammar of one line of an exemption file.

A line is right or it is wrong. Where a slip of the pen would widen what a line grants (a colon forgotten, EXCEPT
misspelt), the grammar is narrow enough to make it wrong. Read inside sshd at each login: only siblings are imported.
"""

from __future__ import annotations

from watchword.domain.errors import InvalidValue
from watchword.domain.expiry import parse_expiry, seems_expiry
from watchword.domain.origins import parse_origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from watchword.domain.expiry import Moment

    Word = TypeVar("Word")
    Origin = str | tuple[int, int]
    Clauses = tuple[tuple[Word, ...], ...]

GRAMMAR = 1
"""Raised when a line that was right becomes wrong: logins remember lines that were right, and must then forget them."""

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NAME_STARTS = frozenset(_LETTERS + "0123456789_")
_NAME_CHARACTERS = frozenset(_LETTERS + "0123456789_.-+\\")


class Rule:
    """A line that parsed: whether it exempts, which accounts, from which origins, until when."""

    __slots__ = ("accounts", "ends", "exempts", "expires", "origins")

    def __init__(
        self,
        exempts: bool,
        accounts: Clauses[str],
        origins: Clauses[Origin],
        expires: str | None,
        ends: Moment | None,
    ) -> None:
        self.exempts = exempts
        self.accounts = accounts
        self.origins = origins
        self.expires = expires
        self.ends = ends

    def has_ended(self, now: Moment) -> bool:
        """Tell whether the rule has expired at this local time (year, month, day, hour, minute, second)."""
        return self.ends is not None and tuple(now[:6]) >= self.ends

    def covers(self, other: Rule) -> bool:
        """Tell whether this rule, further up, certainly leaves the other without effect; False if it is not plain."""
        if len(self.accounts) > 1 or len(self.origins) > 1:
            return False
        if self.ends is not None and (other.ends is None or other.ends > self.ends):
            return False
        names, places = self.accounts[0], self.origins[0]
        return all("ALL" in names or word in names for word in other.accounts[0]) and all(
            "ALL" in places or any(_contains(place, origin) for place in places) for origin in other.origins[0]
        )


def _contains(wide: Origin, narrow: Origin) -> bool:
    if isinstance(wide, tuple) and isinstance(narrow, tuple):
        return wide[0] <= narrow[0] and narrow[1] <= wide[1]
    return wide == narrow


class LineReader:
    """Parse lines; what the same words mean is worked out once."""

    __slots__ = ("_accounts", "_ends", "_origins")

    def __init__(self) -> None:
        self._accounts: dict[str, Clauses[str]] = {}
        self._origins: dict[str, Clauses[Origin]] = {}
        self._ends: dict[str | None, Moment | None] = {None: None, "ALL": None}

    def read(self, line: str) -> Rule | None:
        """Parse a line; None for a blank or a comment. Raise InvalidValue, with what to do, for anything else."""
        body = _strip_comment(line)
        if not body:
            return None
        permission, first, others = body.partition(":")
        accounts, second, rest = others.partition(":")
        permission = permission.strip()
        if permission not in ("+", "-"):
            raise InvalidValue("a line starts with + (exempt) or - (not exempt), then a colon")
        if not first or not second:
            raise InvalidValue("a field is missing: write permission : accounts : origins [ : expires ]")
        names = self._accounts.get(accounts)
        if names is None:
            names = self._accounts[accounts] = _clauses(accounts, "accounts", _parse_account)
        origins, expires = _split_rest(rest)
        where = self._origins.get(origins)
        if where is None:
            where = self._origins[origins] = _clauses(origins, "origins", _parse_origin)
        if expires not in self._ends:
            self._ends[expires] = parse_expiry(expires or "")
        return Rule(permission == "+", names, where, expires, self._ends[expires])


def _strip_comment(line: str) -> str:
    """Leave the rule of a line, without blanks around it; raise InvalidValue for characters that hide something."""
    line = line.removesuffix("\r")
    if not line.isprintable():
        for character in line:
            # Bytes that are not UTF-8 arrive as lone surrogates.
            if (character < " " and character != "\t") or character == "\x7f" or "\ud800" <= character <= "\udfff":
                raise InvalidValue("the line has a control character, or is not UTF-8: type it anew")
    if "#" in line:
        for position, character in enumerate(line):
            if character == "#" and line[position - 1 : position] in ("", " ", "\t"):
                line = line[:position]
                break
    if not line.isascii():
        raise InvalidValue("only a comment may have characters beyond ASCII: look for odd blanks, dashes or quotes")
    return line.strip(" \t")


def _clauses(text: str, field: str, parse: Callable[[str], Word]) -> Clauses[Word]:
    """Split a list at its EXCEPTs and parse each word; blanks and commas separate."""
    clauses: list[list[Word]] = [[]]
    words = text.replace(",", " ").split()
    if len(words) == 1 and words[0] != "EXCEPT":
        return ((parse(words[0]),),)
    for position, word in enumerate(words):
        if word == "EXCEPT":
            clauses.append([])
            continue
        # `10.0.0.1 ALL` is a forgotten colon, `ALL EXECPT carol` a misspelt EXCEPT: both would grant too much.
        beside = words[max(position - 1, 0) : position] + words[position + 1 : position + 2]
        if word == "ALL" and any(other != "EXCEPT" for other in beside):
            raise InvalidValue(
                f"ALL stands alone among the {field}, or before EXCEPT: is a colon or an EXCEPT missing?"
            )
        clauses[-1].append(parse(word))
    if not words:
        raise InvalidValue(f"the {field} are missing: write ALL if you mean all")
    if not all(clauses):
        raise InvalidValue(f"EXCEPT stands between two lists of {field}")
    return tuple(tuple(clause) for clause in clauses)


def _parse_account(word: str) -> str:
    if word == "ALL" or (word.isidentifier() and word.islower() and word not in ("all", "except")):
        return word
    if word[0] == "@":
        return _checked(word, word[1:], "a netgroup: write @netgroup")
    if word[0] == "(":
        if word[-1] != ")":
            raise InvalidValue(f"'{word}' is not a group: write (group), without blanks")
        return _checked(word, word[1:-1], "a group: write (group), by name")
    if word.upper() in ("ALL", "EXCEPT") or word.startswith("EXCEPT") or (word.isalpha() and word.isupper()):
        raise InvalidValue(
            f"'{word}' is neither ALL nor EXCEPT; a name of capitals alone is not taken, use its (group)"
        )
    return _checked(word, word.removesuffix("$"), "a login name; groups are (group), netgroups @netgroup")


def _checked(word: str, name: str, meaning: str) -> str:
    """Return the word if its name is one: letters, digits, some marks, then perhaps `@` and a domain with a dot."""
    local, at, domain = name.partition("@")
    # No letter at all: an address or a date that slid into the wrong field, or a numeric id, which is not looked up.
    if not _is_name(local) or not local.strip("0123456789.-+\\"):
        raise InvalidValue(f"'{word}' is not {meaning}")
    if at and not (_is_name(domain) and "." in domain):
        raise InvalidValue(f"'{word}': user@host is not taken; put a blank before @netgroup, or write the whole domain")
    return word


def _is_name(text: str) -> bool:
    return text[:1] in _NAME_STARTS and _NAME_CHARACTERS.issuperset(text)


def _parse_origin(word: str) -> Origin:
    if word in ("ALL", "LOCAL"):
        return word
    if word[0] == "@":
        return _checked(word, word[1:], "a netgroup: write @netgroup")
    return parse_origin(word)


def _split_rest(rest: str) -> tuple[str, str | None]:
    """Part the origins from the expiry, though IPv6 addresses and times of day have colons of their own.

    A colon between blanks parts them. Else what follows the last colon does, or the last but one or two for the time of
    day, if it looks like an expiry. Else there is no expiry.
    """
    words = rest.split()
    alone = words.count(":")
    if alone > 1:
        raise InvalidValue("a colon too many: write permission : accounts : origins [ : expires ]")
    if alone:
        cut = words.index(":")
        return " ".join(words[:cut]), " ".join(words[cut + 1 :])
    text = " ".join(words)
    cut = len(text)
    for _ in range(3):
        cut = text.rfind(":", 0, cut)
        if cut < 0:
            break
        expires = text[cut + 1 :].lstrip()
        if seems_expiry(expires):
            # In `2001:db8::2026-12-31` the prefix `2001:db8:` may stand before a colon, or an address without one.
            if text[:cut].endswith(":"):
                raise InvalidValue("put a blank on each side of the colon before the expiry")
            return text[:cut], expires
    return text, None
