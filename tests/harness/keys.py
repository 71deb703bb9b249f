"""One private key in the three formats that clients read."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.harness.accounts import Account


@dataclass(frozen=True)
class KeyPair:
    """Where the private key lies."""

    openssh: Path
    putty: Path
    dropbear: Path


def key_pair(account: Account, directory: Path) -> KeyPair:
    """Make a key that sshd accepts for the account."""
    openssh = account.authorize_key(directory)
    key = KeyPair(openssh, openssh.with_suffix(".ppk"), openssh.with_suffix(".dropbear"))
    _convert("puttygen", openssh, "-O", "private", "-o", key.putty)
    _convert("dropbearconvert", "openssh", "dropbear", openssh, key.dropbear)
    return key


def _convert(*argv: str | Path) -> None:
    subprocess.run(argv, check=True, capture_output=True)
