"""The locks: whatever is installed is known to the last bit, wherever it comes from."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT

REQUIREMENTS = ROOT / "requirements"
LOCKS = sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))
PINNED = re.compile(r"^[a-z0-9][a-z0-9-]*==\S+( ; .+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def pinned(lock: str) -> dict[str, str]:
    """Read the versions of a lock."""
    lines = (REQUIREMENTS / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split()[0].split("==") for line in lines if PINNED.match(line))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_hashes(lock: str) -> None:
    lines = (REQUIREMENTS / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    after = dict(itertools.pairwise(lines))
    kept = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert kept
    for line in kept:
        assert PINNED.match(line) or HASH.match(line), line
        if PINNED.match(line):
            assert HASH.match(after[line]), line


@pytest.mark.parametrize("path", sorted(REQUIREMENTS.iterdir()), ids=lambda path: path.name)
def test_no_lock_names_an_address_or_a_path(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"\w+://|--(?:extra-)?index-url|--find-links|--trusted-host| @ |(?<=\s)/\w+", text)


def test_what_is_asked_for_is_locked_and_nothing_else_is_a_lock() -> None:
    assert sorted(path.stem for path in REQUIREMENTS.glob("*.in")) == sorted(set(LOCKS) - {"runtime"})


@pytest.mark.parametrize("lock", LOCKS)
def test_every_place_runs_the_same_versions(lock: str) -> None:
    runtime = pinned("runtime")
    assert {name: version for name, version in pinned(lock).items() if name in runtime}.items() <= runtime.items()


def test_what_runs_inside_sshd_needs_little() -> None:
    assert set(pinned("node")) == {"ldap3", "pyasn1"}


def test_the_server_lock_has_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.split(r"[<>=!~\[ ;]", line)[0].lower() for line in project["dependencies"]}
    assert asked <= set(pinned("runtime"))
