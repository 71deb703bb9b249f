"""Look the locked packages up among known vulnerabilities: `make audit`.

Ends with 0 only if every one of them was looked up and none is known to be vulnerable; with 1 if one is; with 3 if
even one could not be looked up. pip-audit by itself is content with packages that it cannot find.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
LOCKS = ("dev", "tools")
"""They hold the others: each package is looked up once."""

CLEAN, VULNERABLE, UNKNOWN = 0, 1, 3


@dataclass(frozen=True)
class Audit:
    """What is known about one lock: lines for a person."""

    looked_up: int
    vulnerable: list[str]
    not_looked_up: list[str]


def main() -> int:
    """Audit each lock; answers the exit status."""
    status = CLEAN
    for lock in LOCKS:
        audit = audit_lock(REQUIREMENTS / f"{lock}.txt")
        found = (len(audit.vulnerable), len(audit.not_looked_up))
        print(f"{lock}.txt: {audit.looked_up} looked up, {found[0]} vulnerable, {found[1]} not looked up")
        for line in (*audit.vulnerable, *audit.not_looked_up[:3]):
            print(f"  {line}")
        status = worse(status, VULNERABLE if audit.vulnerable else UNKNOWN if audit.not_looked_up else CLEAN)
    print(
        {
            CLEAN: "audit: every locked package was looked up, and none is known to be vulnerable",
            VULNERABLE: "audit: VULNERABLE packages are locked: `make lock UPGRADE=1`, or say why they do no harm",
            UNKNOWN: "audit: NOT DONE: the data about vulnerabilities can't be reached from here; nothing is known",
        }[status]
    )
    return status


def worse(one: int, other: int) -> int:
    """Choose what matters more: a known vulnerability, then ignorance."""
    return VULNERABLE if VULNERABLE in (one, other) else max(one, other)


def audit_lock(lock: Path) -> Audit:
    """Ask pip-audit about a lock."""
    options = ["--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off", "-r", str(lock)]
    done = subprocess.run([sys.executable, "-m", "pip_audit", *options], capture_output=True, text=True, check=False)
    try:
        dependencies = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        return Audit(0, [], [f"pip-audit ended with {done.returncode}: {reason}"])
    return read_answer(dependencies, pinned_names(lock))


def read_answer(dependencies: Iterable[dict[str, Any]], pinned: set[str]) -> Audit:
    """Sort what pip-audit says of each package; whoever it does not mention was not looked up."""
    vulnerable, looked_up = [], set()
    skipped = {}
    for one in dependencies:
        if "skip_reason" in one:
            skipped[one["name"]] = str(one["skip_reason"])
            continue
        looked_up.add(one["name"])
        vulnerable += [f"{one['name']} {one['version']}: {flaw['id']}" for flaw in one["vulns"]]
    missing = [f"{name}: {skipped.get(name, 'not mentioned')}" for name in sorted(pinned - looked_up)]
    return Audit(len(looked_up), vulnerable, missing)


def pinned_names(lock: Path) -> set[str]:
    """Name what a lock pins."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return {line.split("==")[0] for line in lines if "==" in line and not line.startswith((" ", "#"))}


if __name__ == "__main__":
    sys.exit(main())
