"""The demo works, and leaves nothing behind, however it ends."""

import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from scripts.demonstration.set_up import ACCOUNT_PREFIX, PAM_SERVICE

from tests.harness.pam_service import PAM_DIRECTORY

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]
DEMO = [sys.executable, "-m", "scripts.demo"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the demo puts its files; also its only trace that a test can name."""
    directory = tmp_path / "place"
    directory.mkdir()
    return directory


def start(directory: Path, *options: str) -> subprocess.Popen[str]:
    """Start the demo."""
    return subprocess.Popen(
        [*DEMO, *options],
        cwd=CHECKOUT,
        env={**os.environ, "TMPDIR": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(demo: subprocess.Popen[str], words: str) -> str:
    """Read what the demo prints until a line holds `words`; return it all."""
    assert demo.stdout is not None
    read = ""
    for line in demo.stdout:
        read += line
        if words in line:
            return read
    raise AssertionError(read)


def accounts() -> set[str]:
    return {entry.pw_name for entry in pwd.getpwall() if entry.pw_name.startswith(ACCOUNT_PREFIX)}


def services() -> set[str]:
    return {path.name for path in PAM_DIRECTORY.iterdir() if path.name.startswith(PAM_SERVICE)}


def test_the_check_logs_in_once_a_code(directory: Path) -> None:
    demo = start(directory, "--check")
    output, _ = demo.communicate(timeout=120)
    assert demo.returncode == 0, output
    verdicts = [line.strip() for line in output.splitlines() if "->" in line]
    assert verdicts == [
        "-> let in, as it should be",
        "-> refused, as it should be",
        "-> let in, as it should be",
        "-> signed in",
    ]
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize(
    ("moment", "number"),
    [("PAM modules", signal.SIGINT), ("account", signal.SIGTERM), ("Ctrl-C", signal.SIGINT), ("Ctrl-C", signal.SIGHUP)],
)
def test_it_undoes_everything_when_told_to_end(directory: Path, moment: str, number: signal.Signals) -> None:
    accounts_before, services_before = accounts(), services()
    with start(directory) as demo:
        read_until(demo, moment)
        demo.send_signal(number)
        output = read_until(demo, "Everything is undone")
    assert demo.returncode == 0, output
    assert list(directory.iterdir()) == []
    assert accounts() <= accounts_before
    assert services() <= services_before


def test_it_undoes_everything_when_set_up_fails_half_way(directory: Path) -> None:
    accounts_before = accounts()
    no_sshd = ["unshare", "--mount", "sh", "-c", 'mount --bind /bin/false /usr/sbin/sshd && exec "$@"', "sh"]
    argv = [*no_sshd, *DEMO, "--check"]
    environment = {**os.environ, "TMPDIR": str(directory)}
    done = subprocess.run(argv, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ended with status 1" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(directory.iterdir()) == []
    assert accounts() <= accounts_before
