"""`watchword api-key …`, in one process, on SQLite."""

import re
from pathlib import Path

import pytest

from tests.unit.test_cli import Operator
from watchword.domain.errors import InvalidValue, NotFound


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def test_a_key_is_shown_when_it_is_made_and_never_again(operator: Operator) -> None:
    text = operator.do("api-key", "add", "account portal", "--scope", "validate", "--scope", "tokens:read", "--digest")
    (key,) = re.findall(r"^ww_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$", text, re.MULTILINE)
    assert text.startswith("account portal may tokens:read, validate until ")
    assert f"the password of the user {key.split('_')[1]}" in text
    for words in (["api-key", "list"], ["api-key", "list", "--json"], ["audit", "list"]):
        later = operator.do(*words)
        assert key not in later and key.split("_", 2)[2] not in later


def test_programs_are_told_all_there_is_to_a_key(operator: Operator) -> None:
    made = operator.ask("api-key", "add", "x", "--scope", "validate", "--days", "1", "--network", "192.0.2.0/24")
    assert made["key"].startswith(f"ww_{made['id']}_")
    del made["key"]
    assert operator.ask("api-key", "list") == [made]
    assert (made["scopes"], made["networks"], made["digest"]) == (["validate"], ["192.0.2.0/24"], False)
    assert made["expires_at"] - made["created_at"] == 86400
    revoked = operator.ask("api-key", "revoke", made["id"])
    assert revoked == {"id": made["id"], "name": "x", "revoked_at": operator.ask("api-key", "list")[0]["revoked_at"]}
    listed = operator.do("api-key", "list")
    assert "revoked" in listed and "made by" in listed and made["created_by"] in listed


def test_a_key_that_cannot_be_made_or_is_not_there_says_so(operator: Operator) -> None:
    assert isinstance(
        operator.run("api-key", "add", "x", "--scope", "validate", "--network", "here").exception, InvalidValue
    )
    assert isinstance(operator.run("api-key", "revoke", "000000000000").exception, NotFound)
    assert operator.run("api-key", "add", "x").exit_code == 2
    assert operator.run("api-key", "add", "x", "--scope", "everything").exit_code == 2
