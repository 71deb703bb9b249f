"""`watchword token add` and `resync`: secrets that stay out of the process list, and options that belong together."""

import json
import os
import pty
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.harness.one_time_codes import oathtool_code
from tests.harness.watchword_command import COMMAND
from watchword.cli.app import app
from watchword.domain.errors import InvalidValue

SEED = "3132333435363738393031323334353637383930"


class Operator:
    """Somebody who calls the command, and may type something into it."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "watchword.toml"
        self.config.write_text(
            f'[database]\nurl = "sqlite:///{directory}/watchword.db"\n[keyring]\nfile = "{directory}/keyring"\n'
            f'[audit]\nserver = "here"\nanchors = "{directory}/anchors"\n',
            encoding="utf-8",
        )
        assert self.run("init").exit_code == 0

    def run(self, *words: str, typed: bytes = b"") -> Result:
        return CliRunner().invoke(app, ["--config", str(self.config), *words], input=typed)

    def ask(self, *words: str, typed: bytes = b"") -> Any:
        result = self.run(*words, "--json", typed=typed)
        assert result.exit_code == 0, (result.output, result.exception)
        return json.loads(result.stdout)

    def refusal(self, *words: str, typed: bytes = b"") -> InvalidValue:
        """Run a command that must refuse, and pair nobody; return what it says."""
        before = self.ask("token", "list")
        error = self.run(*words, typed=typed).exception
        assert isinstance(error, InvalidValue), error
        assert self.ask("token", "list") == before
        return error


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def test_a_static_code_can_come_from_standard_input(operator: Operator) -> None:
    added = operator.ask("token", "add", "train01", "--kind", "static", "--code", "-", typed=b"424242\n")
    assert added["code"] == "424242"


def test_a_seed_and_the_codes_of_a_resync_can_come_from_standard_input(operator: Operator) -> None:
    added = operator.ask("token", "add", "alice", "--kind", "soft", "--secret-hex", "-", typed=SEED.encode() + b"\n")
    now = time.time()
    codes = [oathtool_code(SEED, now + seconds) for seconds in (3600, 3630)]
    answer = operator.ask("token", "resync", added["serial"], "-", "-", typed="\n".join(codes).encode())
    assert answer["drift_seconds"] in (3600, 3630, 3660)


@pytest.mark.parametrize("typed", [b"", b"\n", b"   \n", "١٢٣٤٥٦\n".encode(), b"\xff\xfe\n"])
def test_what_is_no_code_on_standard_input_pairs_nobody(operator: Operator, typed: bytes) -> None:
    operator.refusal("token", "add", "train01", "--kind", "static", "--code", "-", typed=typed)


def test_at_a_terminal_a_code_is_asked_for_by_name_and_not_shown(operator: Operator) -> None:
    ours, theirs = pty.openpty()
    words = ["token", "add", "train01", "--kind", "static", "--code", "-", "--json"]
    argv = [str(COMMAND), "--config", str(operator.config), *words]
    with subprocess.Popen(argv, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True) as command:
        os.close(theirs)
        shown = b""
        while b"code: " not in shown:
            shown += os.read(ours, 1024)
        os.write(ours, b"424242\n")
        answer, _ = command.communicate()
    with suppress(OSError):  # the terminal is gone, and nothing was left in it
        shown += os.read(ours, 1024)
    os.close(ours)
    assert json.loads(answer)["code"] == "424242"
    assert b"424242" not in shown


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--kind", "static", "--secret-hex", SEED], "--secret-hex"),
        (["--kind", "static", "--phone", "+15125551234"], "--phone"),
        (["--kind", "static", "--digits", "6"], "--digits"),
        (["--kind", "sms", "--phone", "+15125551234", "--code", "123456"], "--code"),
        (["--kind", "soft", "--serial", "2600123456789"], "--serial"),
        (["--kind", "soft", "--phone", "+15125551234"], "--phone"),
        (["--kind", "hard", "--serial", "F1", "--code", "123456"], "--code"),
        (["--kind", "hard", "--serial", "F1", "--period", "60"], "--period"),
        (["--kind", "hard", "--secret-hex", SEED], "--serial"),
        (["--kind", "sms"], "--phone"),
    ],
)
def test_an_option_that_would_be_passed_over_or_is_missing_is_named(
    operator: Operator, words: list[str], named: str
) -> None:
    error = operator.refusal("token", "add", "alice", *words)
    assert named in str(error)
    assert error.hint


@pytest.mark.parametrize("serial", ["", " ", "two words", "x" * 65, "F\x1b1"])
def test_a_fob_without_a_serial_that_can_be_listed_is_refused(operator: Operator, serial: str) -> None:
    operator.refusal("token", "add", "alice", "--kind", "hard", "--serial", serial, "--secret-hex", SEED)


@pytest.mark.parametrize("words", [["--kind", "static", "--code", ""], ["--kind", "soft", "--secret-hex", ""]])
def test_an_empty_secret_is_a_mistake_and_not_a_wish_for_a_drawn_one(operator: Operator, words: list[str]) -> None:
    operator.refusal("token", "add", "alice", *words)


def test_a_fob_from_the_drawer_gets_its_owners_name_for_it(operator: Operator, tmp_path: Path) -> None:
    fobs = tmp_path / "fobs.csv"
    fobs.write_text(f"2600100001,{SEED}\n", encoding="utf-8")
    operator.ask("token", "import", str(fobs))
    operator.ask("token", "add", "carol", "--kind", "hard", "--serial", "2600100001", "--label", "keys")
    assert operator.ask("token", "show", "2600100001")["name"] == "keys"
