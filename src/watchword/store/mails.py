"""Mail that has still to leave."""

import json
import logging
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from watchword.domain.errors import KeyringError, SealError
from watchword.services.ports import Seal
from watchword.services.ports_mail import Letter, WaitingMail
from watchword.store.portal_schema import mails

log = logging.getLogger(__name__)


class MailRows:
    """Verbs on the outbox of mail, in one transaction."""

    def __init__(self, connection: Connection, sealer: Seal) -> None:
        self._connection = connection
        self._sealer = sealer

    def put(self, mail: WaitingMail) -> None:
        """Leave a mail to be sent after this work is done."""
        letter = mail.letter
        said = json.dumps({"to": letter.to, "subject": letter.subject, "text": letter.text}).encode("ascii")
        self._connection.execute(
            insert(mails).values(
                mail_id=mail.mail_id,
                account=letter.account,
                sealed_letter=self._sealer.seal(said, _place(mail.mail_id, letter.account)),
                attempts=mail.attempts,
                due_at=mail.due_at,
                expires_at=mail.expires_at,
            )
        )

    def any_due(self, now_seconds: int) -> bool:
        """Tell whether a mail is due."""
        query = select(mails.c.mail_id).where(mails.c.due_at <= now_seconds).limit(1)
        return self._connection.execute(query).first() is not None

    def claim(self, now_seconds: int, hold_seconds: int) -> WaitingMail | None:
        """Take the mail that is due first: whoever moves its due time forward has it."""
        query = select(mails).where(mails.c.due_at <= now_seconds).order_by(mails.c.due_at).limit(1)
        row = self._connection.execute(query).first()
        if row is None:
            return None
        held_until = now_seconds + hold_seconds
        taken = self._connection.execute(
            update(mails)
            .where(mails.c.mail_id == row.mail_id, mails.c.due_at == row.due_at, mails.c.attempts == row.attempts)
            .values(due_at=held_until, attempts=row.attempts + 1)
        )
        return self._open(row, held_until) if taken.rowcount == 1 else None

    def _open(self, row: Row[Any], due_at: int) -> WaitingMail | None:
        try:
            said = json.loads(self._sealer.unseal(row.sealed_letter, _place(row.mail_id, row.account)))
        except (SealError, KeyringError) as error:
            log.error("a mail about %s cannot be sent, and is given up: %s", row.account, error)
            self.remove(row.mail_id)
            return None
        letter = Letter(row.account, said["subject"], said["text"], tuple(said["to"]))
        return WaitingMail(row.mail_id, letter, row.attempts + 1, due_at, row.expires_at)

    def postpone(self, mail_id: str, due_at: int) -> None:
        """Try a mail again later."""
        self._connection.execute(update(mails).where(mails.c.mail_id == mail_id).values(due_at=due_at))

    def remove(self, mail_id: str) -> None:
        """Take a mail out."""
        self._connection.execute(delete(mails).where(mails.c.mail_id == mail_id))


def _place(mail_id: str, account: str) -> str:
    return f"mails.sealed_letter/{mail_id}/{account}"
