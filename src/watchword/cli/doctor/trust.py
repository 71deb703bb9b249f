"""Who can change, and who can read, a file: its owner, its mode, and every directory on the way to it."""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

ROOT = 0
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
BITS = {"read": stat.S_IROTH, "write": stat.S_IWOTH, "search": stat.S_IXOTH}


def weaknesses(path: Path, *, group_may_write: bool = False) -> list[str]:
    """Say why somebody other than root could put other content at `path`; nothing if nobody can. Raises OSError.

    `group_may_write`: the file is one that its group is meant to edit; the directories above it are not.
    """
    found = []
    real = path.resolve(strict=True)
    for step in _way_to(path):
        status = step.lstat()
        if status.st_uid != ROOT:
            found.append(f"{step} belongs to {name_of(status.st_uid)}, not to root")
        if stat.S_ISLNK(status.st_mode):  # its mode says nothing; where it leads is on the way too
            continue
        # In a sticky directory, such as /tmp, nobody can replace what is root's.
        is_sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX and step != path
        forbidden = stat.S_IWOTH if group_may_write and step == real else WRITABLE_BY_OTHERS
        if status.st_mode & forbidden and not is_sticky:
            found.append(f"{step} can be written by others than root (mode {mode_text(status)})")
    return found


def _way_to(path: Path) -> Iterator[Path]:
    """Yield the file and every directory above it, as it is named and as it really is, each once."""
    named, real = path.absolute(), path.resolve(strict=True)
    return iter(dict.fromkeys([real, *real.parents, named, *named.parents]))


def is_there(path: Path) -> bool:
    """Tell whether there is something; what we may not see counts as there."""
    try:
        path.lstat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def mode_text(status: os.stat_result) -> str:
    """Write permission bits as chmod takes them."""
    return f"{stat.S_IMODE(status.st_mode):04o}"


def name_of(user: int) -> str:
    """Name a user."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid {user}"


def may(account: pwd.struct_passwd, path: Path, *wanted: str) -> bool:
    """Tell whether an account may `read`, `write` or `search` a path, by mode bits alone. Raises OSError."""
    real = path.resolve(strict=True)
    groups = set(os.getgrouplist(account.pw_name, account.pw_gid))
    way = [(folder, BITS["search"]) for folder in real.parents]
    return all(
        _has_bit(folder.stat(), bit, account.pw_uid, groups)
        for folder, bit in [*way, *((real, BITS[name]) for name in wanted)]
    )


def _has_bit(status: os.stat_result, bit: int, user: int, groups: set[int]) -> bool:
    """Look at the one class of bits that counts: the owner's, else the group's, else all others'."""
    if user == ROOT:
        return True
    shift = 6 if status.st_uid == user else 3 if status.st_gid in groups else 0
    return bool(status.st_mode >> shift & bit)
