"""Passwords, checked by this machine's PAM: whatever opens the cluster opens the portal."""

import threading

from pam import PamAuthenticator  # type: ignore[attr-defined] # it is exported, though not the typed way

from watchword.domain.errors import DirectoryUnavailable

# security/_pam_types.h: what says that PAM itself is not well, rather than that the password is wrong.
_NOT_WELL = frozenset({1, 2, 3, 4, 5, 9, 28})
# open, symbol, service, system and buffer errors; no authentication service to be reached; module unknown

MOST_AT_ONCE = 16


class PamPassword:
    """Asks one PAM service: its auth and account stacks, no session."""

    def __init__(self, service: str) -> None:
        self._service = service
        # A module that hangs keeps its thread, and nobody waits for it: the rest of the portal goes on.
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)

    def check(self, account: str, password: str) -> bool:
        """Tell whether this is the account's password, and the account may be used; raises DirectoryUnavailable."""
        if not self._free.acquire(blocking=False):
            raise DirectoryUnavailable("too many passwords are being checked at once")
        try:
            asked = PamAuthenticator()
            right = asked.authenticate(account, password, service=self._service, resetcreds=False)
        finally:
            self._free.release()
        if asked.code in _NOT_WELL:
            # The number alone: a module's text may quote what was typed.
            raise DirectoryUnavailable(f"PAM service {self._service} answers with error {asked.code}")
        return bool(right)
