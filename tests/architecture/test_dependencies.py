"""Whatever we ask for has its line in docs/design/dependencies.md, and nothing is there that we don't."""

import re
import tomllib
from typing import Any

import pytest
from scripts.audit_dependencies import CLEAN, UNKNOWN, VULNERABLE, pinned_names, read_answer, worse
from scripts.audit_dependencies import LOCKS as AUDITED

from tests.architecture.repository import ROOT

REQUIREMENTS = ROOT / "requirements"
PAGE = (ROOT / "docs/design/dependencies.md").read_text(encoding="utf-8")
LEFT = "## What we looked at and left"
FROM_THE_SYSTEM = {"libpam-python"}


def name_of(line: str) -> str:
    """Return the package that a line asks for, or nothing."""
    return re.split(r"[<>=!~\[ ;#]", line)[0].lower()


def asked_for() -> set[str]:
    """Name each package that we ask for ourselves."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [line for path in REQUIREMENTS.glob("*.in") for line in path.read_text(encoding="utf-8").splitlines()]
    return {name_of(line) for line in (*project["dependencies"], *lines) if line and line[0].isalpha()}


def described() -> set[str]:
    """Name each package that has a line on the page."""
    rows = re.findall(r"^\| (`[^|]+) \|", PAGE.partition(LEFT)[0], re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_each_dependency_is_justified_and_no_other() -> None:
    typed = {name for name in asked_for() if name.startswith("types-")}
    assert asked_for() - typed == described() - {"types-…"}
    line = next(line for line in PAGE.splitlines() if "`types-…`" in line)
    assert [name for name in typed if name.removeprefix("types-") not in line.lower()] == []


def test_the_audit_looks_every_locked_package_up() -> None:
    everything = {name for path in REQUIREMENTS.glob("*.txt") for name in pinned_names(path)}
    assert {name for lock in AUDITED for name in pinned_names(REQUIREMENTS / f"{lock}.txt")} == everything
    assert len(everything) > 50


def test_a_package_that_was_not_looked_up_is_not_called_clean() -> None:
    answer: list[dict[str, Any]] = [
        {"name": "good", "version": "1", "vulns": []},
        {"name": "bad", "version": "2", "vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]},
        {"name": "hidden", "skip_reason": "Dependency not found"},
    ]
    audit = read_answer(answer, {"good", "bad", "hidden", "forgotten"})
    assert audit.looked_up == 2
    assert audit.vulnerable == ["bad 2: CVE-1", "bad 2: CVE-2"]
    assert audit.not_looked_up == ["forgotten: not mentioned", "hidden: Dependency not found"]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (CLEAN, CLEAN, CLEAN),
        (CLEAN, UNKNOWN, UNKNOWN),
        (UNKNOWN, VULNERABLE, VULNERABLE),
        (VULNERABLE, CLEAN, VULNERABLE),
    ],
)
def test_what_is_known_to_be_wrong_matters_more_than_what_is_not_known(one: int, other: int, both: int) -> None:
    assert worse(one, other) == both
