"""What writing to people needs from outside."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to be. It goes to `to`, or to the owner of `account` if that is empty: the directory knows their address.

    `account` is also whose story in the audit log tells what became of it.
    """

    account: str
    subject: str
    text: str = field(repr=False)
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitingMail:
    """A letter in the outbox; times are seconds since 1970."""

    mail_id: str
    letter: Letter
    attempts: int
    due_at: int
    expires_at: int


class Mails(Protocol):
    """Mail that has still to leave."""

    def put(self, mail: WaitingMail) -> None:
        """Leave a mail to be sent after this work is done."""

    def any_due(self, now_seconds: int) -> bool:
        """Tell whether a mail is due."""

    def claim(self, now_seconds: int, hold_seconds: int) -> WaitingMail | None:
        """Take the mail that is due first, so that nobody else takes it for the next `hold_seconds`."""

    def postpone(self, mail_id: str, due_at: int) -> None:
        """Try a mail again later."""

    def remove(self, mail_id: str) -> None:
        """Take a mail out."""


@dataclass(frozen=True, slots=True)
class MailLink:
    """A link that was mailed: it removes these tokens of this account, once, until `ends_at`."""

    link_id: bytes = field(repr=False)
    account: str
    serials: tuple[str, ...]
    ends_at: int


class MailLinks(Protocol):
    """The links that were mailed and not used."""

    def add(self, link: MailLink) -> None:
        """Remember a link."""

    def find(self, link_id: bytes) -> MailLink | None:
        """Find a link, however old it is."""

    def use(self, link_id: bytes) -> bool:
        """Take a link away; False if somebody else did already."""

    def drop_all(self, account: str) -> int:
        """Take away every link of an account; answers how many."""

    def prune(self, now_seconds: int) -> int:
        """Drop links that have ended; answers how many."""


class MailSender(Protocol):
    """Hands a mail to a mail server."""

    def send(self, mail_id: str, to: tuple[str, ...], subject: str, text: str) -> None:
        """Hand over a mail; raises DeliveryFailed."""


class NamedKey(Protocol):
    """A key, by its name alone."""

    @property
    def key_id(self) -> str:
        """Eight hex digits."""


class LinkKeys(Protocol):
    """The keys that links are signed with."""

    @property
    def primary(self) -> NamedKey:
        """The key that signs now."""

    def derived(self, key_id: str, purpose: str) -> bytes:
        """Answer the octets of a key for a purpose; raises KeyringError."""
