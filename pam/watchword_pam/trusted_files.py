"""Files that may decide about a login: regular, root's, and written by nobody else."""

from __future__ import annotations

import os
import stat

LARGEST_FILE = 1024 * 1024


class Untrusted(Exception):
    """A file is there, but somebody other than root could have written it."""


def read_trusted(path: str) -> tuple[bytes, int]:
    """Return the bytes of a file and its mode bits. A symbolic link is followed: what it leads to must be root's.

    Raises OSError if it can't be read, and Untrusted.
    """
    # O_NONBLOCK: opening a FIFO must not hold up a login.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Untrusted("is not a regular file")
        if status.st_uid != 0:
            raise Untrusted("does not belong to root")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise Untrusted("is writable by others than root")
        if status.st_size > LARGEST_FILE:
            raise Untrusted("is larger than 1 MiB")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(LARGEST_FILE + 1), stat.S_IMODE(status.st_mode)
    finally:
        os.close(descriptor)


def is_readable_by_all(mode: int) -> bool:
    """Return whether anyone on the node can read a file with these mode bits."""
    return bool(mode & stat.S_IROTH)
