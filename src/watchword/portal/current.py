"""Whoever is signed in, as pages and guards see them."""

from functools import cached_property

from watchword.domain.errors import DirectoryUnavailable
from watchword.domain.tokens import Kind
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
        """Whether there is a token. As at a login, one that is disabled makes nobody unpaired."""
        return bool(self.tokens)

    @property
    def is_proved(self) -> bool:
        """Whether a token code was proved in this session, by a token that still is what it was."""
        return self._proof is not None

    @property
    def has_lost_its_proof(self) -> bool:
        """Whether the token that opened this session was unpaired or disabled since: a thief's may be among those."""
        return self.session.proved_at > 0 and self._proof is None

    @property
    def is_strongly_proved(self) -> bool:
        """Whether the code came from a token that its owner alone has: a training code is no operator's."""
        return self._proof is not None and self._proof.kind is not Kind.STATIC

    @property
    def has_own_device(self) -> bool:
        """Whether there is a token that an operator's proof can come from."""
        return any(facts.enabled and facts.kind is not Kind.STATIC for facts in self.tokens)

    @property
    def _proof(self) -> TokenFacts | None:
        serial = self.session.proved_by
        return next((facts for facts in self.tokens if facts.enabled and facts.serial == serial), None)

    @cached_property
    def is_held(self) -> bool:
        """Whether an operator, or its owner's report, holds the account."""
        found = self._desk.store.read(lambda rows: rows.accounts.find(self.account))
        return found is not None and found.standing.held

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
