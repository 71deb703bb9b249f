"""FileZilla, in its own windows. `make test-desktop` runs it; `make test` does not, for the size of its packages."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.login_node import WRONG_CODE, LoginNode, running_login_node
from tests.harness.ports import LOOPBACK
from tests.harness.processes import running
from tests.harness.screen import Screen, running_screen
from tests.harness.ssh_clients import Errand

WORDS = "what was to be brought"
LISTED = "closedir "
UNKNOWN_HOST, QUESTION = "Unknown host key", "Enter password"
ONLY_LOCAL_FILE = (45, 455)  # where the list of local files shows it
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.1

# What people set in the site manager: logon type Interactive, and one connection at most.
SITE = """\
<?xml version="1.0" encoding="UTF-8"?>
<FileZilla3 version="3.63.0" platform="*nix"><Servers><Server>
<Name>login1</Name><Protocol>1</Protocol><Host>{host}</Host><Port>{port}</Port><User>{account}</User>
<Logontype>3</Logontype><MaximumMultipleConnections>1</MaximumMultipleConnections>
</Server></Servers></FileZilla3>
"""
SETTINGS = """\
<?xml version="1.0" encoding="UTF-8"?>
<FileZilla3 version="3.63.0" platform="*nix"><Settings>
<Setting name="Greeting version">3.63.0</Setting><Setting name="Disable update check">1</Setting>
<Setting name="Language Code">en</Setting><Setting name="SFTP keyfiles">{key}</Setting>
</Settings></FileZilla3>
"""


@pytest.fixture(scope="module")
def login_node(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginNode]:
    with running_login_node(modules, tmp_path_factory.mktemp("login-node")) as running_node:
        yield running_node


@pytest.fixture(params=["key", "password"])
def errand(request: pytest.FixtureRequest, login_node: LoginNode, tmp_path: Path) -> Errand:
    """An errand of the paired account, by either first factor."""
    local = tmp_path / "local"
    local.mkdir()
    source = local / tmp_path.name
    source.write_text(WORDS, encoding="utf-8")
    key = login_node.paired_key if request.param == "key" else None
    return Errand(login_node.sshd, login_node.paired, key, source, source.name)


def wait_until(happened: Callable[[], bool]) -> None:
    """Wait for something, not for ever."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)


@contextmanager
def filezilla(errand: Errand, home: Path) -> Iterator[Screen]:
    """Open FileZilla at the site, as far as its first question for a password or a code."""
    configuration = home / ".config/filezilla"
    configuration.mkdir(parents=True)
    site = SITE.format(host=LOOPBACK, port=errand.sshd.port, account=errand.account.name)
    (configuration / "sitemanager.xml").write_text(site, encoding="utf-8")
    settings = SETTINGS.format(key=errand.key.putty if errand.key else "")
    (configuration / "filezilla.xml").write_text(settings, encoding="utf-8")
    argv = ["filezilla", "--site=0/login1", f"--local={errand.source.parent}"]
    with running_screen(home) as screen:
        environment = {"HOME": str(home), "DISPLAY": screen.display, "LC_ALL": "C.UTF-8", "NO_AT_BRIDGE": "1"}
        with running(argv, home / "filezilla.log", environment):
            screen.wait_for_window(UNKNOWN_HOST)
            screen.press("Return")
            if errand.key is None:
                screen.wait_for_window(QUESTION)
                screen.enter(errand.account.password)
            screen.wait_for_window(QUESTION)
            yield screen


def test_one_code_logs_in_and_moves_a_file(errand: Errand, login_node: LoginNode, tmp_path: Path) -> None:
    before, lists = login_node.logins(errand.account), len(errand.sshd.syslog.matching(LISTED))
    with filezilla(errand, tmp_path) as screen:
        screen.enter(login_node.phone.fresh_code())
        wait_until(lambda: len(errand.sshd.syslog.matching(LISTED)) > lists)
        screen.double_click(*ONLY_LOCAL_FILE)
        wait_until(lambda: errand.arrived() == WORDS)
    assert login_node.logins(errand.account) == before + 1


def test_wrong_codes_are_refused(errand: Errand, login_node: LoginNode, tmp_path: Path) -> None:
    before = login_node.logins(errand.account)
    with filezilla(errand, tmp_path) as screen:
        for _ in range(3):
            screen.enter(WRONG_CODE)
            screen.wait_for_window(QUESTION)  # the last one begins anew
        screen.double_click(*ONLY_LOCAL_FILE)
        screen.press("Escape")
        errand.sshd.syslog.wait_for("Failed keyboard-interactive/pam")
    assert login_node.logins(errand.account) == before
    assert errand.arrived() is None
