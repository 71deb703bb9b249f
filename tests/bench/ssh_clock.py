"""Time an ssh login at a terminal where the code is typed the moment it is asked for."""

import os
import pty
import time
from collections.abc import Callable
from pathlib import Path

from tests.harness.accounts import Account
from tests.harness.ports import LOOPBACK
from tests.harness.sshd import Sshd

PROMPT = b"code: "


def login_milliseconds(sshd: Sshd, account: Account, key: Path, code: Callable[[], str] | None) -> float:
    """Log in with a key, and a code if one is given, and run `true`; raises AssertionError if that fails."""
    options = [*sshd.client_options, "-i", str(key), "-o", "NumberOfPasswordPrompts=1", "-p", str(sshd.port)]
    argv = ["ssh", *options, f"{account.name}@{LOOPBACK}", "true"]
    typed = f"{code()}\n".encode("ascii") if code else b""
    start = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(argv[0], argv)
    shown = _answered(terminal, typed)
    _, status = os.waitpid(child, 0)
    took = (time.perf_counter() - start) * 1000
    os.close(terminal)
    if os.waitstatus_to_exitcode(status) != 0:
        raise AssertionError(f"ssh did not log in:\n{shown.decode('utf-8', 'replace')}")
    return took


def _answered(terminal: int, typed: bytes) -> bytes:
    """Type at the prompt, and read until the client ends."""
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # Linux says so when nobody has the terminal any more
            return shown
        if typed and shown.rstrip(b" ").endswith(PROMPT.rstrip(b" ")):
            os.write(terminal, typed)
            typed = b""
