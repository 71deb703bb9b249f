"""The table, and docs/survival.md, whose table and head a run writes anew; the prose around them is people's."""

import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.oracle import Findings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "survival.md"
BEGIN, END = "<!-- written by make chaos: begin -->", "<!-- written by make chaos: end -->"
HEADINGS = (
    "what goes wrong",
    "tried",
    "granted",
    "refused",
    "of these, right codes",
    "unanswered",
    "accepted twice",
    "not in the log",
    "wrongly let in",
    "longest outage, s",
)


def row(found: Findings) -> list[str]:
    """Return the cells of a scenario."""
    return [
        found.name,
        *(str(count) for count in (found.tried, found.granted, found.refused, found.right_refused, found.unanswered)),
        *(str(len(names)) for names in (found.doubles, found.missing, found.intruders)),
        f"{found.longest_outage_seconds:.1f}",
    ]


def total(all_found: Sequence[Findings]) -> list[str]:
    """Return the cells of all scenarios together."""
    counts = [list(map(int, row(found)[1:-1])) for found in all_found]
    return ["all", *(str(sum(column)) for column in zip(*counts, strict=True)), ""]


def write_page(all_found: Sequence[Findings], took_seconds: float) -> None:
    """Put what a run found into docs/survival.md."""
    page = PAGE.read_text(encoding="utf-8")
    written = f"{BEGIN}\n{_circumstances(took_seconds)}\n\n{table(all_found)}{_remarks(all_found)}{END}"
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    PAGE.write_text(between.sub(lambda _: written, page), encoding="utf-8")


def table(all_found: Sequence[Findings]) -> str:
    """Return the table in Markdown."""
    rows = [list(HEADINGS), ["---", *["---:"] * (len(HEADINGS) - 1)]]
    rows += [row(found) for found in all_found] + [total(all_found)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _remarks(all_found: Sequence[Findings]) -> str:
    remarks = [f"- {found.name}: {found.remark}.\n" for found in all_found if found.remark]
    whole = all(found.log_is_whole for found in all_found)
    verified = "the audit log was whole" if whole else "THE AUDIT LOG WAS BROKEN"
    return "\n" + "".join([*remarks, f"- After each of them, says `watchword audit verify`, {verified}.\n"])


def _circumstances(took_seconds: float) -> str:
    cores = len(re.findall(r"^processor", Path("/proc/cpuinfo").read_text(), re.MULTILINE))
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    machine = f"{cores} cores of {model[1]}" if model else f"{cores} cores"
    versions = [f"Linux {platform.release().partition('-')[0]}", f"Python {platform.python_version()}"]
    versions += [f"{package} {_version(package)}" for package in ("mariadb-server-core", "galera-4")]
    day = datetime.now(UTC).date().isoformat()
    return f"{day}, {machine}, {', '.join(versions)}; {took_seconds / 60:.1f} minutes."


def _version(package: str) -> str:
    query = ["dpkg-query", "-W", "-f", "${Version}", package]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout
