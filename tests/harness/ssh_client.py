"""The real clients, ssh, scp, sftp and plink, answered at a terminal as a person would."""

import io
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pexpect

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What is typed when a prompt shows."""

    prompt: str
    """A regular expression, looked for in what came since the last answer."""
    typed: str
    meanwhile: Callable[[], object] = lambda: None
    """Done when the prompt shows, before anything is typed."""


@dataclass(frozen=True)
class Session:
    """How it went."""

    transcript: str
    status: int
    answered: int
    """How many of the expected prompts were shown."""


def _obey_ctrl_c() -> None:
    """Undo what a script does to all that it starts in the background, these tests perhaps."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def at_terminal(argv: Sequence[str | Path], answers: Sequence[Answer], home: Path) -> Session:
    """Run a command at a terminal and answer its prompts in turn; raises AssertionError if it hangs.

    A prompt that never comes because the command ends is no error here: `answered` and `transcript` tell.
    """
    words = [str(word) for word in argv]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    screen = io.StringIO()
    child = pexpect.spawn(
        words[0], words[1:], encoding="utf-8", timeout=TIMEOUT_SECONDS, env=environment, preexec_fn=_obey_ctrl_c
    )
    child.logfile_read = screen
    answered = 0
    try:
        for answer in answers:
            if child.expect([answer.prompt, pexpect.EOF]) == 1:
                break
            answer.meanwhile()
            child.sendline(answer.typed)
            answered += 1
        else:
            child.expect(pexpect.EOF)
        # A client may leave its terminal before it ends: closed now, it would be hung up on.
        child.wait()
    except pexpect.TIMEOUT:
        raise AssertionError(f"{words[0]} hangs after {answered} answers:\n{screen.getvalue()}") from None
    finally:
        child.close()
    status = child.exitstatus if child.exitstatus is not None else 128 + (child.signalstatus or 0)
    return Session(screen.getvalue().replace("\r\n", "\n"), status, answered)
