"""What a long exemption list costs a login."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.bench_exemptions import aligned, plain

from tests.bench.figures import Series, difference
from tests.bench.pam_logins import PamLogins, Taken
from tests.bench.report import Aim, Row
from tests.bench.stage import Stage

ROUNDS = 40
FEW, MANY = 10, 10_000
AIM_MILLISECONDS = 5
SEED = 20261122

NOTES = f"""\
- The whole module, as a login has it: one pamtester process with `exemption.py` alone in the stack, from exec to
  exit, in turns; nothing in the list matches. Files of {FEW} and {MANY:,} lines of the same making.
- "One name a line" is a name, an address and a date; "lists" are one to three names and one or two addresses, in
  columns. "A line edited" changes one of the lines before each login. "Never read before" also takes away what
  earlier logins left under `/run`: the first login after a boot.
"""


@dataclass(frozen=True)
class Exemptions:
    """A PAM service with a file of exemptions, and what is done before each login."""

    service: str
    against: str = ""
    has_aim: bool = True
    before: Callable[[], object] = lambda: None


def measure(stage: Stage) -> Row:
    """Run the module over each file in turns."""
    logins = PamLogins(stage, "exemptions")
    files = _files(logins)
    samples: dict[str, list[Taken]] = {name: [] for name in files}
    for turn in range(10 if stage.quick else ROUNDS):
        if turn % 10 == 0:
            stage.calibrate()
        for name, file in files.items():
            file.before()
            samples[name].append(logins.log_in(file.service))
    cpu = {name: [login.cpu_ms for login in taken] for name, taken in samples.items()}
    wall = {name: [login.wall_ms for login in taken] for name, taken in samples.items()}
    aims = [_aim(name, file, cpu, wall) for name, file in files.items() if file.against]
    series = [
        *(Series(name, "ms CPU", tuple(values)) for name, values in cpu.items()),
        *(Series(name, "ms", tuple(values)) for name, values in wall.items()),
    ]
    return Row("Long exemption lists", aims, series, NOTES)


def _aim(name: str, file: Exemptions, cpu: dict[str, list[float]], wall: dict[str, list[float]]) -> Aim:
    more_cpu, more_wall = difference(cpu[name], cpu[file.against]), difference(wall[name], wall[file.against])
    measured = f"{more_wall} ms more; CPU {more_cpu} ms more"
    aim = f"at most {AIM_MILLISECONDS} ms more" if file.has_aim else "none"
    met = more_wall.middle <= AIM_MILLISECONDS if file.has_aim else None
    return Aim(f"exemption list of {name}", f"one of {file.against}", aim, measured, met)


def _files(logins: PamLogins) -> dict[str, Exemptions]:
    """Write the files, and a service for each."""
    few_plain, few_lists = f"{FEW} lines, one name each", f"{FEW} lines, lists"
    many_plain, many_lists = f"{MANY:,} lines, one name each", f"{MANY:,} lines, lists"
    made = {few_plain: (plain, FEW), few_lists: (aligned, FEW), many_plain: (plain, MANY), many_lists: (aligned, MANY)}
    paths = {name: _written(logins, number, *how) for number, (name, how) in enumerate(made.items())}
    edited, new = _written(logins, 4, aligned, MANY), _written(logins, 5, aligned, MANY)
    return {
        few_plain: Exemptions(paths[few_plain].stem),
        few_lists: Exemptions(paths[few_lists].stem),
        many_plain: Exemptions(paths[many_plain].stem, few_plain),
        many_lists: Exemptions(paths[many_lists].stem, few_lists),
        f"{many_lists}, a line edited": Exemptions(edited.stem, few_lists, before=lambda: _edit_a_line(edited)),
        f"{many_lists}, never read before": Exemptions(
            new.stem, few_lists, has_aim=False, before=lambda: _forget(logins)
        ),
    }


def _written(logins: PamLogins, number: int, write_line: Callable[[random.Random], str], lines: int) -> Path:
    """Write a file of exemptions, and a service of its name whose stack has `exemption.py` alone."""
    chance = random.Random(SEED + number)
    file = logins.layout.home / f"exemptions{number}.conf"
    file.write_text("".join(f"{write_line(chance)}\n" for _ in range(lines)), encoding="ascii")
    module = logins.layout.line("exemption", "sufficient", f"exemptions={file}")
    logins.layout.write_service(file.stem, module, "auth required pam_permit.so")
    return file


def _edit_a_line(file: Path) -> None:
    lines = file.read_text(encoding="ascii").splitlines()
    lines[random.randrange(len(lines))] = aligned(random.Random())
    file.write_text("\n".join([*lines, ""]), encoding="ascii")


def _forget(logins: PamLogins) -> None:
    """Take away what earlier logins remember of the last file."""
    logins.do("sh", "-c", "rm -f /run/watchword/exemptions*5.conf*")
