"""`watchword report`, as an operator calls it."""

import csv
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.test_cli import Operator
from watchword.charts.compose import Key
from watchword.clock import local_now


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    operator = Operator(tmp_path)
    operator.do("token", "add", "alice", "--kind", "soft")
    operator.do("token", "add", "bob", "--kind", "static")
    return operator


def test_it_prints_a_table_for_each_chart_with_what_was_not_counted(operator: Operator) -> None:
    text = operator.do("report", "--days", "3")
    for title in ("Accounts paired", "People by day", "Logins by day", "New pairings by day", "Kinds of token"):
        assert title in text
    today = local_now().date().isoformat()
    assert sum(line.strip().startswith(today) for line in text.splitlines()) == len(Key) - 1
    assert "2 accounts paired." in text
    assert "the servers never see them" in text


def test_programs_get_the_same(operator: Operator) -> None:
    told = operator.ask("report", "--days", "2", "--chart", "deadline", "--chart", "kinds")
    assert [chart["chart"] for chart in told["charts"]] == ["deadline", "kinds"]
    yesterday, today = told["charts"][0]["rows"]
    assert today == [local_now().date().isoformat(), 2]
    assert yesterday == [(local_now().date() - timedelta(days=1)).isoformat(), 0]
    assert told["charts"][1]["rows"][0] == ["phone app", 1, 50.0]
    assert told["files"] == []


def test_it_writes_files_into_directories_of_their_kind(operator: Operator) -> None:
    folder = operator.directory / "new" / "pictures"
    text = operator.do("report", "--chart", "kinds", "--png", str(folder), "--svg", str(folder), "--csv", str(folder))
    files = [folder / f"kinds.{suffix}" for suffix in ("png", "svg", "csv")]
    assert text.split() == [str(file) for file in files]
    assert all(file.stat().st_size for file in files)
    with files[2].open(newline="", encoding="utf-8") as lines:
        assert list(csv.reader(lines))[1] == ["phone app", "1", "50.0"]


def test_it_counts_what_is_new_each_time_and_all_anew_when_told(operator: Operator) -> None:
    operator.do("report")
    operator.do("token", "add", "carol", "--kind", "static")
    for words in (["report"], ["report", "--recount"]):
        assert "3 accounts paired." in operator.do(*words)


def test_a_directory_that_cannot_be_written_is_named(operator: Operator) -> None:
    result = operator.run("report", "--csv", str(operator.config / "below-a-file"))
    assert result.exit_code == 1
    assert "cannot be written" in str(result.exception)


@pytest.mark.parametrize("words", [["--days", "0"], ["--chart", "nothing"], ["--days", "99999"]])
def test_nonsense_is_refused(operator: Operator, words: list[str]) -> None:
    assert operator.run("report", *words).exit_code == 2
