"""`make chaos`: every scenario in its long form; ends with status 1 if one thing happened that must not."""

import argparse
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos.oracle import Findings
from tests.chaos.pace import LONG, SHORT, Pace
from tests.chaos.report import HEADINGS, row, total, write_page
from tests.chaos.stages import STAGES

# The table needs its width, also in a file.
console = Console(width=None if sys.stdout.isatty() else 170)


def play(pace: Pace, only: str, faults: list[str]) -> Iterator[Findings]:
    """Play the scenarios whose names hold `only`; a scenario that could not be played is a fault, too."""
    for stage in STAGES:
        with tempfile.TemporaryDirectory(prefix="watchword-chaos-") as directory:
            console.print(f"setting the stage: {stage.__doc__}", style="dim")
            with stage(Path(directory) / "centre", pace) as stage_set:
                for name, scenario in stage_set.scenarios.items():
                    if only not in name:
                        continue
                    console.print(name, end=": ")
                    began = time.monotonic()
                    try:
                        found = stage_set.centre.examine(name, scenario)
                    except AssertionError as error:
                        faults.append(f"{name}: {error}")
                        traceback.print_exc()
                        continue
                    faults += [f"{name}: {failure}" for failure in found.failures]
                    console.print(f"{found.tried} logins in {time.monotonic() - began:.0f} s, {found.remark or 'done'}")
                    yield found


def main() -> int:
    """Play, print the table, write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="as it runs among the tests; writes no page")
    parser.add_argument("--only", default="", metavar="WORDS", help="scenarios named so; writes no page")
    chosen = parser.parse_args()
    # So that whoever ends the run leaves no server and no mount behind.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    began = time.monotonic()
    faults: list[str] = []
    all_found = list(play(SHORT if chosen.short else LONG, chosen.only, faults))
    shown = Table(*HEADINGS)
    for cells in [*map(row, all_found), total(all_found)]:
        shown.add_row(*cells)
    console.print(shown)
    if not (chosen.short or chosen.only):
        write_page(all_found, time.monotonic() - began)
    for fault in faults:
        console.print(fault, style="red")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
