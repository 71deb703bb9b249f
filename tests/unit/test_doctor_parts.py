"""The doctor's smaller parts, each on real files, sockets and programs' words."""

from __future__ import annotations

import ipaddress
import os
import pwd
import socket
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.harness.ports import LOOPBACK
from tests.radius_peer import SECRET, RadiusPeer, accept, forged, refusing_port, reject, unsigned
from watchword.cli.doctor import report
from watchword.cli.doctor.findings import Area, Finding, Findings, Level, is_healthy
from watchword.cli.doctor.listeners import is_bound
from watchword.cli.doctor.machine_clock import check_clock, is_synchronised
from watchword.cli.doctor.node_exemptions import check_exemptions
from watchword.cli.doctor.node_ldap import check_ldap
from watchword.cli.doctor.node_settings import check_node_settings, read_node_settings
from watchword.cli.doctor.sshd import check_sshd, key_is_certain
from watchword.cli.doctor.status_server import Answered, Peer, Unanswered, ask_status
from watchword.cli.doctor.trust import is_there, may, weaknesses
from watchword.clock import monotonic_seconds
from watchword.domain.errors import KeyringError

AREA = Area("Thing")


def test_a_check_that_fails_is_a_finding_and_keeps_what_it_had_found() -> None:
    def check() -> Findings:
        yield AREA.ok("one")
        raise RuntimeError("hunter2")

    found = AREA.examine(check)
    assert [each.level for each in found] == [Level.OK, Level.PROBLEM]
    assert "RuntimeError" in found[1].what
    assert "hunter2" not in str(found)


def test_an_error_of_ours_is_said_with_what_to_do() -> None:
    def check() -> list[Finding]:
        raise KeyringError("no keyring", hint="make one")

    assert AREA.examine(check) == [AREA.problem("no keyring", "make one")]


def test_warnings_are_healthy_and_problems_are_not() -> None:
    assert is_healthy([AREA.ok("a"), AREA.warning("b", "c")])
    assert not is_healthy([AREA.ok("a"), AREA.problem("b", "c")])


def test_the_report_is_grouped_aligned_and_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    report.print_report([AREA.ok("fine"), AREA.problem("bro\x1bken", "mend it"), Area("Else").warning("odd", "look")])
    assert capsys.readouterr().out == (
        "Thing\n  ok        fine\n  problem   bro\\x1bken\n            -> mend it\n\n"
        "Else\n  warning   odd\n            -> look\n\n1 problem and 1 warning.\n"
    )


def test_a_report_without_complaint_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    report.print_report([AREA.ok("fine")])
    assert capsys.readouterr().out.endswith("\nAll is well.\n")


def peer(port: int, secret: bytes = SECRET) -> Peer:
    return Peer(LOOPBACK, port, secret)


def test_a_server_with_our_secret_answers() -> None:
    with RadiusPeer(lambda _request: accept()) as server:
        answer = ask_status(peer(server.port), monotonic_seconds)
    (request,) = server.requests
    assert isinstance(answer, Answered)
    assert (request.code, request.order, request.signed) == (12, (80,), True)


@pytest.mark.parametrize("answer", [forged(accept()), unsigned(accept()), forged(reject())])
def test_a_reply_that_our_secret_does_not_verify_is_none(answer: object) -> None:
    moments = iter([0.0, 0.0, *[5.0] * 20])  # one wait, then the time is up
    with RadiusPeer(lambda _request: answer) as server:  # type: ignore[arg-type, return-value]  # it is an Answer
        assert ask_status(peer(server.port), lambda: next(moments)) == Unanswered(forged=True)


def test_a_port_where_nobody_listens_is_told_at_once() -> None:
    answer = ask_status(peer(refusing_port()), monotonic_seconds)
    assert answer == Unanswered("its machine says that nothing listens on that port")


def test_no_secret_is_in_a_peers_repr() -> None:
    assert SECRET.decode() not in repr(peer(1812))


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_bound_socket_is_found(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as bound:
        bound.bind((host, 0))
        port = bound.getsockname()[1]
        assert is_bound(ipaddress.ip_address(host), port)
    assert not is_bound(ipaddress.ip_address(host), port)


def test_a_socket_bound_to_every_address_counts_for_each() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("0.0.0.0", 0))
        assert is_bound(ipaddress.ip_address("192.0.2.7"), bound.getsockname()[1])


def test_a_directory_server_is_tried_and_one_that_is_not_there_is_a_problem() -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        uri = f"ldap://{LOOPBACK}:{listening.getsockname()[1]}"
        assert [each.level for each in check_ldap([uri], 2, monotonic_seconds)] == [Level.OK]
    (finding,) = check_ldap([uri], 2, monotonic_seconds)
    assert finding.level is Level.PROBLEM
    assert "can't be reached (Connection refused)" in finding.what
    assert [each.level for each in check_ldap(["nonsense"], 2, monotonic_seconds)] == [Level.PROBLEM]


def test_the_kernel_is_asked_about_its_clock() -> None:
    assert is_synchronised() in (True, False)


def test_the_clocks_zone_is_told() -> None:
    zone = datetime.fromisoformat("2026-12-01T10:00:00+01:00")
    assert "2026-12-01 10:00:00 in UTC+01:00 (UTC+0100)" in next(iter(check_clock(zone, matters_for=""))).what


def test_roots_file_in_roots_directories_has_no_weakness(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(0o644)
    assert weaknesses(file) == []  # though /tmp can be written by all: it is sticky


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_can_write_is_weak(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(mode)
    assert weaknesses(file) == [f"{file} can be written by others than root (mode {mode:04o})"]


def test_a_group_may_be_meant_to_edit_a_file_but_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(0o664)
    assert weaknesses(file, group_may_write=True) == []
    file.chmod(0o666)
    assert weaknesses(file, group_may_write=True)


def test_a_directory_above_that_others_can_write_is_weak_too_through_a_link(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    (open_to_all / "file").touch(0o600)
    open_to_all.chmod(0o777)
    link = tmp_path / "link"
    link.symlink_to(open_to_all / "file")
    assert weaknesses(link) == [f"{open_to_all} can be written by others than root (mode 0777)"]


def test_a_link_in_a_directory_of_others_is_weak(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o755)
    (tmp_path / "file").touch(0o600)
    (theirs / "link").symlink_to(tmp_path / "file")
    os.chown(theirs, 1, 1)
    assert any(f"{theirs} belongs to" in each for each in weaknesses(theirs / "link"))


def test_who_may_read_is_told_by_owner_group_and_others(tmp_path: Path) -> None:
    somebody = pwd.getpwuid(1)
    tmp_path.chmod(0o755)
    for above in list(tmp_path.parents)[:-2]:  # all that pytest made below /tmp
        above.chmod(above.stat().st_mode | 0o011)
    file = tmp_path / "file"
    file.touch(0o600)
    assert not may(somebody, file, "read")
    os.chown(file, 0, somebody.pw_gid)
    file.chmod(0o640)
    assert may(somebody, file, "read")
    assert not may(somebody, file, "write")
    tmp_path.chmod(0o700)
    assert not may(somebody, file, "read")
    assert may(pwd.getpwuid(0), file, "read", "write")


def test_what_is_not_there_is_not_there(tmp_path: Path) -> None:
    assert is_there(tmp_path)
    assert not is_there(tmp_path / "absent" / "file")


GOOD_SSHD = {
    "usepam": "yes",
    "kbdinteractiveauthentication": "yes",
    "passwordauthentication": "no",
    "authenticationmethods": "publickey,keyboard-interactive:pam keyboard-interactive:pam",
    "logingracetime": "120",
    "maxauthtries": "6",
    "permitrootlogin": "without-password",
}


@pytest.mark.parametrize(
    ("keyword", "value", "level"),
    [
        ("usepam", "no", Level.PROBLEM),
        ("kbdinteractiveauthentication", "no", Level.PROBLEM),
        ("passwordauthentication", "yes", Level.PROBLEM),
        ("authenticationmethods", "any", Level.PROBLEM),
        ("authenticationmethods", "publickey,keyboard-interactive:pam hostbased", Level.PROBLEM),
        ("authenticationmethods", "password", Level.PROBLEM),
        ("authenticationmethods", "keyboard-interactive:pam,publickey", Level.WARNING),
        ("authenticationmethods", "publickey,keyboard-interactive", Level.OK),
        ("authenticationmethods", "gssapi-with-mic,keyboard-interactive:pam keyboard-interactive:pam", Level.OK),
        ("logingracetime", "89", Level.PROBLEM),
        ("logingracetime", "90", Level.OK),
        ("logingracetime", "0", Level.OK),
        ("maxauthtries", "2", Level.WARNING),
        ("permitrootlogin", "yes", Level.WARNING),
        ("usedns", "yes", Level.OK),
    ],
)
def test_each_setting_of_sshd_counts(tmp_path: Path, keyword: str, value: str, level: Level) -> None:
    found = check_sshd(GOOD_SSHD | {keyword: value}, tmp_path / "sshd_config", 90)
    worst = [each.level for each in found if each.level is not Level.OK]
    assert worst == ([] if level is Level.OK else [level])


@pytest.mark.parametrize(
    ("methods", "certain"),
    [
        ("any", False),
        ("publickey,keyboard-interactive:pam", True),
        ("publickey,keyboard-interactive:pam keyboard-interactive:pam", False),
        ("publickey,keyboard-interactive:pam gssapi-with-mic,keyboard-interactive", False),
    ],
)
def test_a_key_is_certain_only_if_every_way_to_pam_begins_with_one(methods: str, certain: bool) -> None:
    assert key_is_certain({"authenticationmethods": methods}) is certain


def pam_toml(directory: Path, text: str, mode: int = 0o600) -> list[Finding]:
    path = directory / "pam.toml"
    path.write_text(text)
    path.chmod(mode)
    document, settings = read_node_settings(path)
    return list(check_node_settings(path, document, settings, datetime.fromisoformat("2026-11-20").date()))


def words(found: list[Finding], level: Level) -> str:
    return "\n".join(each.what for each in found if each.level is level)


def test_a_countdown_tells_the_days_left(tmp_path: Path) -> None:
    text = 'mode = "countdown"\ndeadline = 2026-12-01\ninfo_url = "https://mfa.example.org"\n'
    text += '[[server]]\nhost = "192.0.2.1"\nsecret = "hunter2hunter2hunter2"\n'
    found = pam_toml(tmp_path, text)
    assert "mode is countdown: 11 days left until 2026-12-01" in words(found, Level.OK)
    assert words(found, Level.PROBLEM) == ""


def test_broken_toml_is_placed_and_not_quoted(tmp_path: Path) -> None:
    said = words(pam_toml(tmp_path, 'mode = "full"\nsecret = hunter2\n'), Level.PROBLEM)
    assert "is not TOML (at line 2, column" in said
    assert "hunter2" not in said


def test_a_secret_file_for_all_to_read_is_a_problem(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2hunter2hunter2\n")
    secret.chmod(0o644)
    found = pam_toml(tmp_path, f'mode = "off"\n[[server]]\nhost = "192.0.2.1"\nsecret_file = "{secret}"\n')
    assert f"everybody can read the secrets in {secret} (mode 0644)" in words(found, Level.PROBLEM)


def test_a_state_directory_of_somebody_elses_is_a_problem(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, 1, 1)
    found = pam_toml(tmp_path, f'mode = "off"\nstate_dir = "{state}"\n')
    assert f"{state} belongs to" in words(found, Level.PROBLEM)


NOW = datetime.fromisoformat("2026-11-20T12:00:00+00:00")


def exemptions(directory: Path, *lines: str) -> list[Finding]:
    path = directory / "exemptions.conf"
    path.write_text("\n".join(lines) + "\n")
    return list(check_exemptions(path, NOW))


def test_the_first_bad_line_is_said_to_end_the_reading(tmp_path: Path) -> None:
    found = exemptions(tmp_path, "+ : a : ALL", "+ : b", "+ : c : ALL", "? : d : ALL")
    said = words(found, Level.PROBLEM).splitlines()
    assert len(said) == 2
    assert "exemptions.conf:2: " in said[0]
    assert said[0].endswith("everything below it is left out")
    assert "exemptions.conf:4: " in said[1]


@pytest.mark.parametrize(
    ("line", "warned"),
    [
        ("+ : ALL : ALL", True),
        ("+ : ALL : ALL : 2026-11-21", True),
        ("+ : ALL : ALL : 2026-11-19", False),
        ("- : ALL : ALL", False),
        ("+ : ALL EXCEPT root : ALL", False),
        ("+ : ALL : 192.0.2.0/24", False),
        ("+ : (staff) : ALL", False),
    ],
)
def test_a_rule_for_everybody_from_everywhere_is_a_warning(tmp_path: Path, line: str, warned: bool) -> None:
    assert ("exempts everybody" in words(exemptions(tmp_path, line), Level.WARNING)) is warned


def test_a_fifo_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "exemptions.conf")
    said = words(list(check_exemptions(tmp_path / "exemptions.conf", NOW)), Level.PROBLEM)
    assert "is not a regular file: nobody is exempt" in said


def test_many_expired_lines_are_counted_and_not_all_listed(tmp_path: Path) -> None:
    day = (NOW - timedelta(days=1)).date().isoformat()
    found = exemptions(tmp_path, *[f"+ : a{number} : ALL : {day}" for number in range(25)])
    assert "lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 15 more" in words(found, Level.WARNING)
