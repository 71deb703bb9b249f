"""Somebody says of an entry in their history: this wasn't me."""

from dataclasses import dataclass, replace

from watchword.clock import Clock
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.errors import NotFound
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.throttle import Limit
from watchword.services.write_mail import MailWriter

MAILS = Limit("this wasn't me/mails about account", 3, 3600)
"""Who knows a password could fill the operators' mailbox: past these, the audit log and *Now* have it, and no mail."""


@dataclass(frozen=True, slots=True)
class Reports:
    """Takes reports. A report needs no token code: whoever was robbed of their phone must be able to make one.

    `announces` says that the directory is told of pairings.
    """

    store: PortalStore
    clock: Clock
    mail: MailWriter
    announces: bool = False

    def event(self, account: str, event_id: int) -> AuditEvent:
        """Find an entry of an account's own history; raises NotFound."""
        found = self.store.read(lambda rows: rows.audit.since(event_id - 1, 1))
        if found and found[0][0] == event_id and found[0][1].event.account == account:
            return found[0][1].event
        raise NotFound("there is no such entry in your history")

    def report(self, account: str, what: str, address: str) -> int:
        """Hold the account, end its sessions, tell the operators; answers how many sessions ended.

        `what` names the entry. A code that was texted, a pairing that was begun and a link that was mailed are worth
        nothing any more.
        """
        now = self.clock()

        def work(rows: PortalWork) -> int:
            owner = rows.accounts.ensure(account)
            rows.accounts.set_standing(owner.account_id, replace(owner.standing, held=True))
            rows.mail_links.drop_all(account)
            flow = rows.flows.find(account)
            if flow is not None and rows.flows.take(flow) and flow.issue:
                rows.outbox.remove(flow.issue)
            ended = rows.sessions.end_all(account)
            rows.audit.record([_event(now, account, what, address)])
            if self.announces:
                # Where nodes look pairings up in the directory, a held account has to look paired there.
                rows.announcements.note(account, int(now))
            used, _ends_at = rows.throttles.take(MAILS.bucket(account), int(now), MAILS.window_seconds)
            if used <= MAILS.tries:
                self.mail.tell_operators(rows, account, what, address)
            return ended

        return self.store.write(work)


def _event(now_seconds: float, account: str, what: str, address: str) -> AuditEvent:
    return AuditEvent(
        at_milliseconds=int(now_seconds * 1000),
        kind=EventKind.REPORTED,
        result=Result.DONE,
        account=account,
        address=address,
        node="portal",
        reason="this wasn't me",
        detail=what[:500],
    )
