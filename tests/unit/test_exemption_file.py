"""Changing an exemption file: nobody's edit is lost, nothing is half written, nothing bad slips in."""

import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.domain.errors import Conflict, InvalidValue, NotFound
from watchword.domain.exemptions import Problem
from watchword.services import exemption_file
from watchword.services.exemption_file import Choice, Line, add_rule, edit, prune_expired

NOON = (2026, 6, 15, 12, 0, 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "exemptions.conf"
    file.write_text("# the first\n+ : alice : ALL : 2026-06-14\n\n+ : bob : 192.0.2.0/24\n")
    file.chmod(0o640)
    return file


def test_a_rule_is_added_at_the_end(path: Path) -> None:
    before = path.read_text()
    added = add_rule(path, "+ : carol : ALL : ALL", NOON)
    assert path.read_text() == before + "+ : carol : ALL : ALL\n"
    assert (added.line.number, added.decided_by) == (5, None)


def test_no_rule_is_added_below_a_last_line_without_an_end_which_may_have_been_cut_off(path: Path) -> None:
    path.write_text("+ : bob : ALL")
    with pytest.raises(Conflict, match=r"exemptions\.conf:1"):
        add_rule(path, "+ : carol : ALL", NOON)
    assert path.read_text() == "+ : bob : ALL"
    add_rule(path, "- : carol : ALL", NOON, at_top=True)
    assert path.read_text() == "- : carol : ALL\n+ : bob : ALL", "above it is safe, and it still has no end"


def test_no_rule_is_added_below_half_a_line(path: Path) -> None:
    path.write_text("+ : bob : 10.0.0")
    with pytest.raises(Conflict, match=r"exemptions\.conf:1"):
        add_rule(path, "+ : carol : ALL", NOON)
    assert path.read_text() == "+ : bob : 10.0.0"


def test_a_rule_is_added_at_the_top_when_told(path: Path) -> None:
    assert add_rule(path, "- : mallory : ALL", NOON, at_top=True).line.number == 1
    assert path.read_text().startswith("- : mallory : ALL\n# the first\n")


def test_a_first_rule_makes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new.conf"
    add_rule(path, "+ : carol : ALL", NOON)
    assert path.read_text() == "+ : carol : ALL\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("rule", "earlier"),
    [
        ("+ : bob : 192.0.2.7 : 2026-12-31", 4),
        ("- : bob : 192.0.2.128/25", 4),
        ("+ : bob : 192.0.3.7", None),
        ("+ : bob dave : 192.0.2.7", None),
        ("+ : alice : 10.0.0.1", None),
    ],
)
def test_a_rule_that_an_earlier_line_decides_is_told(path: Path, rule: str, earlier: int | None) -> None:
    decided_by = add_rule(path, rule, NOON).decided_by
    assert (decided_by.number if decided_by else None) == earlier


@pytest.mark.parametrize("rule", ["", "# note", "+ : bob", "+ : a : ALL\n+ : ALL : ALL"])
def test_a_rule_that_does_not_parse_changes_nothing(path: Path, rule: str) -> None:
    before = path.read_bytes()
    with pytest.raises(InvalidValue):
        add_rule(path, rule, NOON)
    assert path.read_bytes() == before


def test_no_rule_is_added_below_a_bad_line(path: Path) -> None:
    path.write_text("oops\n")
    with pytest.raises(Conflict, match=r"exemptions\.conf:1"):
        add_rule(path, "+ : carol : ALL", NOON)
    assert path.read_text() == "oops\n"


def test_prune_takes_out_expired_rules_alone(path: Path) -> None:
    assert [line.number for line in prune_expired(path, NOON)] == [2]
    assert path.read_text() == "# the first\n\n+ : bob : 192.0.2.0/24\n"


def test_a_dry_run_changes_nothing(path: Path) -> None:
    before = path.stat()
    assert [line.number for line in prune_expired(path, NOON, dry_run=True)] == [2]
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@given(st.binary())
def test_what_prune_keeps_it_keeps_to_the_byte(tmp_path_factory: pytest.TempPathFactory, rest: bytes) -> None:
    path = tmp_path_factory.mktemp("prune") / "f"
    path.write_bytes(b"+ : a : ALL : 2026-01-01\n" + rest)
    prune_expired(path, NOON)
    assert path.read_bytes() == rest


def test_prune_never_completes_a_last_line_that_may_have_been_cut_off(path: Path) -> None:
    path.write_text("+ : alice : ALL : 2026-06-14\n+ : bob : 10.0.0.0/3")
    assert prune_expired(path, NOON) == [Line(1, "+ : alice : ALL : 2026-06-14")]
    assert path.read_text() == "+ : bob : 10.0.0.0/3"


def test_owner_and_mode_are_kept_and_nothing_is_left_behind(path: Path) -> None:
    if os.getuid() == 0:
        os.chown(path, 12345, 54321)
    before = path.stat()
    add_rule(path, "+ : carol : ALL", NOON)
    after = path.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert [entry.name for entry in path.parent.iterdir()] == ["exemptions.conf"]


def test_a_link_stays_a_link(path: Path) -> None:
    link = path.parent / "link.conf"
    link.symlink_to(path)
    add_rule(link, "+ : carol : ALL", NOON)
    assert link.is_symlink()
    assert "carol" in path.read_text()


def test_two_operators_do_not_lose_each_others_rules(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from watchword.services.exemption_file import add_rule\n"
        "for n in range(20): add_rule(Path(sys.argv[1]), f'+ : {sys.argv[2]}{n} : ALL', (2026, 6, 15, 12, 0, 0))"
    )
    running = [subprocess.Popen([sys.executable, "-c", script, str(path), name]) for name in ("dave", "erin")]
    assert [process.wait() for process in running] == [0, 0]
    text = path.read_text()
    assert all(f"+ : {name}{n} : ALL\n" in text for name in ("dave", "erin") for n in range(20))


def test_a_file_that_somebody_is_editing_is_not_changed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exemption_file, "_TRIES", 1)
    monkeypatch.setattr(exemption_file, "_PAUSE_SECONDS", 0)
    folder = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        with pytest.raises(Conflict, match="somebody else"):
            add_rule(path, "+ : carol : ALL", NOON)
    finally:
        os.close(folder)


def writes(*texts: str):  # type: ignore[no-untyped-def]  # a hand that types the next text each time the editor opens
    rest = list(texts)
    return lambda copy: copy.write_text(rest.pop(0))


def never(problems: list[Problem]) -> Choice:
    raise AssertionError(problems)


@pytest.mark.parametrize("end", ["\n", ""])
def test_an_edit_takes_effect_though_the_editor_left_no_line_feed(path: Path, end: str) -> None:
    assert edit(path, writes(f"+ : dave : ALL{end}"), never) == 4
    assert path.read_text() == "+ : dave : ALL\n"


def test_an_edit_counts_the_lines_that_differ(path: Path) -> None:
    text = path.read_text()
    assert edit(path, writes(text + "# one more\n"), never) == 1
    assert edit(path, writes(text), never) == 1
    assert edit(path, writes(text.replace("alice", "carol")), never) == 1


def test_an_edit_that_changes_nothing_leaves_the_file_alone(path: Path) -> None:
    before = path.stat().st_ino
    assert not edit(path, lambda _: None, never)
    assert path.stat().st_ino == before


def test_a_bad_edit_is_shown_and_edited_again(path: Path) -> None:
    shown: list[int] = []

    def again(problems: list[Problem]) -> Choice:
        shown.extend(problem.line for problem in problems)
        return Choice.EDIT_AGAIN

    assert edit(path, writes("+ : a : ALL\noops\n", "+ : a : ALL\n"), again)
    assert shown == [2]
    assert path.read_text() == "+ : a : ALL\n"


def test_a_bad_edit_can_be_discarded(path: Path) -> None:
    before = path.read_bytes()
    assert not edit(path, writes("oops\n"), lambda _: Choice.DISCARD)
    assert path.read_bytes() == before


def test_a_bad_edit_is_installed_only_if_the_person_insists(path: Path) -> None:
    assert edit(path, writes("oops\n"), lambda _: Choice.INSTALL)
    assert path.read_text() == "oops\n"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        prune_expired(tmp_path / "none", NOON)
    with pytest.raises(NotFound):
        add_rule(tmp_path / "no" / "none", "+ : a : ALL", NOON)
