"""The store as the use cases see it: pieces of work on rows, each whole or not at all."""

import logging
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from sqlalchemy import Connection

from watchword.domain.lockout import Standing
from watchword.services.ports import NOBODY, Seal
from watchword.store.accounts import AccountRows
from watchword.store.anchors import Anchored, Anchors, Head
from watchword.store.announcements import AnnouncementRows
from watchword.store.api_keys import ApiKeyTable, UsedOnceRows
from watchword.store.audit import AuditRows
from watchword.store.database import Database
from watchword.store.flows import FlowRows
from watchword.store.idempotency import AnswerTable
from watchword.store.imports import ImportRows
from watchword.store.keyring import Keyring
from watchword.store.last_words import LastWords
from watchword.store.logins import LoginRows
from watchword.store.mail_links import MailLinkRows
from watchword.store.mails import MailRows
from watchword.store.search import SearchRows
from watchword.store.sessions import SessionRows, ThrottleRows
from watchword.store.statistics import DayCountRows
from watchword.store.texts import OutboxRows, SentCodeRows
from watchword.store.tokens import TokenRows

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class RowWork:
    """One transaction's verbs."""

    # What a login does not need is made when it is asked for.
    accounts = cached_property(lambda work: AccountRows(work.connection))
    tokens = cached_property(lambda work: TokenRows(work.connection, work.sealer))
    sent_codes = cached_property(lambda work: SentCodeRows(work.connection, work.sealer))
    outbox = cached_property(lambda work: OutboxRows(work.connection, work.sealer))
    search = cached_property(lambda work: SearchRows(work.connection))
    imports = cached_property(lambda work: ImportRows(work.connection, work.sealer))
    sessions = cached_property(lambda work: SessionRows(work.connection))
    throttles = cached_property(lambda work: ThrottleRows(work.connection, work.keyring))
    api_keys = cached_property(lambda work: ApiKeyTable(work.connection, work.sealer))
    used_once = cached_property(lambda work: UsedOnceRows(work.connection))
    answers = cached_property(lambda work: AnswerTable(work.connection, work.sealer, work.keyring))
    flows = cached_property(lambda work: FlowRows(work.connection, work.sealer))
    mails = cached_property(lambda work: MailRows(work.connection, work.sealer))
    mail_links = cached_property(lambda work: MailLinkRows(work.connection))
    announcements = cached_property(lambda work: AnnouncementRows(work.connection))
    day_counts = cached_property(lambda work: DayCountRows(work.connection))

    def __init__(
        self,
        connection: Connection,
        sealer: Seal,
        keyring: Keyring,
        *,
        writer: str,
        anchors: Anchors,
        head: Head | None,
    ) -> None:
        self.connection = connection
        self.sealer = sealer
        self.keyring = keyring
        self.last_words = LastWords(connection)
        self.logins = LoginRows(connection, sealer, self.last_words)
        self.audit = AuditRows(connection, keyring, writer, anchors.find_fault, self.last_words, head=head)


class Store:
    """The rows of one database, written under one writer's name in the audit log."""

    def __init__(self, database: Database, sealer: Seal, keyring: Keyring, *, writer: str, anchors: Anchors) -> None:
        self.database = database
        self._sealer = sealer
        self._keyring = keyring
        self._writer = writer
        self._anchors = anchors
        self._head: Head | None = None

    def write(self, work: Callable[[RowWork], Result]) -> Result:
        """Do the work in one transaction, begun anew if it loses a race; raises StoreUnavailable."""
        # Only the first try trusts what this process remembers; and while it runs, another thread has to look.
        head, self._head = self._head, None
        tries: list[RowWork] = []

        def whole(connection: Connection) -> Result:
            rows = self._row_work(connection, None if tries else head)
            tries.append(rows)
            result = work(rows)
            rows.last_words.send_and_commit()
            return result

        result = self.database.write(whole)
        self._head = ended = tries[-1].audit.head
        if ended is not None and ended != head:
            self._anchor(*ended)
        return result

    def read(self, work: Callable[[RowWork], Result]) -> Result:
        """Do work that changes nothing; raises StoreUnavailable."""

        def whole(connection: Connection) -> Result:
            rows = self._row_work(connection, None)
            result = work(rows)
            rows.last_words.send()
            return result

        return self.database.read(whole)

    def _row_work(self, connection: Connection, head: Head | None) -> RowWork:
        return RowWork(connection, self._sealer, self._keyring, writer=self._writer, anchors=self._anchors, head=head)

    def recall_anchors(self) -> Anchored:
        """Read where each writer's chain ended when this server last wrote to it, and what was wrong then."""
        return self._anchors.recall()

    def ping(self) -> None:
        """See that logins could be settled now; raises StoreUnavailable.

        It has to be a write, though of no row: a database that may only be read answers questions, and settles nothing.
        """
        self.write(lambda work: work.logins.set_standings({NOBODY: Standing()}))

    def _anchor(self, sequence: int, mac: bytes) -> None:
        try:
            self._anchors.remember(self._writer, sequence, mac)
        except OSError as error:
            # The login is committed and audited; a lost anchor only weakens the proof that nothing was cut off.
            log.warning("the audit anchor of %s could not be written: %s", self._writer, error.strerror)
