"""The lines that logins remember of a large exemption file, and what a login makes of them in good days and bad."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.memory_doubts import FILE_DOUBTS
from watchword.domain import exemptions
from watchword.domain.exemptions import Finding
from watchword_pam import exemption_memory
from watchword_pam.exemption_list import find_exemption
from watchword_pam.exemption_memory import HEADER, recall, remember

NOON = (2026, 6, 15, 12, 0, 0, 0, 166, 0)
ME = os.getuid()
STRANGERS = [f"+ : user{number} : 10.1.{number // 256}.{number % 256} : 2026-12-31" for number in range(900)]
RIGHT = "+ : ALL EXCEPT bob : 192.0.2.0/24"
WRONG = "+ : bob : 10.1"


class Node:
    """An exemption file and the directory of its memory."""

    def __init__(self, home: Path) -> None:
        self.path = home / "exemptions.conf"
        self.state = home / "state"
        self.memory = self.state / f"exemptions{str(self.path).replace('/', '%')}"

    def write(self, lines: list[str]) -> None:
        self.path.write_text("".join(f"{line}\n" for line in lines))

    def ask(self, account: str = "alice") -> Finding:
        said: list[str] = []
        return find_exemption(str(self.path), account, "192.0.2.7", NOON, said.append, owner=ME, state=str(self.state))

    def recalled(self) -> str:
        return recall(str(self.state), str(self.path), b"another file\n", owner=ME).decode()

    def remember(self, lines: str) -> None:
        remember(str(self.state), str(self.path), lines.encode(), owner=ME)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    node = Node(tmp_path)
    node.write([*STRANGERS, RIGHT])
    return node


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Gather how many lines each login had to parse, of those that came to lines that nobody remembered."""
    counts: list[int] = []
    doubtful = exemptions._doubtful

    def counted(text: str, start: int, end: int, *rest: object) -> object:
        counts.append(text.count("\n", start, end))
        return doubtful(text, start, end, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(exemptions, "_doubtful", counted)
    return counts


def test_the_second_login_parses_nothing_again(node: Node, parsed: list[int]) -> None:
    assert (node.ask().line, node.ask().line, node.ask("bob").line) == (901, 901, 0)
    assert parsed == [901, 0]
    assert node.recalled() == node.path.read_text()


def test_after_an_edit_only_what_was_changed_is_parsed_and_counts_at_once(node: Node, parsed: list[int]) -> None:
    node.ask()
    node.write([*STRANGERS[:500], "- : alice : ALL", *STRANGERS[501:], RIGHT])
    assert (node.ask().exempt, node.ask().line) == (False, 501)
    node.write([*STRANGERS[:500], WRONG, *STRANGERS[501:], RIGHT])
    assert (node.ask().exempt, node.ask().bad_line) == (False, 501)
    node.write([*STRANGERS[:500], *STRANGERS[501:], RIGHT])
    assert node.ask().line == 900
    assert max(parsed[1:]) <= 2


def test_a_line_that_was_right_once_does_not_excuse_one_that_is_wrong(node: Node) -> None:
    node.write([*STRANGERS, "+ : bob : 10.0.0.0/32", RIGHT])
    assert node.ask().exempt
    node.write([*STRANGERS, "+ : bob : 10.0.0.0/3x", RIGHT])
    assert (node.ask().exempt, node.ask().bad_line) == (False, 901)


def test_what_stands_below_a_match_is_checked_when_a_login_gets_there(node: Node, parsed: list[int]) -> None:
    node.write([*STRANGERS[:300], RIGHT, *STRANGERS[300:], WRONG])
    assert (node.ask().line, node.ask().line) == (301, 301)
    assert node.recalled() == "".join(f"{line}\n" for line in [*STRANGERS[:300], RIGHT])
    assert (node.ask("bob").bad_line, node.ask("bob").bad_line) == (902, 902)
    assert parsed == [902, 601, 1]
    assert node.recalled() == "".join(f"{line}\n" for line in [*STRANGERS[:300], RIGHT, *STRANGERS[300:]])
    assert node.ask().line == 301


def test_a_file_that_is_compared_in_pieces_is_compared_to_its_end(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exemption_memory, "_PIECE_BYTES", 64)
    data = node.path.read_bytes()
    node.remember(data.decode())
    assert recall(str(node.state), str(node.path), data, owner=ME) is data
    for place in [*range(0, len(data), 977), len(data) - 2]:
        changed = data[:place] + b"~" + data[place + 1 :]
        assert recall(str(node.state), str(node.path), changed, owner=ME) == data


def test_a_last_line_that_is_cut_off_is_never_remembered(node: Node) -> None:
    node.path.write_text(node.path.read_text() + "+ : ALL : 10.0.0.0/3")
    assert (node.ask("bob").bad_line, node.ask("bob").bad_line) == (902, 902)
    node.path.write_text(node.path.read_text() + "2x\n")
    assert node.ask("bob").bad_line == 902
    assert "10.0.0.0/3" not in node.recalled()


def test_small_files_leave_no_memory(node: Node) -> None:
    node.write([RIGHT])
    assert node.ask().exempt
    assert not node.state.exists()


def test_two_files_are_remembered_side_by_side(node: Node, tmp_path: Path, parsed: list[int]) -> None:
    other = Node(tmp_path)
    other.path = tmp_path / "other.conf"
    other.write([*STRANGERS[::-1], "- : ALL : ALL"])
    for _ in range(2):
        assert node.ask().exempt
        assert not other.ask().exempt
    assert parsed == [901, 901]


def test_a_memory_is_its_owners_alone(node: Node) -> None:
    os.umask(os.umask(0))
    node.ask()
    assert node.state.stat().st_mode & 0o777 == 0o700
    assert node.memory.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in node.state.iterdir()] == [node.memory.name]


def it_is_of_another_grammar(node: Node) -> None:
    node.memory.write_bytes(node.memory.read_bytes().replace(b"grammar ", b"grammar 9", 1))


def it_has_no_header(node: Node) -> None:
    node.memory.write_bytes(node.memory.read_bytes().removeprefix(HEADER))


def it_is_rubbish(node: Node) -> None:
    node.memory.write_bytes(HEADER + bytes(range(256)) * 100)


DOUBTS = [*FILE_DOUBTS, it_is_of_another_grammar, it_has_no_header, it_is_rubbish]


@pytest.mark.parametrize("doubt", DOUBTS)
def test_a_memory_in_doubt_is_as_good_as_none(node: Node, doubt: Callable[[Node], None], parsed: list[int]) -> None:
    """Even one that takes a wrong line for right, as root's own would be believed."""
    node.write([*STRANGERS, WRONG, RIGHT])
    node.remember(node.path.read_text())
    assert node.ask().exempt
    doubt(node)
    assert (node.ask().exempt, node.ask().bad_line) == (False, 901)
    assert parsed[0] == 902


def test_a_memory_that_was_cut_off_anywhere_says_nothing_about_the_line_it_ends_in(node: Node) -> None:
    node.write([*STRANGERS, "+ : bob : 10.0.0.0/32", RIGHT])
    node.ask()
    whole = node.memory.read_bytes()
    node.write([*STRANGERS, "+ : bob : 10.0.0.0/3", RIGHT.replace("+", "*")])
    for size in range(len(whole) - 80, len(whole)):
        node.memory.write_bytes(whole[:size])
        assert node.ask().bad_line == 902


@pytest.mark.parametrize("place", ["missing/state", "file/state", "full"])
def test_without_a_place_for_it_logins_go_on(node: Node, place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "full").write_text("")
    node.state = tmp_path / place
    assert [node.ask().exempt, node.ask("bob").exempt] == [True, False]


def test_a_disk_that_is_full_costs_the_memory_alone(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.ask()
    remembered = node.recalled()
    monkeypatch.setattr(os, "writev", lambda descriptor, parts: os.write(descriptor, b"".join(parts)[:1000]))
    node.write([*STRANGERS[::-1], RIGHT])
    assert node.ask().exempt
    assert node.recalled() == remembered
    assert sum(path.stat().st_size for path in node.state.iterdir()) == node.memory.stat().st_size


def test_a_limit_on_the_size_of_files_ends_no_login(node: Node) -> None:
    """`su` runs with the limits of whoever calls it."""
    script = (
        "import sys; from watchword_pam.exemption_list import find_exemption as find; "
        f"print(find(sys.argv[1], 'alice', '192.0.2.7', {NOON}, print, owner={ME}, state=sys.argv[2]).exempt)"
    )
    limited = [
        "sh",
        "-c",
        'ulimit -f 8; exec "$@"',
        "sh",
        sys.executable,
        "-c",
        script,
        str(node.path),
        str(node.state),
    ]
    ran = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert ran.stdout.endswith("True\n"), ran.stderr
    assert node.recalled() == ""


def test_a_draft_of_a_login_that_was_killed_is_written_anew(node: Node) -> None:
    node.state.mkdir(0o700)
    draft = node.state / f"{node.memory.name}.new"
    draft.touch(0o600)
    draft.write_bytes(b"x" * 1_000_000)
    node.ask()
    assert node.recalled() == node.path.read_text()
    assert not draft.exists()


def test_a_login_leaves_the_memory_to_another_that_writes_it(node: Node) -> None:
    node.state.mkdir(0o700)
    draft = node.state / f"{node.memory.name}.new"
    script = (
        "import os, sys; draft = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600); "
        "os.lockf(draft, os.F_LOCK, 0); print(flush=True); input()"
    )
    command = [sys.executable, "-c", script, str(draft)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert node.ask().exempt
        assert node.recalled() == ""
        other.communicate(b"\n")
    assert node.ask().exempt
    assert node.recalled() == node.path.read_text()


def test_a_draft_that_became_the_memory_meanwhile_is_left_alone(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened as the draft, and locked only when its writer had renamed it."""
    lockf, draft = os.lockf, node.state / f"{node.memory.name}.new"

    def rename_first(descriptor: int, command: int, length: int) -> None:
        draft.write_bytes(HEADER + b"+ : bob : ALL\n")
        draft.rename(node.memory)
        lockf(descriptor, command, length)

    monkeypatch.setattr(os, "lockf", rename_first)
    node.ask()
    assert node.recalled() == "+ : bob : ALL\n"


def test_many_logins_at_once_agree_and_leave_one_whole_memory(node: Node) -> None:
    script = (
        "import sys; from watchword_pam.exemption_list import find_exemption as find\n"
        "for _ in range(30):\n"
        f"    found = find(sys.argv[1], 'alice', '192.0.2.7', {NOON}, str, owner={ME}, state=sys.argv[2])\n"
        "    assert found.exempt and found.bad_line == 0, found\n"
    )
    command = [sys.executable, "-c", script, str(node.path), str(node.state)]
    logins = [subprocess.Popen(command) for _ in range(4)]
    texts = [[*STRANGERS[number:], *STRANGERS[:number], RIGHT] for number in range(0, 900, 30)]
    draft = node.path.with_suffix(".draft")
    while any(login.poll() is None for login in logins):
        for lines in texts:
            draft.write_text("".join(f"{line}\n" for line in lines))
            draft.rename(node.path)
    assert [login.returncode for login in logins] == [0] * 4
    assert set(node.recalled().splitlines()) <= {*STRANGERS, RIGHT}
    assert node.ask().exempt
    assert node.recalled().endswith(f"{RIGHT}\n")


def test_of_a_huge_file_nothing_is_written_down(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exemption_memory, "LARGEST_BYTES", 10_000)
    assert [node.ask().line, node.ask().line] == [901, 901]
    assert node.recalled() == ""


def test_a_path_that_no_memory_can_be_named_after_is_read_each_time(node: Node) -> None:
    assert recall(str(node.state), "/" + "x" * 300, b"lines\n", owner=ME) == b""
    remember(str(node.state), "/" + "x" * 300, b"lines\n", owner=ME)
    remember(str(node.state), "/\0", b"lines\n", owner=ME)
    assert recall(str(node.state), "/\0", b"lines\n", owner=ME) == b""
