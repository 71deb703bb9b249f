"""Run the bench: as root, `python -m tests.bench [NAME…] [--quick] [--only NAME,…]`; without names, all of it."""

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import machine
from tests.bench.figures import Series
from tests.bench.report import Machine, Row, page, summary
from tests.bench.rows import (
    dead_server,
    exemption_lines,
    latency,
    memory,
    pam_cpu,
    portal,
    scale,
    ssh_login,
    throughput,
)
from tests.bench.stage import CACHE, CHECKOUT, Stage

PAGE = CHECKOUT / "docs/benchmarks.md"

ROWS: dict[str, Callable[[Stage], Row]] = {
    "throughput": throughput.measure,
    "latency": latency.measure,
    "pam-cpu": pam_cpu.measure,
    "ssh-login": ssh_login.measure,
    "scale": scale.measure,
    "memory": memory.measure,
    "portal": portal.measure,
    "exemptions": exemption_lines.measure,
    "dead-server": dead_server.measure,
}


def main() -> int:
    """Measure what was asked for; only a whole run that failed nowhere writes docs/benchmarks.md."""
    asked = _arguments()
    if os.geteuid() != 0:
        sys.exit("the bench needs root: it makes accounts, PAM services, and mounts of its own")
    CACHE.mkdir(exist_ok=True)
    # On the disk, and not on a /tmp that may be memory: what is compared commits durably.
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as scratch, ExitStack() as keep:
        stage = Stage(Path(scratch), keep, quick=asked.quick, only=frozenset(filter(None, asked.only.split(","))))
        stage.calibrate()
        found = {name: _measured(name, stage) for name in asked.rows or ROWS}
    rows = [row for row in found.values() if row is not None]
    text = page(rows, _machine(stage))
    print(text if asked.details else summary(rows))
    whole = not asked.rows and not asked.quick and not asked.only and len(rows) == len(ROWS)
    if whole:
        PAGE.write_text(text, encoding="utf-8")
        stage.say(f"wrote {PAGE.relative_to(CHECKOUT)}")
    return 0 if len(rows) == len(found) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    # Without names, argparse looks for an empty list among the choices.
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], metavar="NAME", help=f"which: {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: does it run at all?")
    parser.add_argument("--only", default="", help="throughput: compare only these (ours,echo,privacyidea,linotp)")
    parser.add_argument("--details", action="store_true", help="print the whole page, not just the table of aims")
    return parser.parse_args()


def _measured(name: str, stage: Stage) -> Row | None:
    """Measure one row; a failure is shown and does not stop the others."""
    stage.say(f"=== {name}")
    try:
        with ExitStack() as stage.undo:
            return ROWS[name](stage)
    except Exception:  # noqa: BLE001  (whatever it was, an hour of other figures is not lost)
        traceback.print_exc()
        return None


def _machine(stage: Stage) -> Machine:
    loop = Series("loop", "ms", tuple(stage.calibrations))
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Machine(date, machine.description(), loop, machine.versions() | stage.versions)


if __name__ == "__main__":
    sys.exit(main())
