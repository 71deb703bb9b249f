"""Whoever is signed in, as pages and guards see them."""

from watchword.domain.errors import DirectoryUnavailable
from watchword.domain.tokens import Kind
from watchword.services.ports_sessions import Visitor
from watchword.services.ports_tokens import TokenFacts
from watchword.services.roles import Role
from watchword.wiring.portal import Desk


class Current:
    """The holder of a session, as they were when the request came: a page asks again for nothing that is here."""

    def __init__(self, desk: Desk, visitor: Visitor, cookie: str) -> None:
        """Take whom the store knows; their role is looked up, which may wait for a directory."""
        self.session = visitor.session
        self.standing = visitor.standing
        self.tokens = visitor.tokens
        """The first in rank first."""
        self.cookie = cookie
        self._role: Role | DirectoryUnavailable | None
        try:
            self._role = desk.roles.role_of(self.account)
        except DirectoryUnavailable as error:
            self._role = error

    def __repr__(self) -> str:
        return f"Current({self.account!r})"

    @property
    def account(self) -> str:
        """The account's name."""
        return self.session.account

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

    @property
    def is_held(self) -> bool:
        """Whether an operator, or its owner's report, holds the account."""
        return self.standing.held

    @property
    def role(self) -> Role | None:
        """What kind of operator this is; None for people. Raises DirectoryUnavailable."""
        if isinstance(self._role, DirectoryUnavailable):
            raise self._role
        return self._role

    @property
    def is_staff(self) -> bool:
        """Whether to show the way to operators' pages; while the directory is away, nobody is led there."""
        return isinstance(self._role, Role)
