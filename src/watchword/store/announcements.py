"""What the directory has still to be told: a row for each account whose pairing changed."""

import os

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from watchword.services.ports_announcements import Announcement
from watchword.store.portal_schema import announcements


class AnnouncementRows:
    """Verbs on announcements, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def note(self, account: str, now_seconds: int) -> None:
        """Remember that an account's pairing changed.

        Its due time stays: a row that somebody has in hand must not be taken by another, whose newer word could reach
        the directory before the older one.
        """
        if self._mark_anew(account):
            return
        try:
            with self._connection.begin_nested():
                self._connection.execute(
                    insert(announcements).values(account=account, mark=_new_mark(), due_at=now_seconds)
                )
        except IntegrityError:
            self._mark_anew(account)  # somebody else made it just now

    def _mark_anew(self, account: str) -> bool:
        again = update(announcements).where(announcements.c.account == account).values(mark=_new_mark())
        return self._connection.execute(again).rowcount == 1

    def any_due(self, now_seconds: int) -> bool:
        """Tell whether one is due."""
        query = select(announcements.c.account).where(announcements.c.due_at <= now_seconds).limit(1)
        return self._connection.execute(query).first() is not None

    def claim(self, now_seconds: int, hold_seconds: int) -> Announcement | None:
        """Take the one that is due first: whoever moves its due time forward has it."""
        due = select(announcements).where(announcements.c.due_at <= now_seconds)
        row = self._connection.execute(due.order_by(announcements.c.due_at).limit(1)).first()
        if row is None:
            return None
        claimed = Announcement(row.account, row.mark, row.attempts + 1, now_seconds + hold_seconds)
        taken = self._connection.execute(
            update(announcements)
            .where(
                announcements.c.account == row.account,
                announcements.c.mark == row.mark,
                announcements.c.due_at == row.due_at,
                announcements.c.attempts == row.attempts,
            )
            .values(due_at=claimed.due_at, attempts=claimed.attempts)
        )
        return claimed if taken.rowcount == 1 else None

    def finish(self, told: Announcement) -> bool:
        """Take out what was told; False if the account changed, or somebody else took it, meanwhile."""
        done = delete(announcements).where(
            announcements.c.account == told.account,
            announcements.c.mark == told.mark,
            announcements.c.due_at == told.due_at,
        )
        return self._connection.execute(done).rowcount == 1

    def release(self, told: Announcement, due_at: int) -> None:
        """Give back what was claimed, to be told at another time; what somebody else claimed stays theirs."""
        ours = update(announcements).where(
            announcements.c.account == told.account, announcements.c.due_at == told.due_at
        )
        self._connection.execute(ours.values(due_at=due_at))


def _new_mark() -> str:
    return os.urandom(8).hex()
