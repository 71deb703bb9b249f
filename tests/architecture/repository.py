"""The files of this repository, as git knows them."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def files(*patterns: str) -> list[Path]:
    """List the files that are, or would be, committed; all, or those that match a pattern of git's."""
    argv = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted(path for name in set(names) if name and (path := ROOT / name).is_file())
