"""What runs in sshd: reading the file safely, and asking the node about groups."""

import grp
import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.node_accounts import FoldingDirectory
from watchword_pam import exemption_list
from watchword_pam.exemption_list import find_exemption
from watchword_pam.nss import Membership

NOON = (2026, 6, 15, 12, 0, 0, 0, 166, 0)
ME = pwd.getpwuid(os.getuid()).pw_name
MY_GROUP = grp.getgrgid(os.getgid()).gr_name


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "exemptions.conf"
    file.write_text("# a note\n+ : alice : 192.0.2.0/24 : 2026-12-31\n")
    file.chmod(0o644)
    return file


def ask(path: Path, account: str = "alice", address: str = "192.0.2.7") -> tuple[bool, list[str]]:
    said: list[str] = []
    finding = find_exemption(str(path), account, address, NOON, said.append, owner=os.getuid())
    return finding.exempt, said


def test_a_grant_is_logged_with_the_line_that_gave_it(path: Path) -> None:
    exempt, said = ask(path)
    assert exempt
    assert said == [f"exemptions: alice from 192.0.2.7 is exempt by {path}:2: + : alice : 192.0.2.0/24 : 2026-12-31"]


def test_a_rule_holds_for_every_spelling_and_the_log_has_both(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwnam", FoldingDirectory({"alice", "mallory"}).getpwnam)
    path.write_text("- : mallory : ALL\n+ : ALL : ALL\n")
    assert ask(path, "Mallory") == (False, [])
    assert ask(path, "EX\\mallory") == (False, [])
    exempt, [said] = ask(path, "Alice")
    assert exempt
    assert said.startswith("exemptions: alice (typed as Alice) from 192.0.2.7 is exempt by ")


def test_a_file_that_was_cut_off_says_so_in_the_log(path: Path) -> None:
    path.write_text("+ : bob : 10.0.0.1\n+ : ALL : 192.0.2.7/3")
    exempt, [said] = ask(path)
    assert not exempt
    assert f"{path}:2: the last line has no end: was the file cut off?" in said


def test_no_grant_no_log(path: Path) -> None:
    assert ask(path, "bob") == (False, [])


def test_an_edit_counts_at_the_next_login(path: Path) -> None:
    path.write_text("- : alice : ALL\n" + path.read_text())
    assert ask(path) == (False, [])


def test_a_bad_line_is_logged_with_its_number(path: Path) -> None:
    path.write_text("+ : alice : 192.0.2.7\n+ : bob : 10.1\n+ : ALL : ALL\n")
    assert ask(path)[0]
    exempt, said = ask(path, "bob")
    assert not exempt
    assert len(said) == 1
    assert f"{path}:2:" in said[0]


def test_bytes_that_are_not_utf8_end_the_reading_at_their_line(path: Path) -> None:
    path.write_bytes(b"+ : bob : ALL\n# caf\xe9\n+ : ALL : ALL\n")
    assert ask(path, "bob")[0]
    exempt, said = ask(path)
    assert not exempt
    assert f"{path}:2:" in said[0]


def test_a_missing_file_exempts_nobody_and_is_logged(tmp_path: Path) -> None:
    exempt, said = ask(tmp_path / "none")
    assert not exempt
    assert "No such file" in said[0]


def test_a_fifo_neither_hangs_the_login_nor_exempts(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    exempt, said = ask(tmp_path / "pipe")
    assert not exempt
    assert "not a regular file" in said[0]


def test_a_file_that_everybody_can_write_exempts_nobody(path: Path) -> None:
    path.chmod(0o646)
    exempt, said = ask(path)
    assert not exempt
    assert "chmod o-w" in said[0]


def test_a_file_of_another_owner_exempts_nobody(path: Path) -> None:
    finding = find_exemption(str(path), "alice", "192.0.2.7", NOON, print, owner=os.getuid() + 1)
    assert not finding.exempt


def test_a_file_beyond_the_limit_exempts_nobody(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exemption_list, "LARGEST_FILE_BYTES", 10)
    exempt, said = ask(path)
    assert not exempt
    assert "more than 10 bytes" in said[0]


def test_a_log_line_cannot_be_forged(path: Path) -> None:
    path.write_text("+ : ALL : ALL # \u202ereversed\u2028next line\n")
    _, said = ask(path, "ali\nce", "192.0.2.7\nroot is exempt")
    assert all(line.isprintable() for line in said)


def test_groups_of_this_node_are_seen() -> None:
    mine = Membership(ME, print)
    assert mine.is_in_group(MY_GROUP) is True
    other = next(g.gr_name for g in grp.getgrall() if g.gr_gid not in os.getgrouplist(ME, os.getgid()))
    assert mine.is_in_group(other) is False


def test_an_unknown_group_or_account_is_no_answer_and_logged_once() -> None:
    said: list[str] = []
    mine = Membership(ME, said.append)
    assert mine.is_in_group("no-such-group") is None
    assert mine.is_in_group("no-such-group") is None
    assert said == ["exemptions: cannot tell who is in group no-such-group (KeyError)"]
    assert Membership("no-such-account", said.append).is_in_group(MY_GROUP) is None


def test_an_unknown_netgroup_is_no_answer() -> None:
    said: list[str] = []
    assert Membership(ME, said.append).is_in_netgroup("no-such-netgroup", None) is None
    assert len(said) == 1


def test_all_except_an_unknown_group_exempts_nobody(path: Path) -> None:
    path.write_text("+ : ALL EXCEPT (no-such-group) : ALL\n")
    assert not ask(path, ME)[0]


@pytest.mark.slow
def test_netgroups_of_this_node_are_seen(tmp_path: Path) -> None:
    """Ask the C library, in a mount namespace of our own: the machine's files stay as they are."""
    (tmp_path / "netgroup").write_text("ops (,alice,)\ngateways (192.0.2.10,-,)\n")
    switch = Path("/etc/nsswitch.conf")
    lines = switch.read_text().splitlines() if switch.exists() else ["passwd: files", "group: files"]
    kept = [line for line in lines if not line.startswith("netgroup")]
    (tmp_path / "nsswitch.conf").write_text("\n".join([*kept, "netgroup: files", ""]))
    script = (
        "from watchword_pam.nss import Membership; m = Membership('alice', print); "
        "print(m.is_in_netgroup('ops', None), m.is_in_netgroup('gateways', None), "
        "m.is_in_netgroup('gateways', '192.0.2.10'), m.is_in_netgroup('gateways', '192.0.2.11'))"
    )
    mounts = "for f in netgroup nsswitch.conf; do [ -e /etc/$f ] || touch /etc/$f; mount --bind $0/$f /etc/$f; done"
    created = not Path("/etc/netgroup").exists()
    try:
        ran = subprocess.run(
            ["unshare", "--mount", "sh", "-ec", f'{mounts}; exec "$1" -c "$2"', str(tmp_path), sys.executable, script],
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        if created:
            Path("/etc/netgroup").unlink(missing_ok=True)
    assert ran.stdout.split() == ["True", "False", "True", "False"]


def test_a_file_the_group_may_write_is_used(path: Path) -> None:
    path.chmod(0o664)
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    assert ask(path)[0]
