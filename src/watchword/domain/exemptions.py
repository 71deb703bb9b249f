"""Exemptions: which logins go without a second factor, by the lines of an exemption file.

Rule 1. The first line that matches decides; if none does, there is no exemption.
Rule 2. A line that does not parse ends the reading. What stands above it counts, nothing below it does. So does a last
        line without a line feed: it may be the first half of a longer one, and `10.0.0.0/3` is more than `10.0.0.0/32`.
Rule 3. A line that has expired is as if it were not there, whichever its sign.
Rule 4. A question that cannot be answered (a group that cannot be looked up) has the answer None, which spreads as
        Kleene's logic has it: `carol (staff)` still holds for carol, `ALL EXCEPT (staff)` is None for everybody. A `+`
        line that comes to None does not match, a `-` line does.

`find` runs inside sshd at each login. Nothing is imported for it but sibling modules, and `re` if the file is large. A
large file is not parsed whole: plain_lines.py passes over lines that are right and a stranger's, and of lines that an
earlier login found right (known_lines.py), candidate_lines.py finds those that may speak of this one.
docs/reference/exemptions.md is the syntax as people read it.
"""

from __future__ import annotations

from watchword.domain.errors import InvalidValue
from watchword.domain.exemption_rules import LineReader
from watchword.domain.origins import NOT_AN_ADDRESS, address_text, client_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn, TypeVar

    from watchword.domain.exemption_rules import Clauses, Origin, Rule
    from watchword.domain.expiry import Moment

    Word = TypeVar("Word")
    GroupLookup = Callable[[str], bool | None]
    NetgroupLookup = Callable[[str, str | None], bool | None]

LARGE = 16 * 1024
"""Characters (400 lines or so) from which on compiling a pattern costs less than reading line by line."""


UNENDED = "the last line has no end: was the file cut off? Complete it, with a line feed"


class Finding:
    """What an exemption file says about one login: which line decided, and where the reading ended early, if it did.

    Line numbers count from 1; 0 means none. `checked` is how many characters of whole lines, from the start, are right
    for certain. A finding has no truth value: ask for `exempt`.
    """

    __slots__ = ("bad_line", "bad_reason", "checked", "exempt", "expires", "line", "reason", "rule")

    def __init__(
        self,
        exempt: bool,
        reason: str,
        *,
        line: int = 0,
        rule: str = "",
        expires: str | None = None,
        bad_line: int = 0,
        bad_reason: str = "",
        checked: int = 0,
    ) -> None:
        self.exempt = exempt
        self.reason = reason
        self.line = line
        self.rule = rule
        self.expires = expires
        self.bad_line = bad_line
        self.bad_reason = bad_reason
        self.checked = checked

    def __bool__(self) -> NoReturn:
        raise TypeError("ask a finding for .exempt; it has no truth value")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Finding):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # compared in tests, never a key

    def __repr__(self) -> str:
        return f"Finding({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"


class Problem:
    """A line that does not parse, and what to do about it."""

    __slots__ = ("line", "reason", "text")

    def __init__(self, line: int, text: str, reason: str) -> None:
        self.line = line
        self.text = text
        self.reason = reason


def find(text: str, login: Login, *, large: int = LARGE, known: tuple[int, int] | None = None) -> Finding:
    """Find what the lines say about a login.

    Bytes that are not UTF-8 are to be decoded as lone surrogates (errors="surrogateescape"): they make their line bad.
    `known` is (head, tail) of known_lines.shared(): the lines before head and from tail on are taken for right.
    """
    if not login.account:
        return Finding(False, "no account is named")
    reader = LineReader()
    ended = text[: text.rfind("\n") + 1]
    for start, line in _concerning(ended, login, large, known or (0, len(ended))):
        try:
            rule = reader.read(line)
        except InvalidValue as wrong:
            return _stopped(text.count("\n", 0, start) + 1, str(wrong), start)
        if rule is None:
            continue
        met = login.meets(rule)
        if met or (met is None and not rule.exempts):
            return _decided(rule, met, text.count("\n", 0, start) + 1, line, start)
    if len(ended) < len(text):
        return _stopped(text.count("\n") + 1, UNENDED, len(ended))
    return Finding(False, "no line matches", checked=len(ended))


def _stopped(number: int, wrong: str, start: int) -> Finding:
    why = f"line {number} does not parse, so it and all below it are left out"
    return Finding(False, why, bad_line=number, bad_reason=wrong, checked=start)


def _decided(rule: Rule, met: bool | None, number: int, line: str, start: int) -> Finding:
    if rule.exempts:
        reason = f"line {number} exempts"
    elif met:
        reason = f"line {number} says: not exempt"
    else:
        reason = f"line {number} names what cannot be looked up: not exempt"
    checked = start + len(line) + 1
    return Finding(rule.exempts, reason, line=number, rule=line.strip(), expires=rule.expires, checked=checked)


def _concerning(text: str, login: Login, large: int, known: tuple[int, int]) -> Iterator[tuple[int, str]]:
    """Yield each line that may concern the login or be wrong, with the place where it starts."""
    head, tail = known
    if head or tail < len(text):
        from watchword.domain.candidate_lines import candidates  # noqa: PLC0415  # brings `re`, as below

        yield from candidates(text, 0, head, login.account, login.address)
        yield from _doubtful(text, head, tail, login.account, large)
        yield from candidates(text, tail, len(text), login.account, login.address)
    else:
        yield from _doubtful(text, 0, len(text), login.account, large)


def _doubtful(text: str, start: int, end: int, account: str, large: int) -> Iterator[tuple[int, str]]:
    """Yield each line of text[start:end] that may concern the account or be wrong."""
    doubtful = text[start:end]
    if len(doubtful) < large:
        for line in doubtful.split("\n"):
            yield start, line
            start += len(line) + 1
        return
    from watchword.domain.plain_lines import others  # noqa: PLC0415  # brings `re`; small files do without

    for place, line in others(doubtful, account):
        yield start + place, line


def lines(text: str) -> Iterator[tuple[int, str, Rule | Problem | None]]:
    """Yield number, text and meaning of each line of a file: a rule, a problem, or None for a blank or a comment.

    What stands behind the last line feed comes last: it is empty, or a problem.
    """
    reader = LineReader()
    *ended, rest = text.split("\n")
    number = 0
    for number, line in enumerate(ended, 1):
        try:
            yield number, line, reader.read(line)
        except InvalidValue as wrong:
            yield number, line, Problem(number, line, str(wrong))
    yield number + 1, rest, Problem(number + 1, rest, UNENDED) if rest else None


def check(text: str) -> list[Problem]:
    """List every line that does not parse."""
    return [meaning for _, _, meaning in lines(text) if isinstance(meaning, Problem)]


class Login:
    """Who logs in, from where, when, and whom to ask about groups.

    An address of None or "" is a local login. `now` is local time as (year, month, day, hour, minute, second, ...).
    `is_in_group(group)` and `is_in_netgroup(netgroup, host)` answer None for what they cannot find out; host is None if
    the question is about the account.
    """

    __slots__ = ("account", "address", "host", "is_in_group", "is_in_netgroup", "now")

    def __init__(
        self,
        account: str,
        address: str | None,
        now: Moment,
        is_in_group: GroupLookup,
        is_in_netgroup: NetgroupLookup,
    ) -> None:
        self.account = account
        self.address = client_address(address)
        self.host = address_text(address or "")
        self.now = tuple(now[:6])
        self.is_in_group = is_in_group
        self.is_in_netgroup = is_in_netgroup

    def meets(self, rule: Rule) -> bool | None:
        """Tell whether the rule speaks of this login; the cheap questions come first, groups last."""
        if rule.ends is not None and rule.has_ended(self.now):
            return False
        here = _holds(rule.origins, self._comes_from)
        if here is False:
            return False
        mine = _holds(rule.accounts, self._is)
        return mine if here or mine is False else None

    def _is(self, word: str) -> bool | None:
        if word[0] == "(":
            return self.is_in_group(word[1:-1])
        if word[0] == "@":
            return self.is_in_netgroup(word[1:], None)
        return word in ("ALL", self.account)

    def _comes_from(self, origin: Origin) -> bool | None:
        if origin == "ALL":
            return True
        if origin == "LOCAL":
            return self.address is None
        if self.address is None:
            return False
        if self.address == NOT_AN_ADDRESS:
            return None
        if isinstance(origin, str):
            return self.is_in_netgroup(origin[1:], self.host)
        return origin[0] <= self.address <= origin[1]


def _holds(clauses: Clauses[Word], is_met: Callable[[Word], bool | None]) -> bool | None:
    """Evaluate `first EXCEPT second EXCEPT third ...`: the first holds, unless what follows its EXCEPT does."""
    verdicts: list[bool | None] = []
    for words in clauses:
        verdicts.append(_any(words, is_met))
        if verdicts[-1] is False:
            break
    verdict: bool | None = False
    for met in reversed(verdicts):
        verdict = _unless(met, verdict)
    return verdict


def _unless(met: bool | None, excepted: bool | None) -> bool | None:
    if met is False or excepted is True:
        return False
    return True if met and excepted is False else None


def _any(words: tuple[Word, ...], is_met: Callable[[Word], bool | None]) -> bool | None:
    verdict: bool | None = False
    for word in words:
        met = is_met(word)
        if met:
            return True
        if met is None:
            verdict = None
    return verdict
