"""Where each audit chain ended when this server last wrote to it, kept beside the database, not in it.

Whoever can change the database could cut off a chain's end and set its head back: every line left would verify.
The anchor, a file on the server, remembers how far the chain had come.
"""

import os
from pathlib import Path


class Anchors:
    """A file for each writer: sequence number and MAC of its last event."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def remember(self, writer: str, sequence: int, mac: bytes) -> None:
        """Write down where a chain ends. The line's length never changes, so one write replaces it whole."""
        descriptor = os.open(self._file(writer), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
        try:
            os.pwrite(descriptor, f"{sequence:020d} {mac.hex()}\n".encode("ascii"), 0)
        finally:
            os.close(descriptor)

    def recall(self) -> dict[str, tuple[int, bytes]]:
        """Read every writer's anchor on this server."""
        anchors = {}
        for file in sorted(self.directory.glob("*.anchor")) if self.directory.is_dir() else ():
            sequence, _, mac = file.read_text(encoding="ascii").strip().partition(" ")
            anchors[file.name.removesuffix(".anchor").replace("%2F", "/")] = (int(sequence), bytes.fromhex(mac))
        return anchors

    def _file(self, writer: str) -> Path:
        return self.directory / (writer.replace("/", "%2F") + ".anchor")
