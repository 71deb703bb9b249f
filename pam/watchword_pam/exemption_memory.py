"""What logins tell each other about an exemption file: those of its lines that are right, word for word.

The memory decides nothing. It spares a login from parsing a line again that stands in the file exactly so. Whatever is
wrong with it (missing, cut off, of another file, not root's) only means that lines are parsed. So nothing here fails: a
login goes on without. Each login replaces the memory as a whole, and one at a time; who comes second leaves it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from watchword.domain.exemption_rules import GRAMMAR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_BYTES = 16 * 1024 * 1024
"""The memory lies in /run, which is the machine's own: of a larger file nothing is remembered."""

WORTH_REMEMBERING = 4 * 1024
"""Characters of newly checked lines from which on it pays to write them down."""

HEADER = b"# lines of an exemption file that grammar %d of watchword takes; may be removed at any time\n" % GRAMMAR
_PIECE_BYTES = 64 * 1024
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class _Unusable(Exception):
    """Somebody other than the owner could have written this, or it is not what it should be."""


def worth_remembering(text: str, head: int, tail: int, checked: int) -> str:
    """Return the lines to remember once all before `checked` were found right; nothing if there is little new."""
    if min(checked, tail) - head < WORTH_REMEMBERING:
        return ""
    return text[:checked] + text[max(checked, tail) : text.rfind("\n") + 1]


def recall(directory: str, path: str, data: bytes, *, owner: int) -> bytes:
    """Return the lines of a file that were found right: `data`, what is in the file now, if that is so of all of it.

    A last line without its end counts for nothing here.
    """
    try:
        folder = _open_folder(directory, owner)
        try:
            return _read(folder, _name(path), data, owner)
        finally:
            os.close(folder)
    except (OSError, ValueError, _Unusable):
        return b""


def remember(directory: str, path: str, lines: bytes, *, owner: int) -> None:
    """Write down lines that were found right; unless they are too many, or another login is writing."""
    if len(lines) > LARGEST_BYTES:
        return
    with suppress(OSError, ValueError, _Unusable):
        with suppress(FileExistsError):
            os.mkdir(directory, 0o700)  # noqa: PTH102 - pathlib is slow to load
        folder = _open_folder(directory, owner)
        try:
            _replace(folder, _name(path), lines, owner)
        finally:
            os.close(folder)


def _read(folder: int, name: str, data: bytes, owner: int) -> bytes:
    descriptor = _open_file(folder, name, os.O_RDONLY, owner)
    try:
        if os.read(descriptor, len(HEADER)) != HEADER:
            return b""
        if _goes_on_with(descriptor, data, data.rfind(b"\n") + 1):
            return data
        return os.pread(descriptor, min(os.fstat(descriptor).st_size, LARGEST_BYTES), len(HEADER))
    finally:
        os.close(descriptor)


def _goes_on_with(descriptor: int, data: bytes, end: int) -> bool:
    """Tell whether what is read next is data[:end]. In pieces: to a process that just began, new memory is dear."""
    place = 0
    while place < end:
        piece = os.read(descriptor, min(end - place, _PIECE_BYTES))
        if not piece or not data.startswith(piece, place):
            return False
        place += len(piece)
    return True


def _replace(folder: int, name: str, lines: bytes, owner: int) -> None:
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
        if os.writev(descriptor, (HEADER, lines)) == len(HEADER) + len(lines):
            os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.ftruncate(descriptor, 0)  # the disk is full: let others have what is left
    finally:
        os.close(descriptor)


def _name(path: str) -> str:
    """Name the memory of a file. Two files with one name would forget each other's lines, and no more."""
    return f"exemptions{path.replace('/', '%')}"


def _open_folder(directory: str, owner: int) -> int:
    return _checked(os.open(directory, os.O_RDONLY | os.O_DIRECTORY | _FLAGS), owner, stat.S_ISDIR)


def _open_file(folder: int, name: str, flags: int, owner: int) -> int:
    return _checked(os.open(name, flags | _FLAGS, 0o600, dir_fd=folder), owner, stat.S_ISREG)


def _checked(descriptor: int, owner: int, is_right_kind: Callable[[int], bool]) -> int:
    """Return the descriptor of what only the owner can have written; close it and raise _Unusable for anything else."""
    about = os.fstat(descriptor)
    if is_right_kind(about.st_mode) and about.st_uid == owner and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return descriptor
    os.close(descriptor)
    raise _Unusable
