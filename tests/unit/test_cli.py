"""The commands as an operator calls them, in one process, on SQLite."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from tests.harness.one_time_codes import oathtool_code
from watchword.cli.app import app
from watchword.domain.errors import Conflict, InvalidValue, KeyringError, NotFound, SettingsError


class Operator:
    """Somebody at the keyboard."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config = directory / "watchword.toml"
        self.config.write_text(
            f'[database]\nurl = "sqlite:///{directory}/watchword.db"\n[keyring]\nfile = "{directory}/keyring"\n'
            f'[audit]\nserver = "here"\nanchors = "{directory}/anchors"\n',
            encoding="utf-8",
        )
        self.do("init")

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["--config", str(self.config), *words], catch_exceptions=True)

    def do(self, *words: str) -> str:
        result = self.run(*words)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    def ask(self, *words: str) -> Any:
        return json.loads(self.do(*words, "--json"))


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def test_init_can_be_repeated_and_keeps_what_is_there(operator: Operator) -> None:
    before = (operator.directory / "keyring").read_bytes()
    assert operator.ask("init") == {
        "keyring": str(operator.directory / "keyring"),
        "keyring_made": False,
        "schema": operator.ask("init")["schema"],
    }
    assert (operator.directory / "keyring").read_bytes() == before
    assert (operator.directory / "keyring").stat().st_mode & 0o777 == 0o600


def test_a_soft_token_is_handed_out_as_a_uri_and_a_picture(operator: Operator) -> None:
    added = operator.ask("token", "add", "alice", "--kind", "soft")
    assert re.fullmatch(r"SOFT-[0-9A-F]{8}", added["serial"])
    assert added["otpauth"].startswith("otpauth://totp/Watchword:alice?")
    text = operator.do("token", "add", "bob", "--kind", "soft")
    assert "bob is paired with SOFT-" in text
    assert "█" in text
    assert "otpauth://totp/" in text


def test_a_secret_is_shown_when_made_and_never_again(operator: Operator) -> None:
    added = operator.ask("token", "add", "alice", "--kind", "soft")
    (secret,) = parse_qs(urlsplit(added["otpauth"]).query)["secret"]
    operator.do("token", "add", "bob", "--kind", "sms", "--phone", "+15125551234")
    later = [
        operator.do("token", "show", added["serial"]),
        operator.do("token", "list"),
        operator.do("token", "list", "--json"),
        operator.do("account", "show", "alice"),
        operator.do("account", "show", "bob", "--json"),
        operator.do("audit", "list"),
        operator.do("keys", "list"),
    ]
    assert not any(secret in text or "5551234" in text for text in later)
    assert "XXX-XXX-1234" in later[4]


def test_an_sms_token_that_nothing_can_be_sent_to_is_warned_of(operator: Operator) -> None:
    added = operator.run("token", "add", "bob", "--kind", "sms", "--phone", "+15125551234")
    assert "no message will leave" in added.stderr
    operator.config.write_text(
        operator.config.read_text() + f'[sms]\ncarrier = "recorder"\nrecorder_file = "{operator.directory}/texts"\n'
    )
    added = operator.run("token", "add", "eve", "--kind", "sms", "--phone", "+15125551234")
    assert "no message will leave" not in added.stderr


def test_static_codes_are_drawn_and_a_class_redrawn(operator: Operator) -> None:
    first = operator.ask("token", "add", "train01", "--kind", "static")
    assert re.fullmatch(r"[0-9]{6}", first["code"])
    assert operator.ask("token", "add", "train02", "--kind", "static", "--code", "424242")["code"] == "424242"
    codes = operator.ask("token", "regenerate", "train*")
    assert [code["account"] for code in codes] == ["train01", "train02"]
    assert codes[1]["code"] != "424242"


def test_fobs_go_from_a_file_to_the_drawer_to_an_owner_and_back(operator: Operator) -> None:
    file = operator.directory / "fobs.csv"
    file.write_text("".join(f"26001{number:05d},{number:040x}\n" for number in range(2500)), encoding="utf-8")
    assert operator.ask("token", "import", str(file), "--period", "60") == {"imported": 2500}
    assert "0 fobs" not in operator.do("token", "list", "--limit", "3")
    operator.do("token", "assign", "2600100007", "carol")
    shown = operator.ask("token", "show", "2600100007")
    assert (shown["account"], shown["period_seconds"], shown["kind"]) == ("carol", 60, "hard")
    assert isinstance(operator.run("token", "assign", "2600100007", "dave").exception, Conflict)
    operator.do("token", "unassign", "2600100007")
    assert operator.ask("token", "show", "2600100007")["account"] is None


def test_a_file_with_a_bad_line_imports_nothing(operator: Operator) -> None:
    file = operator.directory / "fobs.csv"
    file.write_text("2600100001," + "ab" * 20 + "\n2600100002,nonsense\n", encoding="utf-8")
    result = operator.run("token", "import", str(file))
    assert result.exit_code != 0
    assert "2" in str(result.exception)
    assert "nonsense" not in str(result.exception)
    assert operator.ask("token", "list") == []


def test_a_serial_that_is_taken_imports_nothing(operator: Operator) -> None:
    file = operator.directory / "fobs.csv"
    file.write_text("A1," + "ab" * 20 + "\n", encoding="utf-8")
    operator.do("token", "import", str(file))
    file.write_text("B1," + "cd" * 20 + "\nA1," + "ab" * 20 + "\n", encoding="utf-8")
    assert isinstance(operator.run("token", "import", str(file)).exception, Conflict)
    assert [token["serial"] for token in operator.ask("token", "list")] == ["A1"]


def test_a_fob_is_resynced_by_two_codes_in_a_row(operator: Operator) -> None:
    secret = "ab" * 20
    operator.do("token", "add", "carol", "--kind", "hard", "--serial", "F1", "--secret-hex", secret, "--period", "60")
    import time

    at = time.time() // 60 * 60 + 7230
    codes = [oathtool_code(secret, at + 60 * step, period_seconds=60) for step in (0, 1)]
    assert isinstance(operator.run("token", "resync", "F1", codes[1], codes[0]).exception, InvalidValue)
    drift_seconds = operator.ask("token", "resync", "F1", *codes)["drift_seconds"]
    assert abs(drift_seconds - 7260) <= 60
    assert isinstance(operator.run("token", "resync", "F1", *codes).exception, InvalidValue), "spent by the first time"


def test_tokens_are_disabled_enabled_made_first_and_removed(operator: Operator) -> None:
    one = operator.ask("token", "add", "alice", "--kind", "static", "--label", "one")["serial"]
    two = operator.ask("token", "add", "alice", "--kind", "static", "--label", "two")["serial"]
    operator.do("token", "disable", one)
    assert operator.ask("token", "show", one)["enabled"] is False
    operator.do("token", "enable", one)
    operator.do("token", "first", two)
    assert [token["serial"] for token in operator.ask("account", "show", "alice")["tokens"]] == [two, one]
    operator.do("token", "rename", one, "old phone")
    assert operator.ask("token", "show", one)["name"] == "old phone"
    operator.do("token", "rename", one, "one")
    operator.do("token", "remove", two)
    assert [token["name"] for token in operator.ask("account", "show", "alice")["tokens"]] == ["one"]


def test_accounts_are_locked_and_unlocked_in_the_operators_name(operator: Operator) -> None:
    operator.do("token", "add", "alice", "--kind", "soft")
    operator.do("account", "lock", "alice")
    assert operator.ask("account", "show", "alice")["locked"] == "held by an operator"
    operator.do("account", "clear-failures", "alice")
    assert operator.ask("account", "list")[0]["locked"] == "held by an operator"
    operator.do("account", "unlock", "alice")
    assert operator.ask("account", "show", "alice")["locked"] is None
    events = operator.ask("audit", "list", "--account", "alice")
    assert [event["reason"] for event in events] == ["paired", "locked", "failures cleared", "unlocked"]
    assert all(event["actor"] for event in events)


def test_the_audit_log_is_verified_and_a_change_ends_with_status_1(operator: Operator) -> None:
    import sqlite3

    operator.do("token", "add", "alice", "--kind", "soft")
    assert operator.ask("audit", "verify")["whole"] is True
    assert "whole" in operator.do("audit", "verify")
    connection = sqlite3.connect(operator.directory / "watchword.db")
    connection.execute("UPDATE audit SET account = 'bob'")
    connection.commit()
    connection.close()
    result = operator.run("audit", "verify")
    assert result.exit_code == 1
    assert "was changed" in result.stdout


def test_keys_are_staged_and_rotated(operator: Operator) -> None:
    operator.do("token", "add", "alice", "--kind", "soft")
    staged = operator.ask("keys", "rotate", "--stage")["staged"]
    assert [key["state"] for key in operator.ask("keys", "list")] == ["primary", "standby"]
    assert operator.ask("keys", "rotate") == {"primary": staged, "resealed": 1, "damaged": []}
    assert operator.ask("keys", "reseal") == {"primary": staged, "resealed": 0, "damaged": []}
    assert [key["state"] for key in operator.ask("keys", "list")] == ["retired", "primary"]
    assert operator.ask("audit", "verify")["whole"] is True


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["token", "show", "NONE-1"], NotFound),
        (["token", "remove", "NONE-1"], NotFound),
        (["token", "assign", "NONE-1", "alice"], NotFound),
        (["account", "show", "nobody"], NotFound),
        (["account", "unlock", "nobody"], NotFound),
        (["token", "regenerate", "nobody*"], NotFound),
        (["token", "add", "a b", "--kind", "soft"], InvalidValue),
        (["token", "add", "bob", "--kind", "sms", "--phone", "12"], InvalidValue),
        (["token", "add", "bob", "--kind", "static", "--code", "12"], InvalidValue),
        (["token", "add", "bob", "--kind", "soft", "--secret-hex", "xyz"], InvalidValue),
        (["token", "add", "bob", "--kind", "soft", "--secret-hex", "abcd"], InvalidValue),
        (["token", "add", "bob", "--kind", "hard"], InvalidValue),
    ],
)
def test_a_mistake_is_one_error_and_changes_nothing(
    operator: Operator, words: list[str], error: type[Exception]
) -> None:
    assert isinstance(operator.run(*words).exception, error)
    assert operator.ask("token", "list") == []
    assert operator.ask("account", "list") == []


def test_a_missing_configuration_or_keyring_is_one_error(operator: Operator) -> None:
    (operator.directory / "keyring").unlink()
    assert isinstance(operator.run("token", "list").exception, KeyringError)
    operator.config.unlink()
    assert isinstance(operator.run("token", "list").exception, SettingsError)


def test_a_wrong_word_is_a_usage_error(operator: Operator) -> None:
    assert operator.run("token", "fly").exit_code == 2
    assert operator.run("token", "add", "alice", "--kind", "paper").exit_code == 2


def commands(group: Any, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not hasattr(group, "commands"):
        return [words]
    return [found for name, command in group.commands.items() for found in commands(command, (*words, name))]


def test_every_command_explains_itself_with_an_example(operator: Operator) -> None:
    import typer

    for words in commands(typer.main.get_command(app)):
        shown = operator.run(*words, "--help")
        assert shown.exit_code == 0
        assert "watchword " + " ".join(words) in re.sub(r"\s+", " ", shown.stdout.replace("Usage: ", "", 1)), words


def test_the_owner_of_a_token_can_name_it_but_not_steer_a_terminal(operator: Operator) -> None:
    result = operator.run("token", "add", "alice", "--kind", "soft", "--label", "\x1b[31mred")
    assert isinstance(result.exception, InvalidValue)


@pytest.mark.slow
def test_init_gives_the_daemon_its_files_and_follows_no_link_of_the_daemons(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Needs root. The daemon's account, taken over, must not be given what a link in its directory leads to."""
    import pwd

    from watchword.cli import setup

    nobody = pwd.getpwnam("nobody")
    monkeypatch.setattr(setup, "SERVICE_ACCOUNT", "nobody")
    operator.do("init")
    keyring, database, anchors = (operator.directory / name for name in ("keyring", "watchword.db", "anchors"))
    assert (keyring.stat().st_uid, keyring.stat().st_gid, keyring.stat().st_mode & 0o777) == (0, nobody.pw_gid, 0o640)
    assert database.stat().st_uid == anchors.stat().st_uid == nobody.pw_uid
    assert database.stat().st_mode & 0o077 == 0
    precious = operator.directory / "precious"
    precious.mkdir()
    for entry in anchors.iterdir():
        entry.unlink()
    anchors.rmdir()
    anchors.symlink_to(precious)
    assert isinstance(operator.run("init").exception, SettingsError)
    assert precious.stat().st_uid == 0


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["token", "disable", "S"], {"serial": "S", "enabled": False}),
        (["token", "enable", "S"], {"serial": "S", "enabled": True}),
        (["token", "first", "S"], {"serial": "S", "rank": 0}),
        (["token", "rename", "S", "fob"], {"serial": "S", "name": "fob"}),
        (["token", "unassign", "S"], {"serial": "S", "account": None}),
        (["token", "assign", "DRAWER", "bob"], {"serial": "DRAWER", "account": "bob"}),
        (["token", "remove", "S"], {"serial": "S", "removed": True}),
        (["account", "lock", "alice"], {"account": "alice", "locked": True}),
        (["account", "unlock", "alice"], {"account": "alice", "locked": False}),
        (["account", "clear-failures", "alice"], {"account": "alice", "failures": 0}),
    ],
)
def test_what_was_done_is_told_to_programs_too(operator: Operator, words: list[str], answer: dict[str, Any]) -> None:
    fobs = operator.directory / "fobs.csv"
    fobs.write_text(f"S,{'ab' * 20}\nDRAWER,{'cd' * 20}\n", encoding="utf-8")
    operator.do("token", "import", str(fobs))
    operator.do("token", "assign", "S", "alice")
    assert operator.ask(*words) == answer
