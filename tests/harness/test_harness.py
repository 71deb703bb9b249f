"""What the tests stand on must itself stand."""

import logging
import logging.handlers
import os
import pwd
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.harness.accounts import etc_locked, temporary_account
from tests.harness.mariadb import Mariadb
from tests.harness.one_time_codes import oathtool_code
from tests.harness.pam_service import PAM_DIRECTORY, pam_service
from tests.harness.ports import LOOPBACK, free_tcp_port, free_udp_port, own_ports
from tests.harness.processes import ServerError, running
from tests.harness.ssh_client import Answer, at_terminal
from tests.harness.sshd import running_sshd
from tests.harness.syslog import Syslog

ASK_TWICE = "read -p 'First: ' a; read -p 'Second: ' b; echo got $a $b; exit 3"


def test_oathtool_agrees_with_rfc_6238() -> None:
    secret = b"12345678901234567890".hex()
    assert oathtool_code(secret, 59, digits=8) == "94287082"
    assert oathtool_code(secret, 1111111109, digits=8) == "07081804"


@pytest.mark.parametrize(("find", "kind"), [(free_tcp_port, socket.SOCK_STREAM), (free_udp_port, socket.SOCK_DGRAM)])
def test_a_free_port_can_be_bound(find: object, kind: socket.SocketKind) -> None:
    assert callable(find)
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOOPBACK, find()))


def test_workers_side_by_side_share_no_port_with_each_other_or_with_outgoing_connections() -> None:
    ports = [port for worker in ("", "gw1", "gw2", "gw15") for port in own_ports(worker)]
    assert len(ports) == len(set(ports))
    assert max(ports) < int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def test_no_port_is_given_out_twice_in_a_row() -> None:
    given = [free_tcp_port() for _ in range(50)]
    assert len(set(given)) == len(given)


def test_a_server_that_ends_by_itself_shows_its_log(tmp_path: Path) -> None:
    argv = ["sh", "-c", "echo out of coffee; exit 4"]
    with running(argv, tmp_path / "log") as server, pytest.raises(ServerError, match="status 4:\nout of coffee"):
        server.wait_until(lambda: False)


def test_a_server_takes_its_children_with_it(tmp_path: Path) -> None:
    child = tmp_path / "child"
    with running(["sh", "-c", f"sleep 600 & echo $! > {child}; wait"], tmp_path / "log") as server:
        server.wait_until(lambda: child.exists() and child.read_text().endswith("\n"))
    state = Path(f"/proc/{child.read_text().strip()}/stat")
    deadline = time.monotonic() + 10
    while state.exists() and state.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_syslog_line_is_remembered_and_written_as_rsyslog_does(tmp_path: Path) -> None:
    syslog = Syslog(tmp_path / "log", tmp_path / "auth.log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"<38>Nov  2 01:02:03 sshd[7]: Accepted publickey for alice", str(syslog.path))
    assert syslog.wait_for("Accepted publickey") == "sshd[7]: Accepted publickey for alice"
    syslog.close()
    assert (tmp_path / "auth.log").read_text() == "Nov  2 01:02:03 node sshd[7]: Accepted publickey for alice\n"


def test_waiting_for_a_line_that_never_comes_shows_those_that_did(tmp_path: Path) -> None:
    syslog = Syslog(tmp_path / "log")
    handler = logging.handlers.SysLogHandler(str(syslog.path))
    handler.emit(logging.LogRecord("x", logging.INFO, "", 0, "another line", None, None))
    handler.close()
    syslog.wait_for("another line")
    with pytest.raises(AssertionError, match="another line"):
        syslog.wait_for("no such line", seconds=0)
    syslog.close()


def test_prompts_are_answered_in_turn(tmp_path: Path) -> None:
    session = at_terminal(["bash", "-c", ASK_TWICE], [Answer("First: ", "1"), Answer("Second: ", "2")], tmp_path)
    assert (session.status, session.answered) == (3, 2)
    assert session.transcript.endswith("got 1 2\n")


def test_a_command_that_ends_early_leaves_prompts_unanswered(tmp_path: Path) -> None:
    session = at_terminal(["bash", "-c", "exit 5"], [Answer("First: ", "1")], tmp_path)
    assert (session.status, session.answered) == (5, 0)


def test_a_pam_service_of_somebody_else_is_left_alone() -> None:
    other = PAM_DIRECTORY / "other"
    before = other.read_bytes()
    with pytest.raises(FileExistsError), pam_service("other", ""):
        pass
    assert other.read_bytes() == before


def test_nobody_renames_passwd_while_something_is_mounted_over_it() -> None:
    rename = ["flock", "--nonblock", "--exclusive", "/etc", "true"]
    look = ["flock", "--timeout", "60", "--shared", "/etc", "true"]
    with etc_locked(alone=False):
        assert subprocess.run(rename, check=False).returncode == 1
        assert subprocess.run(look, check=False).returncode == 0


@pytest.mark.slow
def test_an_account_is_gone_afterwards_whatever_happened() -> None:
    with suppress(ZeroDivisionError), temporary_account() as account:
        assert pwd.getpwnam(account.name).pw_dir == str(account.home)
        raise ZeroDivisionError
    assert not account.home.exists()
    with pytest.raises(KeyError):
        pwd.getpwnam(account.name)


@pytest.mark.slow
def test_each_database_is_its_own(mariadb: Mariadb) -> None:
    first, second = mariadb.create_database(), mariadb.create_database()
    assert first.rpartition("/")[0] == second.rpartition("/")[0]
    assert first != second


@pytest.mark.slow
def test_an_sshd_of_our_own_leaves_no_trace(tmp_path: Path) -> None:
    deny = "auth required pam_deny.so\naccount required pam_deny.so\n"
    dev_log_before = os.path.lexists("/dev/log")
    with temporary_account() as account, running_sshd(tmp_path, deny) as sshd:
        assert sshd.service.path.exists()
        session = sshd.ssh_login(account, [Answer("assword: ", account.password)])
        assert session.status == 255
        sshd.syslog.wait_for(f"Connection (from|closed).*{account.name}")
    assert not sshd.service.path.exists()
    assert os.path.lexists("/dev/log") == dev_log_before
    assert not sshd.server.is_running


def test_the_command_is_the_one_of_this_environment() -> None:
    assert Path(sys.executable).with_name("watchword").exists()
