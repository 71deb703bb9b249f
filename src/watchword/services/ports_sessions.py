"""What signing in needs from the store."""

from dataclasses import dataclass, field
from typing import Protocol

from watchword.domain.lockout import Standing
from watchword.services.ports_tokens import TokenFacts


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in; times are seconds since 1970.

    `proved_at` is when a token code was proved in this session, 0 for never, and `proved_by` the serial of its token.
    `session_hash` is SHA-256 of what the cookie holds.
    """

    session_hash: bytes = field(repr=False)
    account: str
    created_at: int
    seen_at: int
    proved_at: int
    splash_put_off: bool
    address: str
    browser: str
    proved_by: str = ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """The holder of a session as every page has to know them; `tokens` by rank. Read anew for each page."""

    session: Session
    standing: Standing
    tokens: list[TokenFacts]


class Sessions(Protocol):
    """The sessions' rows."""

    def add(self, session: Session) -> None:
        """Begin a session."""

    def find(self, session_hash: bytes) -> Session | None:
        """Find a session, however old it is."""

    def visitor(self, session_hash: bytes) -> Visitor | None:
        """Find a session, however old it is, and how its holder's account stands."""

    def touch(self, session_hash: bytes, now_seconds: int) -> None:
        """Record that a session was used."""

    def replace(self, old_hash: bytes, new_hash: bytes, proved_at: int, proved_by: str) -> bool:
        """Give a session a new name when its holder proved more; False if the old one is gone."""

    def put_off_splash(self, session_hash: bytes) -> None:
        """Remember that the splash page was put off."""

    def of_account(self, account: str) -> list[Session]:
        """List an account's sessions, newest first."""

    def unprove(self, session_hash: bytes, serial: str) -> None:
        """Take back that a code of this token was proved in a session."""

    def end(self, session_hash: bytes) -> bool:
        """End a session; False if it was over."""

    def end_all(self, account: str, *, but: bytes = b"") -> int:
        """End an account's sessions, all or all but one; answers how many."""

    def prune(self, seen_until: int, created_until: int) -> int:
        """Drop sessions that were last used, or began, no later than this; answers how many."""


class Throttles(Protocol):
    """Counts of tries in windows of time; a bucket is 32 octets that name what is counted."""

    def take(self, bucket: bytes, now_seconds: int, window_seconds: int) -> tuple[int, int]:
        """Count one try; answers how many there were in this window, with it, and when the window ends."""

    def used(self, bucket: bytes, now_seconds: int) -> int:
        """Answer how many tries there were in this window, and count none."""

    def forget(self, bucket: bytes) -> None:
        """Begin a new count."""

    def prune(self, now_seconds: int) -> int:
        """Drop windows that have ended; answers how many."""
