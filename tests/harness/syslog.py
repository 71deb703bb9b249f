"""A syslog of one's own: a datagram socket that remembers what it was sent."""

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What glibc sends: <priority>Mon dd hh:mm:ss tag: message
DATAGRAM = re.compile(r"<\d+>(?P<time>\w{3} [ \d]\d \d\d:\d\d:\d\d) (?P<rest>.*)", re.DOTALL)
HOST = "node"
LARGEST_DATAGRAM = 65536
POLL_SECONDS = 0.02


@contextmanager
def _short_name(path: Path) -> Iterator[str]:
    """Give another name of `path` for a socket: theirs hold 107 bytes, and a test's directory may be deep (unix(7))."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


class Syslog:
    """Collects lines such as `sshd[123]: Accepted …`; with `file`, writes them as rsyslog traditionally does."""

    def __init__(self, path: Path, file: Path | None = None) -> None:
        self.path = path
        self._file = file
        self._lines: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with _short_name(path) as name:
            self._socket.bind(name)
        path.chmod(0o666)
        if file is not None:
            file.touch(mode=0o640)
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    @property
    def lines(self) -> list[str]:
        """Every line so far, as `tag: message`."""
        return list(self._lines)

    def matching(self, pattern: str) -> list[str]:
        """Return the lines in which `pattern` is found."""
        return [line for line in self._lines if re.search(pattern, line)]

    def wait_for(self, pattern: str, seconds: float = 10) -> str:
        """Return the first line in which `pattern` is found; raises AssertionError, with all lines, if none comes."""
        deadline = time.monotonic() + seconds
        while not (found := self.matching(pattern)):
            if time.monotonic() > deadline:
                raise AssertionError(f"no line matches {pattern!r} among:\n" + "\n".join(self._lines))
            time.sleep(POLL_SECONDS)
        return found[0]

    def close(self) -> None:
        """Stop listening."""
        # An empty datagram is never sent by syslog(3): it ends the thread.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, _short_name(self.path) as name:
            sender.sendto(b"", name)
        self._thread.join()
        self._socket.close()

    def _receive(self) -> None:
        while datagram := self._socket.recv(LARGEST_DATAGRAM):
            self._remember(datagram.decode("utf-8", "replace").rstrip("\n\0"))

    def _remember(self, text: str) -> None:
        found = DATAGRAM.match(text)
        line = found["rest"] if found else text
        if self._file is not None and found:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{found['time']} {HOST} {line}\n")
        self._lines.append(line)
