"""Files by which one login makes the next one faster: the owner's alone, replaced as a whole, gone with a reboot.

A memory that is not as it should be is as good as none, and one that can't be written is left out: nothing here ends a
login. What a memory may be believed about is for its own module to say.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

STATE_DIRECTORY = "/run/watchword"
"""pam.toml, which may name another place for what logins know of the servers, takes long to read."""

_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class Unusable(Exception):
    """Somebody other than the owner could have written this, or it is not what it should be."""


NO_MEMORY = (OSError, ValueError, Unusable)
"""What opening one may raise; a ValueError for a path that no file can be named after."""


def memory_name(kind: str, path: str) -> str:
    """Name the memory of a file. Two files with one name would forget each other, and no more."""
    return f"{kind}{path.replace('/', '%')}"


def open_memory(directory: str, name: str, *, owner: int) -> int:
    """Return the descriptor of a memory, to be read and closed. Raises NO_MEMORY."""
    folder = _open_folder(directory, owner)
    try:
        return _open_file(folder, name, os.O_RDONLY, owner)
    finally:
        os.close(folder)


def replace_memory(directory: str, name: str, pieces: tuple[bytes, ...], *, owner: int) -> None:
    """Write a memory anew; unless it can't be written, or another login is at it."""
    with suppress(*NO_MEMORY):
        with suppress(FileExistsError):
            os.mkdir(directory, 0o700)  # noqa: PTH102 - pathlib is slow to load
        folder = _open_folder(directory, owner)
        try:
            _replace(folder, name, pieces, owner)
        finally:
            os.close(folder)


def _replace(folder: int, name: str, pieces: tuple[bytes, ...], owner: int) -> None:
    """Write a draft and give it the memory's name. The draft has one name, so logins that are killed leave only one."""
    draft = f"{name}.new"
    descriptor = _open_file(folder, draft, os.O_RDWR | os.O_CREAT, owner)
    try:
        os.lockf(descriptor, os.F_TLOCK, 0)
        # Who had the lock before may have made this very file the memory.
        about = os.fstat(descriptor)
        if not os.path.samestat(about, os.stat(draft, dir_fd=folder, follow_symlinks=False)):
            return
        if about.st_size:
            os.ftruncate(descriptor, 0)  # of a login that was killed; some disks take long to shorten even nothing
        if os.writev(descriptor, pieces) == sum(map(len, pieces)):
            os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.ftruncate(descriptor, 0)  # the disk is full: let others have what is left
    finally:
        os.close(descriptor)


def _open_folder(directory: str, owner: int) -> int:
    return _checked(os.open(directory, os.O_RDONLY | os.O_DIRECTORY | _FLAGS), owner, stat.S_ISDIR)


def _open_file(folder: int, name: str, flags: int, owner: int) -> int:
    return _checked(os.open(name, flags | _FLAGS, 0o600, dir_fd=folder), owner, stat.S_ISREG)


def _checked(descriptor: int, owner: int, is_right_kind: Callable[[int], bool]) -> int:
    """Return the descriptor of what only the owner can have written; close it and raise Unusable for anything else."""
    about = os.fstat(descriptor)
    if is_right_kind(about.st_mode) and about.st_uid == owner and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return descriptor
    os.close(descriptor)
    raise Unusable
