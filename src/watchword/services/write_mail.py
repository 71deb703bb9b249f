"""Write to people: letters wait in an outbox, and leave outside any page's transaction."""

from collections.abc import Callable
from dataclasses import dataclass

from watchword.clock import Clock
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.errors import DeliveryFailed, DirectoryUnavailable
from watchword.domain.tokens import Kind
from watchword.services import write_mail_letters as letters
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports import Directory
from watchword.services.ports_mail import Letter, MailSender, WaitingMail

NEWS_SECONDS = 24 * 3600
"""How long we try to bring news: tomorrow it is in the portal's history anyway."""

HOLD_SECONDS = 300
"""Longer than a mail server may take, answer by answer. If this process dies with a mail in hand, another sends it."""

LONGEST_PAUSE_SECONDS = 900


@dataclass(frozen=True, slots=True)
class MailWriter:
    """Leaves letters in the outbox, as part of the work that they tell of; does nothing where no mail is sent."""

    clock: Clock
    random_octets: Callable[[int], bytes]
    words: letters.Words
    is_on: bool
    operators: tuple[str, ...] = ()

    def put(self, rows: PortalWork, letter: Letter, *, good_seconds: int = NEWS_SECONDS) -> None:
        """Leave a letter, which is worth sending for so long."""
        if self.is_on:
            now = int(self.clock())
            rows.mails.put(WaitingMail(self.random_octets(16).hex(), letter, 0, now, now + good_seconds))

    def tell_paired(self, rows: PortalWork, account: str, kind: Kind, address: str) -> None:
        """Tell a person that a token was paired."""
        self.put(rows, letters.paired(self.words, account, kind, address, self.clock()))

    def tell_unpaired(self, rows: PortalWork, account: str, kinds: list[Kind], address: str, *, by_link: bool) -> None:
        """Tell a person that tokens were unpaired, with a code or by a mailed link."""
        self.put(rows, letters.unpaired(self.words, account, kinds, address, self.clock(), by_link=by_link))

    def tell_operators(self, rows: PortalWork, account: str, what: str, address: str) -> None:
        """Tell the operators what somebody says was not them."""
        if self.operators:
            letter = letters.reported(
                self.words, account, what, address=address, now_seconds=self.clock(), operators=self.operators
            )
            self.put(rows, letter)

    def send_link(self, rows: PortalWork, account: str, link: str, minutes: int, address: str) -> None:
        """Bring the link that removes a lost phone; it is worth sending as long as it works."""
        letter = letters.lost(self.words, account, link, minutes=minutes, address=address, now_seconds=self.clock())
        self.put(rows, letter, good_seconds=minutes * 60)


class MailPostman:
    """Sends due mail through a mail server."""

    def __init__(
        self, store: PortalStore, sender: MailSender, directory: Directory, *, clock: Clock, domain: str = ""
    ) -> None:
        """Take the ports; who has no address in the directory is written to at `domain`, if there is one."""
        self._store = store
        self._sender = sender
        self._directory = directory
        self._clock = clock
        self._domain = domain

    def deliver_due(self) -> int:
        """Send the mail that is due first; answers 0 if none was due, else 1. Raises StoreUnavailable."""
        now = int(self._clock())
        if not self._store.read(lambda rows: rows.mails.any_due(now)):
            return 0
        mail = self._store.write(lambda rows: rows.mails.claim(now, HOLD_SECONDS))
        if mail is not None:
            self._deliver(mail)
        return 1

    def _deliver(self, mail: WaitingMail) -> None:
        if self._clock() >= mail.expires_at:
            self._end(mail, Result.FAILED, "given up: it had expired")
            return
        try:
            to = mail.letter.to or self._address_of(mail.letter.account)
            self._sender.send(mail.mail_id, to, mail.letter.subject, mail.letter.text)
        except DeliveryFailed as failure:
            if failure.final:
                self._end(mail, Result.FAILED, f"given up: {failure}")
            else:
                self._postpone(mail, str(failure))
            return
        except DirectoryUnavailable:
            self._postpone(mail, "the directory does not answer")
            return
        self._end(mail, Result.DONE, "")

    def _address_of(self, account: str) -> tuple[str, ...]:
        """Look up a person's address: nobody ever types one. Raises DirectoryUnavailable, DeliveryFailed."""
        person = self._directory.find(account)
        if person is not None and person.mail:
            return (person.mail,)
        if person is not None and self._domain:
            return (f"{account}@{self._domain}",)
        raise DeliveryFailed("the directory has no mail address", final=True)

    def _postpone(self, mail: WaitingMail, why: str) -> None:
        due_at = int(self._clock()) + min(LONGEST_PAUSE_SECONDS, 5 * 2 ** min(mail.attempts, 10))

        def work(rows: PortalWork) -> None:
            rows.mails.postpone(mail.mail_id, due_at)
            if mail.attempts == 1:  # once says it: an outage must not fill the log
                rows.audit.record([self._event(mail, Result.FAILED, f"will be tried again: {why}")])

        self._store.write(work)

    def _end(self, mail: WaitingMail, result: Result, detail: str) -> None:
        def work(rows: PortalWork) -> None:
            rows.mails.remove(mail.mail_id)
            rows.audit.record([self._event(mail, result, detail)])

        self._store.write(work)

    def _event(self, mail: WaitingMail, result: Result, detail: str) -> AuditEvent:
        return AuditEvent(
            at_milliseconds=int(self._clock() * 1000),
            kind=EventKind.MAIL,
            result=result,
            account=mail.letter.account,
            reason=mail.letter.subject[:64],
            detail=detail[:500],
        )
