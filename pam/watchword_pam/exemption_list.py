"""Read the exemption file at a login, and say what it says.

A file that cannot be trusted or read exempts nobody, and says so in the log. The account is looked up as the node
spells it: a directory that ignores case lets `Mallory` in as `mallory`, and a rule must mean both. One that the node
does not know is looked up as typed.
"""

from __future__ import annotations

import os
import stat

from watchword.domain.exemptions import LARGE, Finding, Login, find
from watchword_pam.memory_files import STATE_DIRECTORY
from watchword_pam.nss import Membership, as_the_node_spells
from watchword_pam.system_log import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Log = Callable[[str], None]

LARGEST_FILE_BYTES = 64 * 1024 * 1024
_ROOT = 0


class _Unsafe(Exception):
    """The file is not one that root alone decides about; the message is fit for the log."""


def find_exemption(
    path: str,
    account: str,
    address: str | None,
    now: tuple[int, ...],
    log: Log,
    *,
    owner: int = _ROOT,
    state: str = STATE_DIRECTORY,
) -> Finding:
    """Find what the file says about a login, and log every grant and everything that is wrong with the file.

    An address of None or "" is a local login. `now` is local time as time.localtime() gives it. `owner` is the user id
    that the file must belong to, and what lies in the directory `state`.
    """
    try:
        data = read_bytes(path, owner=owner)
    except _Unsafe as wrong:
        log(f"exemptions: {path} {wrong}: nobody is exempt")
        return Finding(False, f"{path} {wrong}")
    except OSError as error:
        log(f"exemptions: cannot read {path} ({os.strerror(error.errno or 0)}): nobody is exempt")
        return Finding(False, f"cannot read {path}")
    name = as_the_node_spells(account) or account
    asked = Membership(name, log)
    login = Login(name, address, now, asked.is_in_group, asked.is_in_netgroup)
    finding = _find_in_large(data, login, state, path, owner) if len(data) > LARGE else find(_decoded(data), login)
    if finding.bad_line:
        why = printable(finding.bad_reason)
        log(f"exemptions: {path}:{finding.bad_line}: {why}; this line and all below are left out")
    if finding.exempt:
        typed = "" if name == account else f" (typed as {printable(account)})"
        who = f"{printable(name)}{typed} from {printable(address or 'this node')}"
        log(f"exemptions: {who} is exempt by {path}:{finding.line}: {printable(finding.rule)}")
    return finding


def _find_in_large(data: bytes, login: Login, state: str, path: str, owner: int) -> Finding:
    """Find what a large file says, without parsing the lines that earlier logins found right."""
    from watchword_pam.exemption_memory import recall, remember, worth_remembering  # noqa: PLC0415 - most are small

    text = _decoded(data)
    known = _known(text, data, recall(state, path, data, owner=owner))
    finding = find(text, login, known=known)
    lines = worth_remembering(text, *known, finding.checked)
    if lines:
        whole = len(lines) == len(text)
        remember(state, path, data if whole else lines.encode("utf-8", "surrogateescape"), owner=owner)
    return finding


def _known(text: str, data: bytes, remembered: bytes) -> tuple[int, int]:
    """Return (head, tail): the lines before head and from tail on are remembered, those between are not."""
    end = text.rfind("\n") + 1
    if remembered is data:
        return end, end
    if not remembered:
        return 0, end
    from watchword.domain.known_lines import shared  # noqa: PLC0415 - after an edit only

    return shared(text, _decoded(remembered))


def _decoded(data: bytes) -> str:
    """Turn bytes that are not UTF-8 into lone surrogates, which no rule may hold."""
    return data.decode("utf-8", "surrogateescape")


def explain(text: str, account: str, address: str | None, now: tuple[int, ...], log: Log) -> Finding:
    """Find what a file's text says about a login on this node; `log` hears of groups that cannot be looked up."""
    name = as_the_node_spells(account) or account
    asked = Membership(name, log)
    return find(text, Login(name, address, now, asked.is_in_group, asked.is_in_netgroup))


def read_bytes(path: str, *, owner: int = _ROOT) -> bytes:
    """Read the file. Raise OSError, or _Unsafe for one that others could have written, is no file, or is too large."""
    # O_NONBLOCK: opening a FIFO would wait for a writer, and the login with it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        about = os.fstat(descriptor)
        wrong = why_refused(about, owner=owner)
        if wrong:
            raise _Unsafe(wrong)
        return file.read(about.st_size)


def why_refused(about: os.stat_result, *, owner: int = _ROOT) -> str:
    """Say why a login would not use a file like this; nothing if it would."""
    if not stat.S_ISREG(about.st_mode):
        return "is not a regular file"
    if about.st_uid != owner:
        return f"must belong to user id {owner}, not {about.st_uid}"
    if about.st_mode & stat.S_IWOTH:
        return "can be written by everybody: chmod o-w"
    if about.st_size > LARGEST_FILE_BYTES:
        return f"has more than {LARGEST_FILE_BYTES} bytes"
    return ""
