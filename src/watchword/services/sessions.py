"""Who is signed in: sessions are rows, found by the hash of what the cookie holds."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from watchword.clock import Clock
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports_sessions import Session, Visitor

COOKIE_OCTETS = 32

TOUCH_SECONDS = 30
"""A session's last use is written down no more often than this."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A session, and what its cookie has to hold from now on."""

    session: Session
    cookie: str = field(repr=False)


class SessionKeeper:
    """Begins, finds and ends sessions; they end after `idle_seconds` without use, and after `longest_seconds`."""

    def __init__(
        self,
        store: PortalStore,
        *,
        clock: Clock,
        random_octets: Callable[[int], bytes],
        idle_seconds: int,
        longest_seconds: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random_octets = random_octets
        self._idle_seconds = idle_seconds
        self._longest_seconds = longest_seconds

    def begin(self, rows: PortalWork, account: str, *, address: str, browser: str) -> Begun:
        """Begin a session, as a part of the work that let its holder in."""
        now = int(self._clock())
        cookie = self._new_cookie()
        session = Session(hash_cookie(cookie), account, now, now, 0, False, address[:64], _printable(browser))
        rows.sessions.add(session)
        return Begun(session, cookie)

    def find(self, cookie: str, *, is_used: bool = True) -> Session | None:
        """Find the session that a cookie stands for, if it has not ended; being used puts its idle end off."""
        session_hash = hash_cookie(cookie)
        session = self._store.read(lambda rows: rows.sessions.find(session_hash))
        return session if session is not None and self._goes_on(session, is_used=is_used) else None

    def visitor(self, cookie: str, *, is_used: bool = True) -> Visitor | None:
        """Find a session as `find` does, and all that a page has to know of its holder, in one look."""
        session_hash = hash_cookie(cookie)
        visitor = self._store.read(lambda rows: rows.sessions.visitor(session_hash))
        return visitor if visitor is not None and self._goes_on(visitor.session, is_used=is_used) else None

    def prove(self, session: Session, serial: str) -> Begun | None:
        """Give a session whose holder gave a code of a token a new cookie; None if it has ended meanwhile."""
        now = int(self._clock())
        cookie = self._new_cookie()
        proved = replace(session, session_hash=hash_cookie(cookie), proved_at=now, proved_by=serial)
        renamed = self._store.write(
            lambda rows: rows.sessions.replace(session.session_hash, proved.session_hash, now, serial)
        )
        return Begun(proved, cookie) if renamed else None

    def of_account(self, account: str) -> list[Session]:
        """List an account's sessions that have not ended, newest first."""
        now = int(self._clock())
        found = self._store.read(lambda rows: rows.sessions.of_account(account))
        return [session for session in found if self._lives(session, now)]

    def end(self, session_hash: bytes) -> None:
        """End a session."""
        self._store.write(lambda rows: rows.sessions.end(session_hash))

    def end_all(self, account: str, *, but: bytes = b"") -> int:
        """End an account's sessions, all or all but one; answers how many."""
        return self._store.write(lambda rows: rows.sessions.end_all(account, but=but))

    def put_off_splash(self, session: Session) -> None:
        """Remember that the splash page was put off until the next sign-in."""
        self._store.write(lambda rows: rows.sessions.put_off_splash(session.session_hash))

    def prune(self) -> int:
        """Drop sessions that have ended; answers how many."""
        now = int(self._clock())
        return self._store.write(
            lambda rows: rows.sessions.prune(now - self._idle_seconds, now - self._longest_seconds)
        )

    def _goes_on(self, session: Session, *, is_used: bool) -> bool:
        now = int(self._clock())
        if not self._lives(session, now):
            return False
        if is_used and now - session.seen_at >= TOUCH_SECONDS:
            self._store.write(lambda rows: rows.sessions.touch(session.session_hash, now))
        return True

    def _lives(self, session: Session, now: int) -> bool:
        return now - session.seen_at < self._idle_seconds and now - session.created_at < self._longest_seconds

    def _new_cookie(self) -> str:
        return base64.urlsafe_b64encode(self._random_octets(COOKIE_OCTETS)).rstrip(b"=").decode("ascii")


def hash_cookie(cookie: str) -> bytes:
    """Hash what a cookie holds. It has 256 random bits, so a fast hash hides it as well as a slow one."""
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).digest()


def _printable(browser: str) -> str:
    return "".join(character for character in browser if character.isprintable())[:200]
