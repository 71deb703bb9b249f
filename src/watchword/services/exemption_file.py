"""Change an exemption file without losing anybody's edit, and without a moment in which it is half written.

Whoever changes the file holds a lock on its directory (the file itself is replaced, so a lock on it would not last).
The new file takes the place of the old in one step and keeps its owner and mode. A last line without an end may have
been cut off: only `edit`, where a person has just seen it, completes it. `now` is local time as (year, month, day,
hour, minute, second, ...).
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from watchword.clock import pause
from watchword.domain.errors import Conflict, InvalidValue, NotFound
from watchword.domain.exemption_rules import LineReader, Rule
from watchword.domain.exemptions import Problem, check, lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.domain.expiry import Moment

_TRIES = 50
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Line:
    """A line of the file, counted from 1."""

    number: int
    text: str


@dataclass(frozen=True)
class Added:
    """A rule that was written; `decided_by` is an earlier line that leaves it without effect."""

    line: Line
    decided_by: Line | None


class Choice(Enum):
    """What to do about an edited file with a line that does not parse."""

    EDIT_AGAIN = "edit"
    DISCARD = "discard"
    INSTALL = "install"


def read(path: Path) -> str:
    """Read a file; bytes that are not UTF-8 become lone surrogates, and are written back as they were."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        raise NotFound(f"there is no {path}", hint="name the file with --file") from None
    except OSError as error:
        raise NotFound(f"cannot read {path}: {error.strerror}", hint="run this as root, or name another file") from None


def add_rule(path: Path, rule: str, now: Moment, *, at_top: bool = False) -> Added:
    """Write a rule at the end of the file, or above all others; raise InvalidValue if it does not parse."""
    rule = rule.strip()
    new = _parse_new(rule)
    with _locked(path):
        text = read(path) if path.exists() else ""
        if not at_top:
            _refuse_bad_lines(path, text)
        _replace(path, f"{rule}\n{text}" if at_top else f"{text}{rule}\n")
    number = 1 if at_top else text.count("\n") + 1
    return Added(Line(number, rule), None if at_top else _decided_by(text, new, now))


def prune_expired(path: Path, now: Moment, *, dry_run: bool = False) -> list[Line]:
    """Take out the rules that have expired, and list them; comments and lines that do not parse stay as they are."""
    with _locked(path):
        kept, gone = [], []
        for number, text, meaning in lines(read(path)):
            if isinstance(meaning, Rule) and meaning.has_ended(now):
                gone.append(Line(number, text))
            else:
                kept.append(text)
        if gone and not dry_run:
            _replace(path, "\n".join(kept))
    return gone


def edit(path: Path, open_editor: Callable[[Path], None], decide: Callable[[list[Problem]], Choice]) -> int:
    """Have a copy edited and checked, then put it in place; answer how many lines differ.

    0: nothing was changed, or the edit was discarded. A last line that the editor leaves without its end is completed.
    """
    with _locked(path), tempfile.TemporaryDirectory(prefix="watchword-") as folder:
        before = path.read_bytes() if path.exists() else b""
        copy = Path(folder, path.name)
        copy.write_bytes(before)
        while True:
            open_editor(copy)
            text = _completed(read(copy))
            problems = check(text)
            choice = decide(problems) if problems else Choice.INSTALL
            if choice is Choice.DISCARD:
                return 0
            if choice is Choice.INSTALL:
                break
        if copy.read_bytes() == before:
            return 0
        _replace(path, text)
        return _lines_that_differ(before.decode("utf-8", "surrogateescape"), text)


def _completed(text: str) -> str:
    """Give the last line its end: an editor may leave it out, and somebody has just looked at it."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def _lines_that_differ(old: str, new: str) -> int:
    """Count the lines that were added, taken out or changed."""
    steps = SequenceMatcher(None, old.split("\n"), new.split("\n")).get_opcodes()
    return sum(max(end - start, to - at) for step, start, end, at, to in steps if step != "equal")


def _parse_new(rule: str) -> Rule:
    if "\n" in rule:
        raise InvalidValue("a rule is one line", hint="add them one at a time, or use: watchword exemptions edit")
    parsed = LineReader().read(rule)
    if parsed is None:
        raise InvalidValue("the rule is empty", hint="write permission : accounts : origins [ : expires ]")
    return parsed


def _refuse_bad_lines(path: Path, text: str) -> None:
    for problem in check(text):
        raise Conflict(
            f"{path}:{problem.line} does not parse ({problem.reason}), and nothing below it counts",
            hint="mend that line first: watchword exemptions edit",
        )


def _decided_by(text: str, new: Rule, now: Moment) -> Line | None:
    for number, line, meaning in lines(text):
        if isinstance(meaning, Rule) and not meaning.has_ended(now) and meaning.covers(new):
            return Line(number, line.strip())
    return None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file for oneself: wait some seconds for others, then raise Conflict."""
    try:
        folder = os.open(path.resolve().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise NotFound(
            f"cannot open the directory of {path}: {error.strerror}", hint="name the file with --file"
        ) from None
    try:
        _wait_for(folder, path)
        yield
    finally:
        os.close(folder)


def _wait_for(folder: int, path: Path) -> None:
    for _ in range(_TRIES):
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pause(_PAUSE_SECONDS)
        else:
            return
    raise Conflict(f"somebody else is changing {path}", hint="try again when they have finished")


def _replace(path: Path, text: str) -> None:
    """Put the text in the file's place in one step, under its owner and mode (a new file: root's habit, 0644)."""
    target = path.resolve()
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise Conflict(f"cannot write beside {path}: {error.strerror}", hint="run this as root") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            _copy_owner_and_mode(target, descriptor)
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(target)
    except OSError as error:
        raise Conflict(
            f"cannot replace {path}: {error.strerror}", hint="run this as root; the file is as it was"
        ) from None
    finally:
        Path(name).unlink(missing_ok=True)
    _sync_directory(target.parent)


def _copy_owner_and_mode(target: Path, descriptor: int) -> None:
    if not target.exists():
        os.fchmod(descriptor, 0o644)
        return
    about = target.stat()
    os.fchown(descriptor, about.st_uid, about.st_gid)
    os.fchmod(descriptor, about.st_mode & 0o7777)


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
