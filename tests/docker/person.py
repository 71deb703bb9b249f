"""Somebody who logs in to the centre from outside, and counts."""

from pathlib import Path

from tests.docker.centre import Centre
from tests.harness.soft_token import SoftToken
from tests.harness.ssh_client import Answer, Session

PASSWORD = "[Pp]assword: "
CODE = "[Cc]ode: "
IN = "in as "
TRIES = 3
"""How often token.py asks for a code."""


class Person:
    """An account of the directory, and what opens it."""

    def __init__(self, centre: Centre, account: str) -> None:
        self.account = account
        self.granted = 0
        """Logins with a code that were let in."""
        self._centre = centre
        self._password = centre.password(account)
        self._token: SoftToken | None = None

    def pair(self) -> None:
        """Be given a soft token."""
        self._token = self._centre.pair(self.account)

    def hold(self, token: SoftToken) -> None:
        """Use a soft token that was paired elsewhere."""
        self._token = token

    @property
    def token(self) -> SoftToken:
        """The phone."""
        assert self._token is not None
        return self._token

    def enters(self, code: str | None = None, *, key: Path | None = None, command: str = ":") -> None:
        """Log in with a code, a fresh one if none is given; raises AssertionError if refused."""
        session = self._log_in(code or self.token.fresh_code(), key, command)
        assert self._is_in(session), self._described(session)
        assert session.answered == (1 if key else 2), self._described(session)
        self.granted += 1

    def enters_without_code(self) -> None:
        """Log in with the password alone; raises AssertionError if refused, or asked for a code."""
        session = self._log_in(None, None, ":")
        assert self._is_in(session), self._described(session)

    def is_refused(self, code: str, *, key: Path | None = None) -> None:
        """Log in with a code; raises AssertionError if let in, or not asked for the code each time."""
        session = self._log_in(code, key, ":")
        assert self._is_out(session), self._described(session)
        assert session.answered == TRIES + (0 if key else 1), self._described(session)

    def is_refused_at_once(self, password: str) -> None:
        """Log in with a wrong password; raises AssertionError if let in, or asked for a code."""
        session = self._centre.ssh(self.account, [Answer(PASSWORD, password), Answer(CODE, "123456")], ":")
        assert self._is_out(session), self._described(session)
        assert session.answered == 1, self._described(session)

    def stays_out(self, code: str) -> None:
        """Log in while something is broken; raises AssertionError if let in, however often asked."""
        session = self._log_in(code, None, ":")
        assert self._is_out(session), self._described(session)

    def _log_in(self, code: str | None, key: Path | None, command: str) -> Session:
        password = [] if key else [Answer(PASSWORD, self._password)]
        codes = [Answer(CODE, code)] * TRIES if code else []
        return self._centre.ssh(self.account, [*password, *codes], f"{command}; echo {IN}$(id -un)", key)

    def _is_in(self, session: Session) -> bool:
        return session.status == 0 and f"{IN}{self.account}" in session.transcript

    def _is_out(self, session: Session) -> bool:
        return session.status != 0 and IN not in session.transcript

    def _described(self, session: Session) -> str:
        return f"{self.account}: status {session.status}, {session.answered} answers:\n{session.transcript}"
