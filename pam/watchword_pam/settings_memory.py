"""What TOML makes of pam.toml, kept for the next login: the parser takes longer to load than all else of a login.

Remembered is the file, word for word, and what the parser gave for it. Only a login that reads the very same words may
use that, so an edit counts from the next login on; and what is used is checked like any document, at each login. The
copy holds what pam.toml holds, secrets too, and lies in a file of root's alone. Whatever is wrong with it only means
that the parser is loaded.
"""

from __future__ import annotations

import marshal
import os
import sys
import zlib

from watchword_pam.memory_files import NO_MEMORY, STATE_DIRECTORY, memory_name, open_memory, replace_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LAYOUT = 1
"""Of what is written down; each release that writes something else has another."""

HEADER = b"watchword: pam.toml as Python %x reads it, layout %d; may be removed at any time\n" % (
    sys.hexversion,
    LAYOUT,
)
DATE = "deadline"
"""The one key whose value is a date, which can't be written down as the others can."""

LARGEST_BYTES = 4 * 1024 * 1024
"""pam.toml has at most one MiB, and is in here twice."""

_KIND = "settings"
_CHECK_BYTES = 4
_ROOT = 0


def parsed(path: str, data: bytes, *, directory: str = STATE_DIRECTORY, owner: int = _ROOT) -> dict[str, Any]:
    """Return the document that TOML makes of a file's bytes. Raises ValueError if they are none, or RecursionError."""
    name = memory_name(_KIND, path)
    document = _recalled(directory, name, data, owner)
    if document is None:
        import tomllib  # noqa: PLC0415 - this is what a memory spares

        document = tomllib.loads(data.decode("utf-8"))
        _remember(directory, name, data, document, owner)
    return document


def _recalled(directory: str, name: str, data: bytes, owner: int) -> dict[str, Any] | None:
    try:
        descriptor = open_memory(directory, name, owner=owner)
        try:
            found = os.read(descriptor, LARGEST_BYTES)
        finally:
            os.close(descriptor)
        check, body = found[len(HEADER) :][:_CHECK_BYTES], found[len(HEADER) + _CHECK_BYTES :]
        if not found.startswith(HEADER) or check != _check(body):
            return None
        remembered, document, day = marshal.loads(body)  # noqa: S302 - root's own, as open_memory saw
        if remembered != data or type(document) is not dict:
            return None
        if day:
            from datetime import date  # noqa: PLC0415 - slow to load, and most files name no day

            document[DATE] = date(*day)
    except (*NO_MEMORY, EOFError, TypeError, OverflowError, MemoryError):
        return None
    return document


def _remember(directory: str, name: str, data: bytes, document: dict[str, Any], owner: int) -> None:
    from datetime import date  # noqa: PLC0415 - the parser has loaded it

    others, day = document, None
    if type(document.get(DATE)) is date:
        others = {key: value for key, value in document.items() if key != DATE}
        day = document[DATE].timetuple()[:3]
    try:
        body = marshal.dumps((data, others, day))
    except ValueError:  # a date in another place, which is a mistake: each login shall say so
        return
    if len(HEADER) + _CHECK_BYTES + len(body) < LARGEST_BYTES:
        replace_memory(directory, name, (HEADER, _check(body), body), owner=owner)


def _check(body: bytes) -> bytes:
    """Return a checksum, against memory that fails; against people there is the file's owner."""
    return zlib.crc32(body).to_bytes(_CHECK_BYTES, "big")
