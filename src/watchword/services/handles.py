"""The handle of a challenge: what an answer must bring, and any server can read.

Sealed for one account, it says when the challenge was made and how many answers are left; no row stands behind it.
Whoever replays an older handle gains answers, not guesses: each wrong code counts against the account itself.
"""

import struct

from watchword.domain.errors import KeyringError, SealError
from watchword.services.ports import Seal

CLOCKS_APART_SECONDS = 60
"""How far ahead the clock of the server that made a handle may be."""

_HANDLE = struct.Struct(">QB")


class Handles:
    """Makes and reads handles, good for `lifetime_seconds`."""

    def __init__(self, seal: Seal, lifetime_seconds: int) -> None:
        self._seal = seal
        self._lifetime_seconds = lifetime_seconds

    def make(self, account: str, tries_left: int, now_seconds: float) -> bytes:
        """Seal a handle for an account."""
        return self._seal.seal(_HANDLE.pack(int(now_seconds), tries_left), _place(account))

    def tries_left(self, account: str, handle: bytes, now_seconds: float) -> int | None:
        """Read how many answers a handle leaves; None if it is not ours, not for this account, or too old."""
        try:
            made_at, tries_left = _HANDLE.unpack(self._seal.unseal(handle, _place(account)))
        except (SealError, KeyringError, struct.error):
            return None
        fresh = -CLOCKS_APART_SECONDS <= now_seconds - made_at < self._lifetime_seconds
        return int(tries_left) if fresh and tries_left > 0 else None


def _place(account: str) -> str:
    return f"challenge/{account}"
