"""The rows of sessions and throttles."""

from typing import Any

from sqlalchemy import Connection, Row, case, delete, insert, or_, select, update
from sqlalchemy.dialects.mysql import insert as mysql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from watchword.services.ports_sessions import Session, Visitor
from watchword.store.holders import find_visitor
from watchword.store.keyring import Keyring
from watchword.store.portal_schema import sessions, throttles


class SessionRows:
    """Verbs on sessions, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, session: Session) -> None:
        """Begin a session."""
        self._connection.execute(
            insert(sessions).values(
                session_hash=session.session_hash,
                account=session.account,
                created_at=session.created_at,
                seen_at=session.seen_at,
                proved_at=session.proved_at,
                splash_put_off=session.splash_put_off,
                address=session.address,
                browser=session.browser,
            )
        )

    def find(self, session_hash: bytes) -> Session | None:
        """Find a session, however old it is."""
        row = self._connection.execute(select(sessions).where(sessions.c.session_hash == session_hash)).first()
        return _session(row) if row is not None else None

    def visitor(self, session_hash: bytes) -> Visitor | None:
        """Find a session, however old it is, and how its holder's account stands."""
        return find_visitor(self._connection, session_hash)

    def touch(self, session_hash: bytes, now_seconds: int) -> None:
        """Record that a session was used."""
        this = update(sessions).where(sessions.c.session_hash == session_hash)
        self._connection.execute(this.values(seen_at=now_seconds))

    def replace(self, old_hash: bytes, new_hash: bytes, proved_at: int, proved_by: str) -> bool:
        """Give a session a new name when its holder proved more; False if the old one is gone."""
        this = update(sessions).where(sessions.c.session_hash == old_hash)
        anew = this.values(session_hash=new_hash, proved_at=proved_at, proved_by=proved_by)
        return self._connection.execute(anew).rowcount == 1

    def put_off_splash(self, session_hash: bytes) -> None:
        """Remember that the splash page was put off."""
        self._connection.execute(
            update(sessions).where(sessions.c.session_hash == session_hash).values(splash_put_off=True)
        )

    def of_account(self, account: str) -> list[Session]:
        """List an account's sessions, newest first."""
        query = select(sessions).where(sessions.c.account == account).order_by(sessions.c.created_at.desc())
        return [_session(row) for row in self._connection.execute(query)]

    def unprove(self, session_hash: bytes, serial: str) -> None:
        """Take back that a code of this token was proved in a session."""
        this = update(sessions).where(sessions.c.session_hash == session_hash, sessions.c.proved_by == serial)
        self._connection.execute(this.values(proved_at=0, proved_by=""))

    def end(self, session_hash: bytes) -> bool:
        """End a session; False if it was over."""
        return self._connection.execute(delete(sessions).where(sessions.c.session_hash == session_hash)).rowcount == 1

    def end_all(self, account: str, *, but: bytes = b"") -> int:
        """End an account's sessions, all or all but one; answers how many."""
        theirs = delete(sessions).where(sessions.c.account == account, sessions.c.session_hash != but)
        return self._connection.execute(theirs).rowcount

    def prune(self, seen_until: int, created_until: int) -> int:
        """Drop sessions that were last used, or began, no later than this; answers how many."""
        over = or_(sessions.c.seen_at <= seen_until, sessions.c.created_at <= created_until)
        return self._connection.execute(delete(sessions).where(over)).rowcount


class ThrottleRows:
    """Counts of tries, in one transaction.

    A bucket's name is known to whoever can guess whose it is, such as an account at an address. So its row is found by
    a mark with a key in it: a copy of the database tells neither names nor places. No rotation ends a count.
    """

    def __init__(self, connection: Connection, keyring: Keyring) -> None:
        self._connection = connection
        self._keyring = keyring

    def _row_of(self, bucket: bytes) -> bytes:
        return self._keyring.mark("throttle", bucket)

    def take(self, bucket: bytes, now_seconds: int, window_seconds: int) -> tuple[int, int]:
        """Count one try; answers how many there were in this window, with it, and when the window ends."""
        bucket_hash = self._row_of(bucket)
        self._connection.execute(_count_one(self._connection.dialect.name, bucket_hash, now_seconds, window_seconds))
        row = self._connection.execute(select(throttles).where(throttles.c.bucket_hash == bucket_hash)).one()
        return row.used, row.ends_at

    def used(self, bucket: bytes, now_seconds: int) -> int:
        """Answer how many tries there were in this window, and count none."""
        bucket_hash = self._row_of(bucket)
        this = select(throttles.c.used).where(throttles.c.bucket_hash == bucket_hash, throttles.c.ends_at > now_seconds)
        return self._connection.execute(this).scalar() or 0

    def forget(self, bucket: bytes) -> None:
        """Begin a new count."""
        self._connection.execute(delete(throttles).where(throttles.c.bucket_hash == self._row_of(bucket)))

    def prune(self, now_seconds: int) -> int:
        """Drop windows that have ended; answers how many."""
        return self._connection.execute(delete(throttles).where(throttles.c.ends_at <= now_seconds)).rowcount


def _count_one(dialect: str, bucket_hash: bytes, now_seconds: int, window_seconds: int) -> Any:
    """Compose the statement that adds a try, or begins a new window; one statement, so that no try is lost."""
    over = throttles.c.ends_at <= now_seconds
    # In this order: MariaDB computes each column from those already set.
    counted = {
        "used": case((over, 1), else_=throttles.c.used + 1),
        "ends_at": case((over, now_seconds + window_seconds), else_=throttles.c.ends_at),
    }
    first = {"bucket_hash": bucket_hash, "used": 1, "ends_at": now_seconds + window_seconds}
    if dialect == "sqlite":
        added = sqlite_insert(throttles).values(**first)
        return added.on_conflict_do_update(index_elements=["bucket_hash"], set_=counted)
    return mysql_insert(throttles).values(**first).on_duplicate_key_update(list(counted.items()))


def _session(row: Row[Any]) -> Session:
    return Session(
        session_hash=row.session_hash,
        account=row.account,
        created_at=row.created_at,
        seen_at=row.seen_at,
        proved_at=row.proved_at,
        splash_put_off=bool(row.splash_put_off),
        address=row.address,
        browser=row.browser,
        proved_by=row.proved_by,
    )
