"""Who is an operator, and of which kind."""

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from watchword.clock import Clock
from watchword.domain.errors import DirectoryUnavailable
from watchword.services.ports import Directory


class Role(enum.StrEnum):
    """What a member of staff may do; the first is the most."""

    ADMIN = "admin"
    HELPDESK = "helpdesk"
    AUDITOR = "auditor"


REMEMBER_SECONDS = 30
"""How long a role is believed without asking again: a page must not wait for LDAP each time."""

BELIEVE_SECONDS = 600
"""How long a role outlives the directory's last answer, while there is none: an outage throws nobody out at once."""

MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    """When the directory was asked last, when it answered last, what it said then; and why it says nothing now."""

    asked_at: float
    answered_at: float
    role: Role | None
    silence: DirectoryUnavailable | None = None


_NOTHING = _Known(-math.inf, -math.inf, None)


class Roles:
    """Names and groups, the latter in parentheses, for each role; none for whoever is no account any more."""

    def __init__(self, members: Mapping[Role, Sequence[str]], directory: Directory, *, clock: Clock) -> None:
        self._members = members
        self._directory = directory
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def role_of(self, account: str) -> Role | None:
        """Answer an account's role, the one that may do most; None for people. Raises DirectoryUnavailable."""
        now = self._clock()
        known = self._known.get(account, _NOTHING)
        if not 0 <= now - known.asked_at < REMEMBER_SECONDS:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[account] = known = self._ask(account, now, known)
        if known.silence is not None and not 0 <= now - known.answered_at < BELIEVE_SECONDS:
            raise DirectoryUnavailable(str(known.silence), hint=known.silence.hint)
        return known.role

    def _ask(self, account: str, now: float, known: _Known) -> _Known:
        try:
            return _Known(now, now, self._look_up(account))
        except DirectoryUnavailable as silence:
            return replace(known, asked_at=now, silence=silence)

    def _look_up(self, account: str) -> Role | None:
        named = [(role, member) for role in Role for member in self._members.get(role, ())]
        # Whom a role can't come to is not looked up; whoever is named has to be there still.
        if not any(member.startswith("(") or member == account for _, member in named):
            return None
        person = self._directory.find(account)
        if person is None:
            return None
        for role, member in named:
            if (member[1:-1] in person.groups) if member.startswith("(") else member == account:
                return role
        return None
