"""Did sshd accept a public key? From what it tells PAM, and for old servers from the log."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scripted_pamh import ScriptedPamh
from watchword_pam.conversation import Conversation
from watchword_pam.first_factor import public_key_verdict
from watchword_pam.login_log import RECENT_BYTES, KeyAccepted, is_in_lines, search_log
from watchword_pam.verdict import Granted

CONNECTION = "192.0.2.7 40000 192.0.2.1 22"
WANTED = KeyAccepted(4711, "alice", "192.0.2.7", "40000")
KEY = "ED25519 SHA256:vAL235MHA1jwaNiBgsEQfwa/u5iVz"
NOW = time.mktime((2026, 11, 22, 0, 30, 30, 0, 0, -1))
HEAD = "Nov 22 00:30:20 login1 sshd[4711]: "


def is_accepted(env: dict[str, str], log: str = "") -> bool:
    return isinstance(public_key_verdict(Conversation(ScriptedPamh("alice", env=env)), log), Granted)


@pytest.mark.parametrize(
    ("told", "accepted"),
    [
        ("publickey ssh-ed25519 AAAA", True),
        ("publickey ssh-ed25519-cert-v01@openssh.com AAAA\n", True),
        ("password\npublickey ssh-ed25519 AAAA", True),
        ("password", False),
        ("hostbased ssh-ed25519 publickey", False),
        ("gssapi-with-mic publickey", False),
        ("publickeys x", False),
        (" publickey ssh-ed25519 AAAA", False),
        ("password\x0bpublickey ssh-ed25519 AAAA", False),
        ("", False),
    ],
)
def test_what_sshd_tells_pam_decides(told: str, accepted: bool) -> None:
    assert is_accepted({"SSH_CONNECTION": CONNECTION, "SSH_AUTH_INFO_0": told}) is accepted


def test_without_sshd_there_is_no_key() -> None:
    assert not is_accepted({})


@pytest.mark.parametrize(
    "line",
    [
        HEAD + f"Accepted publickey for alice from 192.0.2.7 port 40000 ssh2: {KEY}",
        HEAD + f"Partial publickey for alice from 192.0.2.7 port 40000 ssh2: {KEY}",
        HEAD + "Accepted publickey for alice from 192.0.2.7 port 40000 ssh2",
        HEAD.replace("sshd", "sshd-session") + "Accepted publickey for alice from 192.0.2.7 port 40000 ssh2: RSA x",
    ],
)
def test_the_line_of_this_very_connection_is_found(line: str) -> None:
    assert is_in_lines(["other", line, "other"], WANTED, NOW)


@pytest.mark.parametrize(
    "line",
    [
        HEAD + f"Accepted key {KEY} found at /home/alice/.ssh/authorized_keys:1",
        HEAD + "Postponed publickey for alice from 192.0.2.7 port 40000 ssh2 [preauth]",
        HEAD + "Failed publickey for alice from 192.0.2.7 port 40000 ssh2",
        HEAD + "Accepted password for alice from 192.0.2.7 port 40000 ssh2",
        HEAD + "Accepted publickey for alice from 192.0.2.7 port 40000 ssh2x",
        HEAD + "Accepted publickey for alice from 192.0.2.7 port 4000 ssh2",
        HEAD + "Accepted publickey for alice from 192.0.2.8 port 40000 ssh2",
        HEAD + "Accepted publickey for mallory from 192.0.2.7 port 40000 ssh2",
        HEAD + "Invalid user Accepted publickey for alice from 192.0.2.7 port 40000 ssh2: x from 198.51.100.1 port 1",
        HEAD + " Accepted publickey for alice from 192.0.2.7 port 40000 ssh2",
        HEAD.replace("4711", "4712") + "Accepted publickey for alice from 192.0.2.7 port 40000 ssh2",
        HEAD.replace("4711", "14711") + "Accepted publickey for alice from 192.0.2.7 port 40000 ssh2",
        HEAD.replace("sshd", "logger") + "Accepted publickey for alice from 192.0.2.7 port 40000 ssh2",
        HEAD.replace("sshd", "notsshd") + "Accepted publickey for alice from 192.0.2.7 port 40000 ssh2",
        HEAD.replace("login1", "login1 x") + "Accepted publickey for alice from 192.0.2.7 port 40000 ssh2",
        "x" + HEAD + "Accepted publickey for alice from 192.0.2.7 port 40000 ssh2",
    ],
)
def test_nothing_else_is(line: str) -> None:
    assert not is_in_lines([line], WANTED, NOW)


@pytest.mark.parametrize(
    ("stamp", "is_recent"),
    [
        ("Nov 22 00:30:30", True),
        ("Nov 22 00:29:30", True),
        ("Nov 22 00:29:29", False),
        ("Nov 22 00:30:40", False),
        ("Nov 21 00:30:20", False),
        ("Dec 31 00:30:20", False),
        ("Feb 30 00:30:20", False),
        ("Xyz 22 00:30:20", False),
    ],
)
def test_only_a_line_seconds_old_counts(stamp: str, is_recent: bool) -> None:
    line = f"{stamp} login1 sshd[4711]: Accepted publickey for alice from 192.0.2.7 port 40000 ssh2: {KEY}"
    assert is_in_lines([line], WANTED, NOW) is is_recent


def test_new_years_eve_is_seconds_ago() -> None:
    now = time.mktime((2027, 1, 1, 0, 0, 5, 0, 0, -1))
    line = f"Dec 31 23:59:50 login1 sshd[4711]: Accepted publickey for alice from 192.0.2.7 port 40000 ssh2: {KEY}"
    assert is_in_lines([line], WANTED, now)


@pytest.mark.parametrize(
    ("stamp", "is_recent"),
    [
        ("2026-11-22T00:30:20.123456+00:00", True),
        ("2026-11-22T02:30:20+02:00", True),
        ("2026-11-22T00:30:20Z", True),
        ("2026-11-22T00:30:20+02:00", False),
        ("2025-11-22T00:30:20Z", False),
        ("2026-13-22T00:30:20Z", False),
        ("2026-11-22T00:30:20", False),
    ],
)
def test_rsyslogs_other_format_is_read_with_its_zone(stamp: str, is_recent: bool) -> None:
    line = f"{stamp} login1 sshd[4711]: Accepted publickey for alice from 192.0.2.7 port 40000 ssh2: {KEY}"
    assert is_in_lines([line], WANTED, 1795307430.0) is is_recent


@given(st.text(), st.text())
def test_a_forged_name_never_makes_a_line_match(name: str, text: str) -> None:
    forged = f"Invalid user {name} from 198.51.100.1 port 1"
    assert not is_in_lines((HEAD + forged + text).split("\n")[:1], WANTED, NOW)


def line_for_us(account: str = "alice") -> str:
    stamp = time.strftime("%b %e %H:%M:%S")
    return (
        f"{stamp} login1 sshd[{os.getppid()}]: Accepted publickey for {account} from 192.0.2.7 port 40000 ssh2: {KEY}\n"
    )


def test_a_log_file_is_searched_when_sshd_tells_nothing(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("x" * RECENT_BYTES + "\n" + line_for_us())
    log.chmod(0o640)
    assert is_accepted({"SSH_CONNECTION": CONNECTION}, str(log))
    assert not is_accepted({"SSH_CONNECTION": CONNECTION, "SSH_AUTH_INFO_0": "password"}, str(log))
    assert not is_accepted({}, str(log))
    log.write_text(line_for_us() + "x" * RECENT_BYTES)
    assert not is_accepted({"SSH_CONNECTION": CONNECTION}, str(log))


def test_a_name_with_a_line_separator_forges_no_line(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(f"Nov 22 00:30:20 login1 sshd[1]: Invalid user x\u2028{line_for_us()}", encoding="utf-8")
    log.chmod(0o640)
    assert not is_accepted({"SSH_CONNECTION": CONNECTION}, str(log))


def test_a_log_file_that_others_may_write_or_that_is_none_proves_nothing(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(line_for_us())
    for mode in (0o666, 0o660):
        log.chmod(mode)
        assert not is_accepted({"SSH_CONNECTION": CONNECTION}, str(log))
    log.chmod(0o640)
    os.chown(log, 65534, 0)
    assert not is_accepted({"SSH_CONNECTION": CONNECTION}, str(log))
    assert not is_accepted({"SSH_CONNECTION": CONNECTION}, str(tmp_path))
    assert not is_accepted({"SSH_CONNECTION": CONNECTION}, str(tmp_path / "none"))


def test_a_missing_file_raises_what_the_caller_turns_into_no(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        search_log(str(tmp_path / "none"), WANTED)
