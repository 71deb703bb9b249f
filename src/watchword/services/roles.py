"""Who is an operator, and of which kind."""

import enum
import math
from collections.abc import Mapping, Sequence

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

MOST_REMEMBERED = 10_000


class Roles:
    """Names and groups, the latter in parentheses, for each role."""

    def __init__(self, members: Mapping[Role, Sequence[str]], directory: Directory, *, clock: Clock) -> None:
        self._members = members
        self._directory = directory
        self._clock = clock
        self._known: dict[str, tuple[float, Role | DirectoryUnavailable | None]] = {}

    def role_of(self, account: str) -> Role | None:
        """Answer an account's role, the one that may do most; None for people. Raises DirectoryUnavailable."""
        now = self._clock()
        at, known = self._known.get(account, (-math.inf, None))
        if not 0 <= now - at < REMEMBER_SECONDS:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            try:
                known = self._look_up(account)
            except DirectoryUnavailable as error:
                known = error
            self._known[account] = now, known
        if isinstance(known, DirectoryUnavailable):
            raise DirectoryUnavailable(str(known), hint=known.hint)
        return known

    def _look_up(self, account: str) -> Role | None:
        named = [(role, member) for role in Role for member in self._members.get(role, ())]
        groups: frozenset[str] = frozenset()
        if any(member.startswith("(") for _, member in named):
            person = self._directory.find(account)
            groups = person.groups if person is not None else groups
        for role, member in named:
            if (member[1:-1] in groups) if member.startswith("(") else member == account:
                return role
        return None
