"""Tell the directory what accounts are paired with, however long it does not answer.

Rule 1. A row says that an account changed, not how: what is written is what holds when it is written.
Rule 2. While one process has a row in hand no other takes it, so an older word cannot follow a newer one.
Rule 3. The row goes only if the account did not change since it was taken, and nobody else took it; else it is told
        again.
"""

import logging

from watchword.clock import Clock
from watchword.domain.errors import DirectoryUnavailable
from watchword.domain.tokens import Kind
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports_announcements import Announcement, PairingAnnouncer

HOLD_SECONDS = 600
"""Longer than a directory of several servers may take, wait by wait."""

SHORTEST_PAUSE_SECONDS = 2
LONGEST_PAUSE_SECONDS = 300

MOST = 100

log = logging.getLogger(__name__)


class Announcer:
    """Tells the directory, an account at a time."""

    def __init__(self, store: PortalStore, announcer: PairingAnnouncer, *, clock: Clock) -> None:
        self._store = store
        self._announcer = announcer
        self._clock = clock

    def deliver_due(self) -> int:
        """Tell of the account that is due first; answers 0 if none was due, else 1. Raises StoreUnavailable."""
        now = int(self._clock())
        if not self._store.read(lambda rows: rows.announcements.any_due(now)):
            return 0
        due = self._store.write(lambda rows: rows.announcements.claim(now, HOLD_SECONDS))
        if due is not None:
            self._tell(due)
        return 1

    def _tell(self, due: Announcement) -> None:
        kind = self._store.read(lambda rows: kind_of(rows, due.account))
        try:
            known = self._announcer.announce(due.account, kind)
        except DirectoryUnavailable as error:
            pause = min(LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS * 2 ** min(due.attempts - 1, 10))
            log.warning("the directory was not told of %s, and will be in %d s: %s", due.account, pause, error)
            self._store.write(lambda rows: rows.announcements.release(due, int(self._clock()) + pause))
            return
        if not known:
            log.warning("the directory has no %s to be told of", due.account)
        self._store.write(lambda rows: self._finish(rows, due))

    def _finish(self, rows: PortalWork, due: Announcement) -> None:
        if rows.announcements.finish(due):
            return
        now = int(self._clock())
        rows.announcements.note(due.account, now)
        rows.announcements.release(due, now)


def kind_of(rows: PortalWork, account: str) -> str:
    """Answer the kind of the token that a login asks for, empty for an unpaired account.

    As the RADIUS servers answer it: a disabled token is still a pairing, and so is a held account, since "not at all"
    lets people in without a code where pairing is voluntary.
    """
    tokens = rows.tokens.describe_page("", MOST, account=account)
    first = min(tokens, key=lambda token: (not token.enabled, token.rank, token.serial), default=None)
    if first is not None:
        return first.kind.value
    found = rows.accounts.find(account)
    return Kind.SOFT.value if found is not None and found.standing.held else ""
