"""What telling the directory needs from outside."""

from dataclasses import dataclass
from typing import Protocol

from watchword.services.ports_tokens import Announcements


@dataclass(frozen=True, slots=True)
class Announcement:
    """An account whose pairing changed; `mark` names the last change, `due_at` this very claim."""

    account: str
    mark: str
    attempts: int
    due_at: int


class AnnouncementRows(Announcements, Protocol):
    """What the directory has still to be told: a row for each account."""

    def any_due(self, now_seconds: int) -> bool:
        """Tell whether one is due."""

    def claim(self, now_seconds: int, hold_seconds: int) -> Announcement | None:
        """Take the one that is due first, so that nobody else takes it for the next `hold_seconds`."""

    def finish(self, told: Announcement) -> bool:
        """Take out what was told; False if the account changed, or somebody else took it, meanwhile."""

    def release(self, told: Announcement, due_at: int) -> None:
        """Give back what was claimed, to be told at another time."""


class PairingAnnouncer(Protocol):
    """Writes down in the directory what an account is paired with."""

    def announce(self, account: str, kind: str) -> bool:
        """Write a kind (empty: unpaired); False if the directory has no such account. Raises DirectoryUnavailable."""
