"""The four files that /etc/pam.d names, and what the reference says of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from watchword_pam import entry, settings

ROOT = Path(__file__).parents[2]
SHIMS = ("pubkey", "exemption", "token", "solaris")
REFERENCE = ROOT / "docs" / "reference" / "pam.md"


def test_the_shims_differ_in_name_alone() -> None:
    bodies = set()
    for name in SHIMS:
        text = (ROOT / "pam" / f"{name}.py").read_text("utf-8")
        assert f'MODULE = "{name}"' in text
        assert callable(getattr(entry, name))
        bodies.add(text[text.index("# ruff: noqa: ARG001") :].replace(f'"{name}"', '"NAME"'))
    assert len(bodies) == 1


@pytest.mark.parametrize("table", ["_TOP", "_SERVER", "_LDAP"])
def test_each_setting_is_in_the_reference(table: str) -> None:
    text = REFERENCE.read_text("utf-8")
    assert [key for key in getattr(settings, table) if f"`{key}`" not in text] == []


def test_each_argument_and_reason_is_in_the_reference() -> None:
    text = REFERENCE.read_text("utf-8")
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "pam" / "watchword_pam").glob("*.py"))
    reasons = set(re.findall(r'(?:Granted|Refused|_refused)\(\s*"([a-z-]+)"', sources)) | {"mode-off"}
    assert {"accepted", "rejected", "no-server", "too-slow"} <= reasons
    assert [
        word for word in sorted(reasons | {"log=", "exemptions=", "config=", "refuse_key"}) if f"`{word}" not in text
    ] == []
