"""What can be said of tokens, and done to them, without opening a seed: all that the portal may do."""

from dataclasses import dataclass
from typing import Protocol

from watchword.domain.otp import OtpProfile
from watchword.domain.tokens import Kind


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """A token without its secret, and the account it is paired with (empty for none); times are seconds since 1970.

    `enabled` says that nobody disabled it: whether its secret can be opened is not looked at.
    """

    serial: str
    kind: Kind
    profile: OtpProfile
    label: str
    rank: int
    enabled: bool
    drift_steps: int
    account: str
    created_at: int
    last_used_at: int | None

    @property
    def drift_seconds(self) -> int:
        """How far ahead the token's clock was at the last login."""
        return self.drift_steps * self.profile.period_seconds


class SeedBlindTokens(Protocol):
    """Verbs on tokens' rows that read no secret; those that write one are told whose it is."""

    def describe(self, serial: str) -> TokenFacts | None:
        """Find a token by its serial, and lock it."""

    def describe_page(
        self, after: str, limit: int, *, account: str | None = None, pattern: str | None = None
    ) -> list[TokenFacts]:
        """List tokens by serial, from the first beyond `after`; by account or by a glob on the account's name."""

    def ranks(self, account_id: int) -> list[int]:
        """List the ranks of an account's tokens."""

    def set_secret(self, serial: str, secret: bytes) -> None:
        """Replace a token's secret, and forget what codes it had accepted; it must be there."""

    def set_enabled(self, serial: str, *, enabled: bool) -> None:
        """Let a token be used, or not."""

    def set_rank(self, serial: str, rank: int) -> None:
        """Place a token among its account's; the lowest rank is first."""

    def set_label(self, serial: str, label: str) -> None:
        """Give a token its owner's name for it."""

    def remove(self, serial: str) -> None:
        """Remove a token and the code that was texted for it."""


class Announcements(Protocol):
    """What the directory has still to be told."""

    def note(self, account: str, now_seconds: int) -> None:
        """Remember that an account's pairing changed; what it is then, is looked up when the directory is told."""
