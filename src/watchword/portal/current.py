"""Whoever is signed in, as pages and guards see them."""

from functools import cached_property

from watchword.domain.errors import DirectoryUnavailable
from watchword.services.ports_sessions import Session
from watchword.services.ports_tokens import TokenFacts
from watchword.services.roles import Role
from watchword.wiring.portal import Desk

MOST_TOKENS_SHOWN = 100


class Current:
    """The holder of a session. What takes a look-up is looked up when it is asked for, once a request."""

    def __init__(self, desk: Desk, session: Session, cookie: str) -> None:
        self._desk = desk
        self.session = session
        self.cookie = cookie

    def __repr__(self) -> str:
        return f"Current({self.account!r})"

    @property
    def account(self) -> str:
        """The account's name."""
        return self.session.account

    @cached_property
    def tokens(self) -> list[TokenFacts]:
        """The account's tokens, the first in rank first."""
        found = self._desk.store.read(
            lambda rows: rows.tokens.describe_page("", MOST_TOKENS_SHOWN, account=self.account)
        )
        return sorted(found, key=lambda facts: (facts.rank, facts.serial))

    @property
    def is_paired(self) -> bool:
        """Whether there is a token that a code can come from."""
        return any(facts.enabled for facts in self.tokens)

    @property
    def is_proved(self) -> bool:
        """Whether a token code was proved in this session."""
        return self.session.proved_at > 0

    @cached_property
    def role(self) -> Role | None:
        """What kind of operator this is; None for people. Raises DirectoryUnavailable."""
        return self._desk.roles.role_of(self.account)

    @property
    def is_staff(self) -> bool:
        """Whether to show the way to operators' pages; while the directory is away, nobody is led there."""
        try:
            return self.role is not None
        except DirectoryUnavailable:
            return False
