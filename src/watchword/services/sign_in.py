"""Sign in to the portal with the first factor: the password that opens the cluster."""

from dataclasses import dataclass
from typing import NoReturn, Protocol

from watchword.clock import Clock
from watchword.domain.accounts import is_account_name
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.errors import WatchwordError
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports import Directory
from watchword.services.sessions import Begun, SessionKeeper
from watchword.services.throttle import Limit, Throttle, TooMany

LONGEST_PASSWORD = 1024

# One person at one place; one account from anywhere; one place, which may be a whole campus behind one address.
BY_ACCOUNT_AND_ADDRESS = Limit("sign-in/account+address", 10, 900)
BY_ACCOUNT = Limit("sign-in/account", 100, 3600)
BY_ADDRESS = Limit("sign-in/address", 200, 900)


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
            self._refuse(account, address)
        self.throttle.forget(BY_ACCOUNT_AND_ADDRESS, account, address)

        def work(rows: PortalWork) -> Begun:
            rows.audit.record([self._event(account, address, Result.GRANTED)])
            return self.sessions.begin(rows, account, address=address, browser=browser)

        return self.store.write(work)

    def sign_out(self, session_hash: bytes) -> None:
        """End a session."""
        self.sessions.end(session_hash)

    def _count(self, account: str, address: str) -> None:
        try:
            self.throttle.take(BY_ADDRESS, address)
            self.throttle.take(BY_ACCOUNT_AND_ADDRESS, account, address)
            self.throttle.take(BY_ACCOUNT, account)
        except TooMany:
            event = self._event(account, address, Result.DENIED, "too_many_tries")
            self.store.write(lambda rows: rows.audit.record([event]))
            raise

    def _refuse(self, account: str, address: str) -> NoReturn:
        event = self._event(account, address, Result.DENIED, "wrong_password")
        self.store.write(lambda rows: rows.audit.record([event]))
        raise SignInRefused("not signed in")

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
