"""Read a PAM stack as libpam reads it: `@include`, `include` and `substack`, lines that go on after a backslash.

Source: libpam/pam_handlers.c and pam_misc.c of Linux-PAM 1.5, with Debian's `@include`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

TYPES = ("auth", "account", "session", "password")
DEEPEST_INCLUDE = 32  # PAM_SUBSTACK_MAX_LEVEL

# What a control word stands for: the action for each return value of the module.
WORDS: Mapping[str, Mapping[str, str]] = {
    "required": {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "bad"},
    "requisite": {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "die"},
    "sufficient": {"success": "done", "new_authtok_reqd": "done", "default": "ignore"},
    "optional": {"success": "ok", "new_authtok_reqd": "ok", "default": "ignore"},
}
ACTIONS = ("ignore", "ok", "done", "bad", "die", "reset")
INCLUDES = ("include", "substack")

# A word, or one in brackets, in which a backslash guards a bracket.
_WORD = re.compile(r"\[(?P<bracketed>(?:\\.|[^\]\\])*)\]|(?P<plain>\S+)")


@dataclass(frozen=True, slots=True, eq=False)  # two lines with the same words are two lines
class StackLine:
    """One line that runs a module. `place` is FILE:NUMBER, `substacks` the lines whose substacks it is in."""

    place: str
    type: str
    control: str
    actions: Mapping[str, str] = field(repr=False)
    module: str
    arguments: tuple[str, ...]
    substacks: tuple[str, ...] = ()

    @property
    def runs_python(self) -> bool:
        """Whether the module is pam_python, so that its first argument is what decides."""
        return Path(self.module).name == "pam_python.so" and bool(self.arguments)

    @property
    def program(self) -> str:
        """The file that decides: what pam_python runs, else the module itself."""
        return self.arguments[0] if self.runs_python else self.module

    @property
    def name(self) -> str:
        """The last part of that: `token.py`, `pam_unix.so`."""
        return Path(self.program).name

    def action(self, returned: str) -> str:
        """Answer what libpam does when the module returns this: one of ACTIONS, or how many lines to jump."""
        return self.actions.get(returned, self.actions.get("default", "bad"))


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line that libpam does not understand. It fails every login that reaches it."""

    place: str
    why: str


@dataclass(frozen=True, slots=True)
class Stack:
    """A service's lines, in order, with what is included in its place."""

    lines: tuple[StackLine, ...]
    mistakes: tuple[Mistake, ...]

    def of(self, kind: str) -> tuple[StackLine, ...]:
        """List the lines of one type: `auth`, `account`, `session` or `password`."""
        return tuple(line for line in self.lines if line.type == kind)


def read_stack(directory: Path, service: str) -> Stack:
    """Read a service's stack; raises OSError if its own file can't be read. Total on what files hold."""
    reader = _Reader(directory)
    reader.read(directory / service, _Within())
    return Stack(tuple(reader.lines), tuple(reader.mistakes))


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line that says something: comments cut off, continued ones put together."""
    begun, number_begun = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        number_begun = number_begun or number
        body, hash_sign, _ = line.partition("#")
        body = body.strip()
        if not hash_sign and body.endswith("\\"):
            begun += body[:-1] + " "
            continue
        whole = (begun + body).strip()
        if whole:
            yield number_begun, whole
        begun, number_begun = "", 0
    if begun.strip():
        yield number_begun, begun.strip()


@dataclass(frozen=True, slots=True)
class _Within:
    """What a file is read as a part of: the one type that is wanted from it, and how deep it is included."""

    only: str | None = None
    substacks: tuple[str, ...] = ()
    depth: int = 0


class _Reader:
    """Collects the lines of a file and of what it includes."""

    def __init__(self, directory: Path) -> None:
        self.lines: list[StackLine] = []
        self.mistakes: list[Mistake] = []
        self._directory = directory

    def read(self, path: Path, within: _Within) -> None:
        """Read a file; raises OSError if it can't be read."""
        for number, text in logical_lines(path.read_text(encoding="utf-8", errors="replace")):
            place = f"{path.name}:{number}"
            found = list(_WORD.finditer(text))
            words = [word["plain"] or word["bracketed"] or "" for word in found]
            try:
                if words[0].lower() == "@include":
                    self._include(words[1:2], within)
                elif (kind := _type_of(words[0])) == (within.only or kind):
                    is_bracketed = len(found) > 1 and found[1]["bracketed"] is not None
                    self._take(place, kind, words[1:], within, is_bracketed=is_bracketed)
            except _Wrong as wrong:
                self.mistakes.append(Mistake(place, str(wrong)))

    def _take(self, place: str, kind: str, words: list[str], within: _Within, *, is_bracketed: bool) -> None:
        if len(words) < 2:
            raise _Wrong("a line is: type, control, module, arguments")
        control, module, *arguments = words
        word = control.lower()
        if word in INCLUDES and not is_bracketed:
            inside = (*within.substacks, place) if word == "substack" else within.substacks
            self._include([module], replace(within, only=kind, substacks=inside))
            return
        actions = _bracket_actions(control) if is_bracketed else WORDS.get(word)
        if actions is None:
            raise _Wrong(f"{control!r} is no control word")
        shown = f"[{control}]" if is_bracketed else word
        self.lines.append(StackLine(place, kind, shown, actions, module, tuple(arguments), within.substacks))

    def _include(self, names: list[str], within: _Within) -> None:
        if not names:
            raise _Wrong("it includes nothing")
        if within.depth >= DEEPEST_INCLUDE:
            raise _Wrong("files include each other without an end")
        try:
            self.read(self._directory / names[0], replace(within, depth=within.depth + 1))
        except OSError as error:
            raise _Wrong(f"what it includes, {names[0]}, can't be read: {error.strerror}") from None


def _type_of(word: str) -> str:
    kind = word.lower().removeprefix("-")  # a dash only keeps a missing module out of the log
    if kind not in TYPES:
        raise _Wrong(f"{word!r} is not one of {', '.join(TYPES)}")
    return kind


class _Wrong(Exception):
    """A line that libpam does not understand."""


def _bracket_actions(control: str) -> Mapping[str, str]:
    """Read `success=1 default=ignore`."""
    actions = {}
    for pair in control.split():
        value, equals, action = pair.partition("=")
        if not equals or not (action in ACTIONS or (action.isascii() and action.isdigit())):
            raise _Wrong(f"{pair!r} is not return-value=action")
        # A jump of no lines is no jump: libpam takes it for "ignore".
        actions[value] = "ignore" if action.strip("0") == "" else action
    return actions
