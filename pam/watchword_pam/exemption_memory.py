"""What logins tell each other about an exemption file: those of its lines that are right, word for word.

The memory decides nothing. It spares a login from parsing a line again that stands in the file exactly so. Whatever is
wrong with it (missing, cut off, of another file, not root's) only means that lines are parsed. So nothing here fails: a
login goes on without.
"""

from __future__ import annotations

import os

from watchword.domain.exemption_rules import GRAMMAR
from watchword_pam.memory_files import NO_MEMORY, memory_name, open_memory, replace_memory

LARGEST_BYTES = 16 * 1024 * 1024
"""The memory lies in /run, which is the machine's own: of a larger file nothing is remembered."""

WORTH_REMEMBERING = 4 * 1024
"""Characters of newly checked lines from which on it pays to write them down."""

HEADER = b"# lines of an exemption file that grammar %d of watchword takes; may be removed at any time\n" % GRAMMAR
_PIECE_BYTES = 64 * 1024
_KIND = "exemptions"


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
        return _read(open_memory(directory, memory_name(_KIND, path), owner=owner), data)
    except NO_MEMORY:
        return b""


def remember(directory: str, path: str, lines: bytes, *, owner: int) -> None:
    """Write down lines that were found right; unless they are too many, or another login is writing."""
    if len(lines) <= LARGEST_BYTES:
        replace_memory(directory, memory_name(_KIND, path), (HEADER, lines), owner=owner)


def _read(descriptor: int, data: bytes) -> bytes:
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
