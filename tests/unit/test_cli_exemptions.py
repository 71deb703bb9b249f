"""`watchword exemptions`: what it prints, for people and for programs, and how it ends."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.harness.namespace import with_own_log
from watchword.cli.exemptions import app
from watchword.domain.errors import Conflict, InvalidValue

FILE = """# gateways
+ : gateway01 portal-svc : 192.0.2.10 198.51.100.0/24
+ : carol : ALL : 2026-12-31
- : mallory : ALL
+ : ALL : 10.0.0.0/8 2001:db8::/32 : ALL
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "exemptions.conf"
    file.write_text(FILE)
    return file


def run(*words: str | Path, **kwargs: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], **kwargs)


def answer(*words: str | Path) -> Any:
    result = run(*words, "--json")
    assert result.exception is None, result.output
    return json.loads(result.stdout)


def test_explain_answers_programs(path: Path) -> None:
    assert answer("explain", "carol", "203.0.113.9", "--file", path, "--at", "2026-12-31T23:59") == {
        "exempt": True,
        "line": 3,
        "rule": "+ : carol : ALL : 2026-12-31",
        "expires": "2026-12-31",
        "reason": "line 3 exempts",
        "bad_line": None,
        "bad_reason": None,
    }


@pytest.mark.parametrize(
    ("name", "address", "at", "exempt", "line"),
    [
        ("gateway01", "198.51.100.77", "2026-06-01", True, 2),
        ("gateway01", "203.0.113.1", "2026-06-01", False, None),
        ("carol", "203.0.113.1", "2027-01-01", False, None),
        ("mallory", "10.0.0.1", "2026-06-01", False, 4),
        ("dave", "::ffff:10.0.0.1", "2026-06-01", True, 5),
        ("dave", "LOCAL", "2026-06-01", False, None),
    ],
)
def test_explain_says_what_a_login_would_meet(
    path: Path, name: str, address: str, at: str, exempt: bool, line: int | None
) -> None:
    found = answer("explain", name, address, "-f", path, "--at", at)
    assert (found["exempt"], found["line"]) == (exempt, line)


def test_explain_answers_people(path: Path) -> None:
    said = run("explain", "gateway01", "192.0.2.10", "-f", path).stdout
    assert "gateway01 from 192.0.2.10 is exempt: line 2 exempts" in said
    assert f"{path}:2: + : gateway01 portal-svc" in said


def test_explain_tells_of_a_bad_line(path: Path) -> None:
    path.write_text("+ : carol : 10.1\n" + FILE)
    found = answer("explain", "carol", "10.1.0.1", "-f", path)
    assert (found["exempt"], found["line"], found["bad_line"]) == (False, None, 1)


@pytest.mark.parametrize("words", [("dave", "login.example.org"), ("dave", "10.0.0.1", "--at", "tomorrow"), ("dave",)])
def test_what_cannot_be_asked_is_a_usage_error(path: Path, words: tuple[str, ...]) -> None:
    assert run("explain", *words, "-f", path).exit_code == 2


def test_check_finds_every_bad_line(path: Path) -> None:
    assert run("check", path).exit_code == 0
    path.write_bytes(FILE.encode() + b"oops\n# caf\xe9\n")
    result = run("check", path, "--json")
    assert result.exit_code == 1
    assert [problem["line"] for problem in json.loads(result.stdout)["problems"]] == [6, 7]
    assert f"{path}:6:" in run("check", path).stderr


def test_check_finds_a_last_line_without_its_end(path: Path) -> None:
    path.write_text(FILE.removesuffix(": ALL\n"))
    result = run("check", path)
    assert result.exit_code == 1
    assert f"{path}:5: the last line has no end: was the file cut off?" in result.stderr
    assert answer("list", "-f", path)[-1]["state"] == "does not parse"
    assert answer("explain", "dave", "10.0.0.1", "-f", path)["exempt"] is False


@pytest.fixture
def log_socket(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log.socket"))
        log.setblocking(False)
        yield log


def logged_by(log: socket.socket, directory: Path, *words: str | Path) -> list[str]:
    """Run the command with a /dev/log of its own; return the lines that came, without time and pid."""
    (directory / "node").mkdir(exist_ok=True)
    for place in ("run", "dev"):
        shutil.rmtree(directory / "node" / place, ignore_errors=True)
    main = "from watchword.cli.exemptions import app; app()"
    command = [*with_own_log(directory / "log.socket", directory / "node"), sys.executable, "-c", main, *words]
    environment = {"PATH": os.defpath, "SUDO_USER": "olga", "VISUAL": "sed -i s/mallory/trudy/"}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    lines = []
    with suppress(BlockingIOError):
        while True:
            lines.append(log.recv(8192).decode())
    assert all(line.startswith("<85>") for line in lines)  # authpriv.notice
    return [line.partition("]: ")[2] for line in lines]


@pytest.mark.slow
def test_who_changed_the_file_and_how_is_in_the_log_of_logins(
    path: Path, log_socket: socket.socket, tmp_path: Path
) -> None:
    def logged(*words: str) -> list[str]:
        return logged_by(log_socket, tmp_path, *words, "-f", path)

    who = f"exemptions: olga changed {path}: "
    added = logged("add", "bob", "--from", "ALL", "--until", "2020-01-01")
    assert added == [f"{who}rule added as line 6: + : bob : ALL : 2020-01-01"]
    assert logged("prune", "--dry-run") == []
    assert logged("prune") == [f"{who}expired rules taken out: 1, from lines 6"]
    assert logged("edit") == [f"{who}edited, lines that differ: 1"]
    assert logged("edit") == logged("prune") == logged("list") == []


def test_check_warns_of_a_file_that_logins_do_not_trust(path: Path) -> None:
    path.chmod(0o666)
    result = run("check", path)
    assert "takes no notice" in result.stderr
    assert answer("check", path)["refused"]


def test_list_shows_what_is_in_force(path: Path) -> None:
    path.write_text("+ : old : ALL : 2020-01-01\n- : a : ALL\noops\n+ : b : ALL\n")
    rows = answer("list", "-f", path)
    assert [(row["line"], row["state"]) for row in rows] == [
        (1, "expired"),
        (2, "in force"),
        (3, "does not parse"),
        (4, "left out"),
    ]
    assert "left out" in run("list", "-f", path).stdout


def test_add_writes_a_rule_and_warns_if_it_has_no_effect(path: Path) -> None:
    added = answer("add", "(staff) EXCEPT carol", "--from", "203.0.113.0/24", "--until", "2199-12-31", "-f", path)
    assert added == {"line": 6, "rule": "+ : (staff) EXCEPT carol : 203.0.113.0/24 : 2199-12-31", "decided_by": None}
    assert path.read_text() == FILE + added["rule"] + "\n"
    result = run("add", "mallory", "--from", "2001:db8::1", "--until", "ALL", "-f", path)
    assert "line 4 decides before it" in result.stderr
    assert run("add", "eve", "--from", "ALL", "--until", "ALL", "--deny", "--top", "-f", path).exit_code == 0
    assert path.read_text().startswith("- : eve : ALL : ALL\n")


@pytest.mark.parametrize(
    ("accounts", "origins", "until"),
    [
        ("bob : ALL", "10.0.0.1", "ALL"),
        ("bob", "ALL #", "2026-12-31"),
        ("bob", "ALL", "soon"),
        ("bob", "ALL : ALL", "2026-12-31"),
        ("bob\n+ : ALL", "ALL", "ALL"),
    ],
)
def test_add_refuses_what_would_shift_or_cut_a_field(path: Path, accounts: str, origins: str, until: str) -> None:
    result = run("add", accounts, "--from", origins, "--until", until, "-f", path)
    assert isinstance(result.exception, InvalidValue)
    assert path.read_text() == FILE


def test_add_wants_an_end_in_so_many_words(path: Path) -> None:
    assert run("add", "bob", "--from", "ALL", "-f", path).exit_code == 2


def test_prune_shows_then_takes_out(path: Path) -> None:
    path.write_text("# kept\n+ : old : ALL : 2020-01-01\n+ : b : ALL\n")
    expected = [{"line": 2, "rule": "+ : old : ALL : 2020-01-01"}]
    assert answer("prune", "--dry-run", "-f", path) == {"dry_run": True, "removed": expected}
    assert answer("prune", "-f", path)["removed"] == expected
    assert path.read_text() == "# kept\n+ : b : ALL\n"
    assert "0 expired rules" in run("prune", "-f", path).stdout


def test_edit_shows_a_bad_line_and_offers_to_edit_again(path: Path, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nif grep -q oops "$1"; then echo "+ : a : ALL" > "$1"; else echo oops > "$1"; fi\n')
    editor.chmod(0o755)
    result = run("edit", "-f", path, input="e\n", env={"VISUAL": str(editor)})
    assert result.exit_code == 0, result.output
    assert f"{path}:1:" in result.stderr
    assert path.read_text() == "+ : a : ALL\n"


def test_an_editor_that_fails_changes_nothing(path: Path) -> None:
    result = run("edit", "-f", path, env={"VISUAL": "false"})
    assert isinstance(result.exception, Conflict)
    assert path.read_text() == FILE


@pytest.mark.parametrize("command", ["check", "explain", "list", "add", "prune", "edit"])
def test_every_command_shows_an_example(command: str) -> None:
    assert f"watchword exemptions {command}" in " ".join(run(command, "--help").stdout.replace("│", " ").split())
