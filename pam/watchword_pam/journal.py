"""Read systemd's journal: what one process of root's has logged as sshd."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress

from watchword_pam.clock import boot_seconds

JOURNALCTL = "/usr/bin/journalctl"
TIMEOUT_SECONDS = 2
MOST_BYTES = 256 * 1024


def recent_messages(pid: int, directory: str, since: int) -> list[str]:
    """Return the messages since a time (seconds of the epoch). Fields with an underscore are journald's own word.

    Raises OSError if there is no journalctl, and TimeoutError if it hangs.
    """
    arguments = [JOURNALCTL, "--quiet", "--no-pager", "--output=cat", "--all", f"--since=@{since}"]
    arguments += [f"--directory={directory}"] if directory else ["--boot"]
    arguments += [f"_PID={pid}", "_UID=0", "SYSLOG_IDENTIFIER=sshd", "SYSLOG_IDENTIFIER=sshd-session"]
    return _output_of(arguments).decode("utf-8", "replace").split("\n")


def _output_of(arguments: list[str]) -> bytes:
    """Run a program without environment or input, and return what it printed."""
    reader, writer = os.pipe()
    try:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, writer, 1),
            (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
        ]
        child = os.posix_spawn(arguments[0], arguments, {}, file_actions=actions)
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    try:
        return _read_all(reader)
    finally:
        os.close(reader)
        _end(child)


def _read_all(reader: int) -> bytes:
    """Read to the end. Raises TimeoutError."""
    until = boot_seconds() + TIMEOUT_SECONDS
    output = b""
    while len(output) < MOST_BYTES:
        ready, _, _ = select.select([reader], [], [], max(0, until - boot_seconds()))
        if not ready:
            raise TimeoutError
        chunk = os.read(reader, 65536)
        if not chunk:
            break
        output += chunk
    return output


def _end(child: int) -> None:
    with suppress(ProcessLookupError, ChildProcessError):  # sshd may have reaped it
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
