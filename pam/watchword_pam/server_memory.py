"""What logins tell each other about the servers: a small file that the next login reads.

The file is text: `turn NAME`; for each server that was silent, `dead NAME UNTIL`; for each that owes some login its
first answer, `asked NAME SINCE`. Both times are in boot_seconds(). Servers go by address and port, so an edit of
pam.toml confuses nothing. What does not parse is as good as absent.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FILE_NAME = "servers"
LARGEST_FILE = 64 * 1024
LOCK_TRIES = 5
LOCK_PAUSE_SECONDS = 0.01

OVERDUE_SECONDS = 0.05
"""A server that owes an answer for so long is asked after the others: before the first login knows that it is dead, no
other should wait for it as well."""


class MemoryUnusable(Exception):
    """The file can't be used now; the message says why."""


class Memory:
    """Whose turn it is, until when who is passed over, and since when who owes an answer."""

    def __init__(
        self, turn: str = "", dead: dict[str, float] | None = None, asked: dict[str, float] | None = None
    ) -> None:
        self.turn = turn
        self.dead = dead or {}
        self.asked = asked or {}

    @classmethod
    def parse(cls, data: bytes) -> Memory:
        """Read the file's bytes. Total: corrupt lines are left out."""
        memory = cls()
        for line in data.decode("utf-8", "replace").splitlines():
            match line.split(" "):
                case ["turn", name]:
                    memory.turn = name
                case ["dead" | "asked" as what, name, when]:
                    try:
                        (memory.dead if what == "dead" else memory.asked)[name] = float(when)
                    except ValueError:
                        continue
        return memory

    def lines(self) -> bytes:
        """Return the file's bytes."""
        dead = "".join(f"dead {name} {until:.3f}\n" for name, until in self.dead.items())
        asked = "".join(f"asked {name} {since:.3f}\n" for name, since in self.asked.items())
        return f"turn {self.turn}\n{dead}{asked}".encode()

    def take_turn(self, names: Sequence[str], now: float, dead_seconds: float, answer_seconds: float) -> list[str]:
        """Return the order in which one login asks the servers, and move the turn on.

        A server has `answer_seconds` to answer in; a login that owes us word for longer has ended without it.

        Who was silent is passed over for `dead_seconds`. After that one login, and no other, tries it first: it
        takes that on itself by putting off the end of the pause. The dead come last: each may have come back.
        """
        start = names.index(self.turn) if self.turn in names else 0
        turns = [*names[start:], *names[:start]]
        alive = [name for name in turns if name not in self.dead]
        # `<=` on both sides: a time that this boot can't have written (NaN, too far ahead) is over, too.
        resting = [name for name in turns if name in self.dead and now < self.dead[name] <= now + dead_seconds]
        probed = [name for name in turns if name not in alive and name not in resting]
        alive.sort(key=lambda name: OVERDUE_SECONDS <= now - self.asked.get(name, now) <= answer_seconds)  # stable
        order = [*probed[:1], *alive, *probed[1:], *resting]
        served = (alive or order)[0]
        self.turn = names[(names.index(served) + 1) % len(names)]
        self.dead = {name: until for name, until in self.dead.items() if name in names}
        self.asked = {name: since for name, since in self.asked.items() if name in names}
        if not 0 <= now - self.asked.get(order[0], float("-inf")) <= answer_seconds:
            self.asked[order[0]] = now
        for name in probed[:1]:
            self.dead[name] = now + dead_seconds
        return order


def change_memory(directory: str, change: Callable[[Memory], object]) -> None:
    """Read the memory, let `change` alter it, write it back; one login at a time. Raises MemoryUnusable."""
    try:
        descriptor = _opened(directory)
        try:
            _lock(descriptor)
            memory = Memory.parse(os.pread(descriptor, LARGEST_FILE, 0))
            change(memory)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, memory.lines(), 0)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise MemoryUnusable(f"{error.strerror}") from None


def _opened(directory: str) -> int:
    """Open the file, making what is missing. Follows no link, and trusts root's directory and file alone."""
    with suppress(FileExistsError):
        os.mkdir(directory, 0o700)  # noqa: PTH102 - pathlib is slow to load
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _must_be_roots(folder, stat.S_ISDIR)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(FILE_NAME, flags, 0o600, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        _must_be_roots(descriptor, stat.S_ISREG)
    except MemoryUnusable:
        os.close(descriptor)
        raise
    return descriptor


def _must_be_roots(descriptor: int, is_right_kind: Callable[[int], bool]) -> None:
    status = os.fstat(descriptor)
    if not is_right_kind(status.st_mode):
        raise MemoryUnusable("not a regular file in a directory")
    if status.st_uid != 0 or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise MemoryUnusable("not root's alone")


def _lock(descriptor: int) -> None:
    """Lock the file, or give up soon: no login waits for another's crash."""
    for _ in range(LOCK_TRIES):
        try:
            os.lockf(descriptor, os.F_TLOCK, 0)
        except (BlockingIOError, PermissionError):  # POSIX leaves the choice
            time.sleep(LOCK_PAUSE_SECONDS)
        else:
            return
    raise MemoryUnusable("locked by another login")
