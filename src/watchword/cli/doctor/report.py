"""What the doctor prints."""

import shutil
import sys
import textwrap
from collections.abc import Sequence
from itertools import groupby

from watchword.cli.doctor.findings import Finding, Level, is_healthy
from watchword.cli.output import say, say_json, visible

LEVEL_WIDTH = 10
INDENT = "  "


def print_json(findings: Sequence[Finding]) -> None:
    """Print the findings for programs."""
    say_json({"healthy": is_healthy(findings), "findings": [finding.described() for finding in findings]})


def print_report(findings: Sequence[Finding]) -> None:
    """Print the findings for people: by area, what to do below what is wrong, and a last line that sums up."""
    for area, some in groupby(findings, key=lambda finding: finding.area):
        say(area)
        for finding in some:
            _print_hanging(f"{INDENT}{finding.level:<{LEVEL_WIDTH}}", finding.what)
            if finding.what_to_do:
                _print_hanging(f"{INDENT}{'':<{LEVEL_WIDTH}}-> ", finding.what_to_do)
        say("")
    say(_summary(findings))


def _print_hanging(head: str, text: str) -> None:
    """Print a text beside its head; folded at a terminal, in one line in a pipe, where grep looks for it."""
    text = visible(text)
    if not sys.stdout.isatty():
        say(head + text)
        return
    width = max(shutil.get_terminal_size().columns, len(head) + 40)
    say(
        textwrap.fill(
            text,
            width,
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def _summary(findings: Sequence[Finding]) -> str:
    levels = [finding.level for finding in findings]
    counts = [(levels.count(level), level) for level in (Level.PROBLEM, Level.WARNING)]
    said = [f"{count} {level}{'' if count == 1 else 's'}" for count, level in counts if count]
    return f"{' and '.join(said)}." if said else "All is well."
