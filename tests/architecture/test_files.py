"""What no file of the repository may hold."""

import re

import pytest

from tests.architecture.repository import ROOT, files

# Where a checkout or a scratch disk happened to be; an example such as alice's home may stand.
MACHINE_PATH = re.compile(rb"(?<![\w.\-/:<])/(?:work|Users|mnt/\w+)/[\w.-]")
LONGEST_MODULE = 300


def test_no_file_holds_a_path_of_the_machine_it_was_written_on() -> None:
    found = {
        str(path.relative_to(ROOT)): match.group().decode()
        for path in files()
        if path.name != "test_files.py" and (match := MACHINE_PATH.search(path.read_bytes()))
    }
    assert found == {}


@pytest.mark.parametrize("folder", ["src", "pam", "radius", "scripts"])
def test_a_module_stops_where_a_reader_would(folder: str) -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files(f"{folder}/*.py")}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_what_the_makefile_and_ci_call_can_be_run() -> None:
    scripts = [*files("scripts/*.sh", "docker/fresh/*.sh"), ROOT / ".ci/run"]
    assert scripts
    assert [path.name for path in scripts if not path.stat().st_mode & 0o100] == []
