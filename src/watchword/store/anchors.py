"""Where each audit chain ended when this server last wrote to it, kept beside the database, not in it.

Whoever can change the database could cut off a chain's end and set its head back: every line left would verify.
The anchor, a file on the server, remembers how far the chain had come, and never goes back.
"""

import fcntl
import os
from pathlib import Path
from typing import NamedTuple

Head = tuple[int, bytes]

_LINE_OCTETS = 20 + 1 + 64 + 1


class Anchored(NamedTuple):
    """What this server remembers: where each writer's chain ended, and what was wrong with some of them."""

    heads: dict[str, Head]
    faults: dict[str, str]


class Anchors:
    """A file for each writer: sequence number and MAC of its last event; and one more if its chain ever went back."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._files: dict[str, Path] = {}

    def remember(self, writer: str, sequence: int, mac: bytes) -> None:
        """Write down where a chain ends, unless it is known to have come further.

        The line's length never changes, so one write replaces it whole.
        """
        descriptor = os.open(self._file(writer), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            known = _parse(os.pread(descriptor, _LINE_OCTETS, 0))
            if known is None or known[0] < sequence:
                os.pwrite(descriptor, f"{sequence:020d} {mac.hex()}\n".encode("ascii"), 0)
        finally:
            os.close(descriptor)

    def find_fault(self, writer: str, sequence: int, mac: bytes) -> str:
        """Say what is wrong if a chain that this server wrote ends here now; empty if nothing is, or it was noted.

        An anchor is written after its event, so a chain can be ahead of its anchor, never behind. What is found is
        kept in a file of its own, since the next anchors will look right again.
        """
        try:
            known = _parse(self._file(writer).read_bytes())
        except FileNotFoundError:
            return ""
        if known is None or known[0] < sequence or known == (sequence, mac):
            return ""
        noted = self._file(writer).with_suffix(".fault")
        if noted.exists():
            return ""
        fault = f"it had come to event {known[0]}, and was found ending at event {sequence}"
        noted.write_text(f"{fault}\n", encoding="ascii")
        return fault

    def recall(self) -> Anchored:
        """Read every writer's anchor on this server."""
        anchored = Anchored({}, {})
        for file in sorted(self.directory.glob("*.anchor")) if self.directory.is_dir() else ():
            writer = file.name.removesuffix(".anchor").replace("%2F", "/")
            head = _parse(file.read_bytes())
            if head is None:
                anchored.faults[writer] = f"its anchor {file} cannot be read"
            else:
                anchored.heads[writer] = head
            fault = file.with_suffix(".fault")
            if fault.exists():
                anchored.faults[writer] = f"{fault.read_text(encoding='ascii').strip()} (noted in {fault})"
        return anchored

    def _file(self, writer: str) -> Path:
        known = self._files.get(writer)
        if known is None:
            known = self._files[writer] = self.directory / (writer.replace("/", "%2F") + ".anchor")
        return known


def _parse(line: bytes) -> Head | None:
    sequence, _, mac = line.strip().partition(b" ")
    try:
        return int(sequence), bytes.fromhex(mac.decode("ascii"))
    except ValueError:
        return None
