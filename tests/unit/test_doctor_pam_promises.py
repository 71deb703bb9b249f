"""What the doctor says about stacks: those that are right, and each way to get one wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.repository import ROOT
from watchword.cli.doctor.findings import Finding, Level
from watchword.cli.doctor.pam_file import read_stack
from watchword.cli.doctor.pam_promises import Promises
from watchword.cli.doctor.pam_stack import check_stack

OURS = "/lib/security/pam_python.so /usr/lib/watchword/pam"
PUBKEY = f"auth [success=1 default=ignore] {OURS}/pubkey.py"
UNIX = "auth requisite pam_unix.so"
EXEMPTION = f"auth sufficient {OURS}/exemption.py"
TOKEN = f"auth required {OURS}/token.py"
DENY = "auth required pam_deny.so"
PERMIT = "auth required pam_permit.so"
SSS = ["auth [success=1 default=ignore] pam_unix.so", "auth requisite pam_sss.so use_first_pass"]
COMMON_AUTH = [
    "auth [success=1 default=ignore] pam_unix.so nullok",
    "auth requisite pam_deny.so",
    "auth required pam_permit.so",
    "auth optional pam_cap.so",
]


def jump(count: int) -> str:
    return PUBKEY.replace("success=1", f"success={count}")


def findings(directory: Path, lines: list[str], *, service: str = "sshd", certain: bool = False) -> list[Finding]:
    (directory / "common-auth").write_text("\n".join(COMMON_AUTH) + "\n")
    (directory / service).write_text("\n".join(lines) + "\n")
    lines_read = read_stack(directory, service).of("auth")
    return list(Promises(lines_read, service, key_is_certain=certain).check())


def skip(count: int) -> str:
    return f"auth [success={count} default=ignore] pam_env.so"


RIGHT = {
    "as shipped": [skip(1), PUBKEY, UNIX, skip(2), EXEMPTION, TOKEN],
    "without the jumps over our modules": [PUBKEY, UNIX, EXEMPTION, TOKEN],
    "those jumps around Debian's common-auth": [skip(1), jump(4), "@include common-auth", skip(2), EXEMPTION, TOKEN],
    "without exemptions": [PUBKEY, UNIX, TOKEN],
    "without keys": [UNIX, EXEMPTION, TOKEN],
    "unix, then sssd": [jump(2), *SSS, EXEMPTION, TOKEN],
    "Debian's common-auth": [jump(4), "@include common-auth", EXEMPTION, TOKEN],
    "a jump into common-auth's end": [jump(2), "@include common-auth", EXEMPTION, TOKEN],
    "modules that prove nothing before": [
        *("auth required pam_faillock.so preauth", "auth required pam_env.so"),
        *(PUBKEY, UNIX, EXEMPTION, TOKEN),
    ],
    "a delay between": [jump(2), UNIX, "auth optional pam_faildelay.so delay=2", EXEMPTION, TOKEN],
    "sufficient and then deny": [PUBKEY, UNIX, EXEMPTION, TOKEN.replace("required", "sufficient"), DENY],
    "requisite": [PUBKEY, UNIX, EXEMPTION, TOKEN.replace("required", "requisite")],
    "an exemption that jumps to a permit": [
        PUBKEY,
        UNIX,
        EXEMPTION.replace("sufficient", "[success=1 default=ignore]"),
        TOKEN.replace("required", "requisite"),
        PERMIT,
    ],
    "solaris": [
        f"auth sufficient {OURS}/solaris.py",
        f"auth requisite {OURS}/solaris.py refuse_key",
        UNIX,
        EXEMPTION,
        TOKEN,
    ],
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_stack_that_keeps_every_promise_gets_one_ok(tmp_path: Path, name: str) -> None:
    (finding,) = findings(tmp_path, RIGHT[name])
    assert finding.level is Level.OK


@pytest.mark.parametrize("service", ["sshd", "su", "sudo"])
def test_the_stacks_that_we_ship_keep_every_promise(service: str) -> None:
    lines = read_stack(ROOT / "conf/pam.d", service).of("auth")
    (finding,) = Promises(lines, service, key_is_certain=False).check()
    assert finding.level is Level.OK


def test_a_code_alone_is_enough_where_sshd_demands_a_key_of_everybody(tmp_path: Path) -> None:
    assert [each.level for each in findings(tmp_path, [EXEMPTION, TOKEN], certain=True)] == [Level.OK]
    assert {each.level for each in findings(tmp_path, [EXEMPTION, TOKEN])} == {Level.PROBLEM}


BYPASS = "people get in without a second factor: "
ALONE = "alone lets people in, without a key or a password"

WRONG = {
    "nothing that sets credentials": (
        [skip(1), jump(2), *SSS, skip(2), EXEMPTION, TOKEN],
        "no module says yes when sshd sets credentials: it would end every login",
    ),
    "no token": ([PUBKEY, UNIX, EXEMPTION], BYPASS + "no auth line runs token.py"),
    "pam_unix sufficient": (
        [PUBKEY, UNIX.replace("requisite", "sufficient"), EXEMPTION, TOKEN],
        BYPASS + "pam_unix.so (sshd:2) (sufficient) ends the stack before token.py",
    ),
    "sssd sufficient": (
        [jump(2), "auth sufficient pam_unix.so", "auth requisite pam_sss.so", EXEMPTION, TOKEN],
        BYPASS + "pam_unix.so (sshd:2) (sufficient) ends the stack before token.py",
    ),
    "success=done": (
        [PUBKEY, "auth [success=done default=die] pam_unix.so", TOKEN],
        BYPASS + "pam_unix.so (sshd:2) ([success=done default=die]) ends the stack before token.py",
    ),
    "a key sufficient": (
        [PUBKEY.replace("[success=1 default=ignore]", "sufficient"), UNIX, EXEMPTION, TOKEN],
        BYPASS + "pubkey.py (sshd:1) (sufficient) ends the stack before token.py",
    ),
    "a permit before": (
        ["auth sufficient pam_permit.so", PUBKEY, UNIX, EXEMPTION, TOKEN],
        BYPASS + "pam_permit.so (sshd:1) (sufficient) ends the stack before token.py",
    ),
    "root only, in sshd": (
        ["auth sufficient pam_rootok.so", PUBKEY, UNIX, EXEMPTION, TOKEN],
        BYPASS + "pam_rootok.so (sshd:1) (sufficient) ends the stack before token.py",
    ),
    "token optional": (
        [PUBKEY, UNIX, EXEMPTION, TOKEN.replace("required", "optional")],
        BYPASS + "a refusal of token.py (sshd:4) (optional) is not the end",
    ),
    "token sufficient and last": (
        [PUBKEY, UNIX, EXEMPTION, TOKEN.replace("required", "sufficient")],
        BYPASS + "a refusal of token.py (sshd:4) (sufficient) is not the end",
    ),
    "token sufficient, then permit": (
        [PUBKEY, UNIX, EXEMPTION, TOKEN.replace("required", "sufficient"), PERMIT],
        BYPASS + "a refusal of token.py (sshd:4) (sufficient) is not the end",
    ),
    "a broken token counts for nothing": (
        [PUBKEY, UNIX, EXEMPTION, TOKEN.replace("required", "[success=ok auth_err=die default=ignore]"), PERMIT],
        BYPASS + "a refusal of token.py",
    ),
    "a jump over token to a permit": (
        [jump(3), UNIX, EXEMPTION, TOKEN, PERMIT],
        BYPASS + "the jump of pubkey.py (sshd:1) ([success=3 default=ignore]) skips token.py",
    ),
    "a jump of the password over token": (
        [jump(1), "auth [success=2 default=die] pam_unix.so", EXEMPTION, TOKEN, PERMIT],
        BYPASS + "the jump of pam_unix.so (sshd:2) ([success=2 default=die]) skips token.py",
    ),
    "a jump over the exemption": (
        [jump(2), UNIX, EXEMPTION, TOKEN],
        "the jump of pubkey.py (sshd:1) (success=2) skips exemption.py (sshd:3)",
    ),
    "a jump beyond the end": (
        [jump(3), UNIX, EXEMPTION, TOKEN],
        "who has a key and a right code is refused: the jump of pubkey.py (sshd:1) lands beyond the end",
    ),
    "a jump that forgets sssd": (
        [jump(1), *SSS, EXEMPTION, TOKEN],
        "the jump of pubkey.py (sshd:1) (success=1) does not skip pam_sss.so (sshd:3)",
    ),
    "a jump onto common-auth's deny": (
        [jump(1), "@include common-auth", EXEMPTION, TOKEN],
        "a right code is refused: the jump of pubkey.py (sshd:1) lands on pam_deny.so (common-auth:2)",
    ),
    "no jump": (
        [PUBKEY.replace("success=1", "success=ok"), UNIX, EXEMPTION, TOKEN],
        "who has a key and a right code is refused: pam_unix.so (sshd:2) wants the password as well",
    ),
    "exemption first": ([EXEMPTION, PUBKEY, UNIX, TOKEN], f"an exemption {ALONE}: exemption.py (sshd:1) comes before"),
    "exemption required": (
        [PUBKEY, UNIX, EXEMPTION.replace("sufficient", "required"), TOKEN],
        "and a right code is refused: exemption.py (sshd:3) is required",
    ),
    "password optional": (
        [PUBKEY, UNIX.replace("requisite", "optional"), EXEMPTION, TOKEN],
        f"a token code {ALONE}: a wrong password in pam_unix.so (sshd:2) (optional) is not the end",
    ),
    "no first factor": ([EXEMPTION, TOKEN], f"a token code {ALONE}"),
    "the end denies": ([PUBKEY, UNIX, EXEMPTION, TOKEN, DENY], "and a right code is refused"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_stack_that_breaks_a_promise_is_a_problem_that_names_the_line(tmp_path: Path, name: str) -> None:
    lines, said = WRONG[name]
    problems = [each for each in findings(tmp_path, lines) if each.level is Level.PROBLEM]
    assert any(said in each.what for each in problems), [each.what for each in problems]
    assert all(each.what_to_do for each in problems)


DOUBTFUL = {
    "a condition": (
        ["auth sufficient pam_succeed_if.so user ingroup wheel", PUBKEY, UNIX, EXEMPTION, TOKEN],
        "whoever meets the condition of pam_succeed_if.so (sshd:1) gets in without a second factor",
    ),
    "required, not requisite": (
        [PUBKEY, UNIX.replace("requisite", "required"), EXEMPTION, TOKEN],
        "whose password is wrong is still asked for a code",
    ),
    "exemption after token": ([PUBKEY, UNIX, TOKEN, EXEMPTION], "an exemption is of no use to who has a key"),
    "a module that we don't know": (
        [PUBKEY, "auth requisite pam_novel.so", EXEMPTION, TOKEN],
        "Watchword does not know pam_novel.so (sshd:2)",
    ),
    "another script": (
        [PUBKEY, UNIX, "auth optional /lib/security/pam_python.so /opt/site.py", EXEMPTION, TOKEN],
        "Watchword does not know site.py (sshd:3)",
    ),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_what_may_be_meant_is_a_warning_and_no_problem(tmp_path: Path, name: str) -> None:
    lines, said = DOUBTFUL[name]
    found = findings(tmp_path, lines)
    assert any(said in each.what for each in found if each.level is Level.WARNING), found
    assert not [each for each in found if each.level is Level.PROBLEM]


@pytest.mark.parametrize("count", range(1, 9))
def test_the_jump_that_is_advised_is_one_that_keeps_every_promise(tmp_path: Path, count: int) -> None:
    lines = [jump(count), *SSS, "auth optional pam_faildelay.so", EXEMPTION, TOKEN]
    advised = [each.what_to_do for each in findings(tmp_path, lines) if "write success=" in each.what_to_do]
    for advice in advised:
        right = int(advice.partition("success=")[2].split()[0])
        assert [each.level for each in findings(tmp_path, [jump(right), *lines[1:]])] == [Level.OK]
    assert bool(advised) == (count not in (2, 3))


def test_root_may_change_to_anybody_in_su(tmp_path: Path) -> None:
    lines = ["auth sufficient pam_rootok.so", UNIX, EXEMPTION, TOKEN]
    assert [each.level for each in findings(tmp_path, lines, service="su")] == [Level.OK]


def test_a_module_of_ours_beyond_auth_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "sshd").write_text("\n".join([PUBKEY, UNIX, EXEMPTION, TOKEN, TOKEN.replace("auth", "account", 1)]))
    found = list(check_stack(tmp_path, "sshd", key_is_certain=False))
    assert "sshd:5: token.py does nothing in account" in [each.what for each in found]


def test_a_long_stack_of_conditions_is_walked_in_time(tmp_path: Path) -> None:
    conditions = [f"auth [success={count} default=ignore] pam_succeed_if.so" for count in range(1, 13)]
    assert findings(tmp_path, [*conditions, PUBKEY, UNIX, EXEMPTION, TOKEN])
