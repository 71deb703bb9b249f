"""What a login loads. Each of these costs every login on the node; a new one has to be worth it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import watchword
import watchword_pam

PAM_PYTHON_LOADS = "import os, re, sys, traceback, contextlib, linecache"
LOGIN = "import watchword_pam.{module}, watchword_pam.entry, watchword_pam.clock"
BUDGET = {
    "token_login, watchword_pam.settings": {"_md5", "grp", "pwd", "zlib"},
    "first_factor": set[str](),
    "exemption_list": {"grp", "pwd"},
    # A large exemption file.
    "exemption_list, watchword_pam.exemption_memory, watchword.domain.candidate_lines": {"grp", "pwd"},
}
COMMON = {"__future__", "_socket", "syslog"}


def modules_loaded_by(statement: str) -> set[str]:
    """Run a statement in the system's Python as pam_python starts it; return what it loaded beyond that."""
    roots = [str(Path(watchword_pam.__file__).parents[1]), str(Path(watchword.__file__).parents[1])]
    code = f"{PAM_PYTHON_LOADS}\nsys.path += {roots}\nbefore = set(sys.modules)\n{statement}\n"
    code += "print(*set(sys.modules) - before)"
    run = subprocess.run(["/usr/bin/python3", "-I", "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_a_login_loads_no_more_than_its_budget() -> None:
    for module, budget in BUDGET.items():
        loaded = modules_loaded_by(LOGIN.format(module=module))
        foreign = {name for name in loaded if not name.startswith(("watchword", "tomllib.", "typing.", "_typing"))}
        assert foreign - COMMON - budget == set(), module


def test_nothing_but_the_lookup_in_ldap_needs_a_package_that_is_not_pythons_own() -> None:
    loaded = modules_loaded_by(LOGIN.format(module="token_login"))
    assert not {"pyrad", "ldap3", "ssl", "hashlib"} & loaded
