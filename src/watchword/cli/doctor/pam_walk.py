"""Walk a PAM stack as libpam does, down every path that a kind of login can take.

Rule 1. `ok` and `done` count as a yes, unless something has said no before; `bad` and `die` count as a no, for good.
Rule 2. `done` after a yes, and `die`, end the stack, or the substack that they stand in.
Rule 3. A number jumps over so many lines, a substack being one, and counts as neither yes nor no. Beyond the end: a no.
Rule 4. A stack that ends without a yes refuses.

While credentials are set (pam_setcred), libpam as its makers have it takes a jump for the module's own word as well;
Debian's does not. This walk is Debian's: a stack that it grants, with modules that succeed, is granted by both.

Source: libpam/pam_dispatch.c of Linux-PAM 1.5.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from watchword.cli.doctor.pam_file import StackLine

SUCCESS = "success"


class Impression(Enum):
    """What the lines so far come to."""

    NONE = "none"
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Step:
    """A line that ran, what its module returned, and the lines that were jumped over because of that."""

    line: StackLine
    returned: str
    action: str
    skipped: tuple[StackLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """One way through the stack. `ended_by` is the line that ended it early."""

    steps: tuple[Step, ...] = ()
    impression: Impression = Impression.NONE
    status: str = "no module said yes"
    ended_by: StackLine | None = None

    @property
    def is_granted(self) -> bool:
        """Whether libpam answers PAM_SUCCESS."""
        return self.impression is Impression.YES and self.status == SUCCESS

    def after(self, step: Step) -> StackLine | None:
        """Answer the line that ran after a step; None if that was the last one."""
        place = self.steps.index(step) + 1
        return self.steps[place].line if place < len(self.steps) else None


def ways_through(
    lines: Sequence[StackLine],
    returns: Callable[[StackLine], Sequence[str]],
    remember: Callable[[Step], Hashable | None],
) -> Iterator[Walk]:
    """Yield the ways through the stack when each line's module may return what `returns` says.

    Of ways that meet in one line with the same result so far, and the same steps that `remember` tells apart (None:
    it doesn't matter), only the first is followed: their number stays small.
    """
    pending: list[tuple[int, Walk]] = [(0, Walk())]
    seen: set[Hashable] = set()
    while pending:
        index, walk = pending.pop()
        known = frozenset(mark for step in walk.steps if (mark := remember(step)) is not None)
        key = (index, walk.impression, walk.status, walk.ended_by, known)
        if key in seen:
            continue
        seen.add(key)
        if index >= len(lines):
            yield walk
            continue
        actions = {lines[index].action(returned): returned for returned in reversed(returns(lines[index]))}
        pending += [_after(lines, index, walk, returned, action) for action, returned in actions.items()]


def _after(lines: Sequence[StackLine], index: int, walk: Walk, returned: str, action: str) -> tuple[int, Walk]:
    """Take one step; answer where the walk goes on."""
    line = lines[index]
    if action.isdigit():
        return _jump(lines, index, walk, returned, action)
    walk = replace(walk, steps=(*walk.steps, Step(line, returned, action)))
    match action:
        case "ok" | "done":
            if walk.impression is Impression.NONE or (walk.impression is Impression.YES and walk.status == SUCCESS):
                walk = replace(walk, impression=Impression.YES, status=returned)
        case "bad" | "die":
            if walk.impression is not Impression.NO:
                walk = replace(walk, impression=Impression.NO, status=returned)
        case "reset":  # what a substack began with is not kept here: hardly anybody writes this
            walk = Walk(walk.steps)
    if action == "die" or (action == "done" and walk.impression is Impression.YES):
        end = _end_of_substack(lines, index)
        return end, walk if end < len(lines) and line.substacks else replace(walk, ended_by=line)
    return index + 1, walk


def _jump(lines: Sequence[StackLine], index: int, walk: Walk, returned: str, action: str) -> tuple[int, Walk]:
    landing, is_too_far = _landing(lines, index, int(action))
    walk = replace(walk, steps=(*walk.steps, Step(lines[index], returned, action, tuple(lines[index + 1 : landing]))))
    if is_too_far:
        walk = replace(walk, impression=Impression.NO, status="a jump beyond the end")
    return landing, walk


def _landing(lines: Sequence[StackLine], index: int, count: int) -> tuple[int, bool]:
    """Answer where a jump lands, and whether it goes beyond the end of its stack or substack."""
    landing, end = index + 1, _end_of_substack(lines, index)
    while count and landing < end:
        landing = _next_unit(lines, landing, len(lines[index].substacks))
        count -= 1
    return landing, count > 0


def jumped_over(lines: Sequence[StackLine], index: int, count: int) -> Sequence[StackLine]:
    """List the lines that a jump in line `index` skips."""
    return lines[index + 1 : _landing(lines, index, count)[0]]


def jump_to(lines: Sequence[StackLine], index: int, target: int) -> int:
    """Count how many lines a jump in line `index` must skip to land on line `target`."""
    count = 0
    landing = index + 1
    while landing < target:
        landing = _next_unit(lines, landing, len(lines[index].substacks))
        count += 1
    return count


def _next_unit(lines: Sequence[StackLine], index: int, level: int) -> int:
    """Answer the index after one line, or after a whole substack that is deeper than `level`."""
    if len(lines[index].substacks) <= level:
        return index + 1
    return _while_within(lines, index, lines[index].substacks[: level + 1])


def _end_of_substack(lines: Sequence[StackLine], index: int) -> int:
    """Answer the index after the substack that a line is in; after the stack for a line in none."""
    return _while_within(lines, index, lines[index].substacks)


def _while_within(lines: Sequence[StackLine], index: int, substacks: tuple[str, ...]) -> int:
    while index < len(lines) and lines[index].substacks[: len(substacks)] == substacks:
        index += 1
    return index
