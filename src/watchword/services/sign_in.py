"""Sign in to the portal with the first factor: the password that opens the cluster."""

from dataclasses import dataclass
from typing import Protocol

from watchword.clock import Clock
from watchword.domain.accounts import is_account_name
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.errors import WatchwordError
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports import Directory
from watchword.services.sessions import Begun, SessionKeeper
from watchword.services.throttle import Limit, Throttle, TooMany, place_of

LONGEST_PASSWORD = 1024

# One person at one place; one account from places where it has not signed in before; one place, which may be a campus.
BY_ACCOUNT_AND_PLACE = Limit("sign-in/account+place", 10, 900)
BY_ACCOUNT = Limit("sign-in/account", 100, 3600)
BY_PLACE = Limit("sign-in/place", 200, 900)

KNOWN_PLACE = Limit("sign-in/known", 1_000_000, 30 * 24 * 3600)
"""Where an account has signed in: strangers who guess from elsewhere do not shut it out there."""


class SignInRefused(WatchwordError):
    """Not let in. The same for every reason: a stranger learns nothing from it."""


class FirstFactor(Protocol):
    """Knows passwords."""

    def check(self, account: str, password: str) -> bool:
        """Tell whether this is the account's password, and the account may be used; raises DirectoryUnavailable."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Checks passwords, no faster than a person types them."""

    store: PortalStore
    first_factor: FirstFactor
    directory: Directory
    sessions: SessionKeeper
    throttle: Throttle
    clock: Clock

    def sign_in(self, account: str, password: str, *, address: str, browser: str) -> Begun:
        """Begin a session; raises SignInRefused, TooMany, DirectoryUnavailable, StoreUnavailable."""
        if not is_account_name(account) or not 0 < len(password) <= LONGEST_PASSWORD or "\0" in password:
            raise SignInRefused("not signed in")
        self._count(account, address)
        # In this order: asking the directory first would tell by the time taken which accounts exist.
        right = self.first_factor.check(account, password)
        # Servers and modules fold case, so that "Alice" opens alice: hold to the one name.
        if not right or self.directory.find(account) is None:
            self._write_refusal(account, address, "wrong_password")
            raise SignInRefused("not signed in")
        self._remember_place(account, address)

        def work(rows: PortalWork) -> Begun:
            rows.audit.record([self._event(account, address, Result.GRANTED)])
            return self.sessions.begin(rows, account, address=address, browser=browser)

        return self.store.write(work)

    def sign_out(self, session_hash: bytes) -> None:
        """End a session."""
        self.sessions.end(session_hash)

    def _count(self, account: str, address: str) -> None:
        # Whoever is asked about a password may fold case, so no spelling has a count of its own.
        name, place = account.casefold(), place_of(address)
        try:
            self.throttle.take(BY_PLACE, place)
            self.throttle.take(BY_ACCOUNT_AND_PLACE, name, place)
            if not self.throttle.has_counted(KNOWN_PLACE, account, place):
                self.throttle.take(BY_ACCOUNT, name)
        except TooMany as stopped:
            if stopped.is_first:  # one line for a window: a stranger does not decide how fast the log grows
                self._write_refusal(account, address, "too_many_tries")
            raise

    def _remember_place(self, account: str, address: str) -> None:
        place = place_of(address)
        self.throttle.forget(BY_ACCOUNT_AND_PLACE, account.casefold(), place)
        self.throttle.forget(KNOWN_PLACE, account, place)
        self.throttle.take(KNOWN_PLACE, account, place)

    def _write_refusal(self, account: str, address: str, reason: str) -> None:
        """Write a refusal down. What is no account's name is left out: it may be a password in the wrong field."""
        name = account if self.directory.find(account) is not None else ""
        event = self._event(name, address, Result.DENIED, reason)
        self.store.write(lambda rows: rows.audit.record([event]))

    def _event(self, account: str, address: str, result: Result, reason: str = "") -> AuditEvent:
        return AuditEvent(
            at_milliseconds=int(self.clock() * 1000),
            kind=EventKind.SIGN_IN,
            result=result,
            account=account,
            address=address,
            node="portal",
            reason=reason,
        )
