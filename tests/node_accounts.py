"""A node's directory of accounts that folds case and takes domains, as SSSD and winbind do, in getpwnam's place."""

from __future__ import annotations

import pwd
from collections.abc import Iterable


class FoldingDirectory:
    """Know some accounts by several spellings: `Alice`, `alice@example.org` and `EX\\alice` are all `alice`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self.is_down = False

    def getpwnam(self, typed: str) -> pwd.struct_passwd:
        """Answer as pwd.getpwnam does, KeyError included: it cannot tell an unknown account from a directory down."""
        name = typed.lower().removesuffix("@example.org").removeprefix("ex\\")
        if self.is_down or name not in self._names:
            raise KeyError(typed)
        return pwd.struct_passwd((name, "x", 64999, 65534, "", "/nonexistent", "/bin/sh"))
