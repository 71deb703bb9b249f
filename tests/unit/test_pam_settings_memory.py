"""What logins remember of pam.toml: it changes nothing but how long a login takes."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
import tomllib
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import watchword
import watchword_pam
from tests.unit.memory_doubts import FILE_DOUBTS
from watchword.domain.enforcement import Mode
from watchword_pam.settings import Settings, read_settings
from watchword_pam.settings_memory import HEADER, parsed

ME = os.getuid()
SECRET = "kept-from-every-log"
OFF, FULL = 'mode = "off"', 'mode = "full"'
SERVER = f'info_url = "https://mfa.example.org"\n[[server]]\nhost = "192.0.2.11"\nsecret = "{SECRET}"'
COUNTDOWN = f'mode = "countdown"\ndeadline = 2199-12-31\n{SERVER}'


class Node:
    """A pam.toml, and the directory of its memory."""

    def __init__(self, home: Path) -> None:
        self.path = home / "pam.toml"
        self.state = home / "state"
        self.memory = self.state / f"settings{str(self.path).replace('/', '%')}"

    def write(self, text: str) -> None:
        self.path.write_text(text)
        self.path.chmod(0o600)

    def document(self) -> dict[str, object]:
        return parsed(str(self.path), self.path.read_bytes(), directory=str(self.state), owner=ME)

    def settings(self) -> Settings:
        return read_settings(str(self.path), "login1", memory=str(self.state))

    def lie(self, document: Any, day: Any = None) -> None:
        """Make a whole memory that says something else about the file as it is."""
        body = marshal.dumps((self.path.read_bytes(), document, day))
        self.memory.write_bytes(HEADER + zlib.crc32(body).to_bytes(4, "big") + body)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    node = Node(tmp_path)
    node.write(FULL)
    return node


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Gather what the parser was asked to read."""
    asked: list[str] = []
    loads = tomllib.loads

    def counted(text: str) -> object:
        asked.append(text)
        return loads(text)

    monkeypatch.setattr(tomllib, "loads", counted)
    return asked


def test_the_second_login_parses_nothing_and_reads_the_same(node: Node, loads: list[str]) -> None:
    node.write(COUNTDOWN)
    first, second = node.settings(), node.settings()
    assert loads == [COUNTDOWN]
    assert second.mistakes == ()
    assert (second.mode, second.deadline) == (Mode.COUNTDOWN, date(2199, 12, 31))
    assert [server.secret for server in second.servers] == [server.secret for server in first.servers]


def test_an_edit_counts_from_the_next_login_on(node: Node, loads: list[str]) -> None:
    texts = [OFF, FULL, OFF, f"{OFF} ", f"{OFF}\n", COUNTDOWN, COUNTDOWN.replace("31", "30")]
    for text in texts:
        node.write(text)
        assert node.document() == tomllib.loads(text) == node.document()
    assert len(loads) == 2 * len(texts)


def test_a_file_that_is_no_toml_is_as_wrong_the_second_time(node: Node) -> None:
    node.document()
    node.write("mode = ")
    for _ in range(2):
        assert node.settings().mode is Mode.FULL
        assert "the file is not TOML (TOMLDecodeError" in node.settings().mistakes[0]


@pytest.mark.parametrize("text", ["deadline = 2026-12-01T00:00:00", "info_url = 2026-12-01", 'deadline = "2026-12-01"'])
def test_a_date_that_is_a_mistake_is_one_at_each_login(node: Node, text: str) -> None:
    node.write(f"{OFF}\n{text}")
    mistakes = [node.settings().mistakes for _ in range(2)]
    assert mistakes[0] == mistakes[1]
    assert text.split(maxsplit=1)[0] in mistakes[0][0]


def test_a_memory_is_its_owners_alone_whatever_the_umask(node: Node) -> None:
    before = os.umask(0)
    try:
        node.document()
    finally:
        os.umask(before)
    assert node.state.stat().st_mode & 0o777 == 0o700
    assert node.memory.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in node.state.iterdir()] == [node.memory.name]


def it_is_of_another_python(node: Node) -> None:
    node.memory.write_bytes(node.memory.read_bytes().replace(b"Python ", b"Python 9", 1))


def it_is_damaged(node: Node) -> None:
    data = bytearray(node.memory.read_bytes())
    data[-5] ^= 1
    node.memory.write_bytes(data)


def it_is_of_another_layout(node: Node) -> None:
    node.memory.write_bytes(node.memory.read_bytes().replace(b"layout ", b"layout 9", 1))


def it_is_endless(node: Node) -> None:
    os.truncate(node.memory, 1 << 42)


def it_is_rubbish(node: Node) -> None:
    node.memory.write_bytes(HEADER + bytes(range(256)))


DOUBTS = [*FILE_DOUBTS, it_is_of_another_python, it_is_of_another_layout, it_is_damaged, it_is_endless, it_is_rubbish]


@pytest.mark.parametrize("doubt", DOUBTS)
def test_a_memory_in_doubt_is_as_good_as_none(node: Node, doubt: Callable[[Node], None]) -> None:
    """Even one that would turn the second factor off, as root's own would be believed."""
    node.document()
    node.lie({"mode": "off"})
    assert node.document() == {"mode": "off"}
    doubt(node)
    assert node.document() == {"mode": "full"}


@pytest.mark.parametrize(
    ("document", "day"),
    [(3, None), ([], None), ([], (2026, 12, 1)), ({}, "abc"), ({}, (2026, 13, 1)), ({}, (10**30, 1, 1)), ({}, (1,))],
)
def test_a_memory_that_makes_no_sense_is_none(node: Node, document: object, day: object) -> None:
    node.document()
    node.lie(document, day)
    assert node.document() == {"mode": "full"}


def test_a_file_that_is_too_large_for_a_memory_is_read_each_time(node: Node) -> None:
    node.write(f"{FULL}\n{''.join(f'k{number} = {{a = 1}}{chr(10)}' for number in range(60_000))}")
    assert node.document() == node.document()


def test_a_memory_that_was_cut_off_anywhere_is_none(node: Node) -> None:
    node.document()
    node.lie({"mode": "off"})
    whole = node.memory.read_bytes()
    for size in range(len(whole)):
        node.memory.write_bytes(whole[:size])
        assert node.document() == {"mode": "full"}


@pytest.mark.parametrize("place", ["missing/state", "file/state", "file"])
def test_without_a_place_for_it_logins_go_on(node: Node, place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    node.state = tmp_path / place
    assert [node.document(), node.document()] == [{"mode": "full"}] * 2


def test_a_login_that_remembers_loads_no_parser(node: Node) -> None:
    node.write(f"{FULL}\n{SERVER}")
    roots = [str(Path(package.__file__ or "").parents[1]) for package in (watchword_pam, watchword)]
    script = (
        f"import sys; sys.path += {roots}\n"
        "from watchword_pam.settings import read_settings\n"
        "assert not read_settings(sys.argv[1], 'login1', memory=sys.argv[2]).mistakes\n"
        "print(*sorted({'tomllib', 'typing', 'datetime'} & set(sys.modules)))"
    )
    command = [sys.executable, "-I", "-S", "-c", script, str(node.path), str(node.state)]
    said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(2)]
    assert said == [["datetime", "tomllib", "typing"], []]
