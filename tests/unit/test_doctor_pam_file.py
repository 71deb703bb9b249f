"""The doctor reads a PAM stack as libpam does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.cli.doctor.pam_file import Stack, StackLine, logical_lines, read_stack


def stack(directory: Path, **files: str) -> Stack:
    """Write files, and read the service `sshd`."""
    for name, text in files.items():
        (directory / name.replace("_", "-")).write_text(text)
    return read_stack(directory, "sshd")


def seen(lines: tuple[StackLine, ...]) -> list[tuple[str, str, str]]:
    return [(line.place, line.control, line.name) for line in lines]


def test_a_line_has_a_type_a_control_a_module_and_arguments(tmp_path: Path) -> None:
    (line,) = stack(tmp_path, sshd="AUTH\tRequired   pam_unix.so  nullok try_first_pass\n").lines
    assert (line.type, line.control, line.module, line.arguments) == (
        "auth",
        "required",
        "pam_unix.so",
        ("nullok", "try_first_pass"),
    )
    assert (line.action("success"), line.action("auth_err"), line.action("ignore")) == ("ok", "bad", "ignore")


def test_a_control_in_brackets_names_an_action_for_each_return_value(tmp_path: Path) -> None:
    (line,) = stack(tmp_path, sshd="auth [success=2 user_unknown=ignore default=die] pam_unix.so").lines
    assert [line.action(each) for each in ("success", "user_unknown", "auth_err")] == ["2", "ignore", "die"]
    assert line.control == "[success=2 user_unknown=ignore default=die]"


def test_what_brackets_leave_out_is_a_failure(tmp_path: Path) -> None:
    (line,) = stack(tmp_path, sshd="auth [success=ok] pam_unix.so").lines
    assert line.action("auth_err") == "bad"


def test_a_jump_of_no_lines_is_no_jump(tmp_path: Path) -> None:
    (line,) = stack(tmp_path, sshd="auth [success=0 default=die] pam_unix.so").lines
    assert line.action("success") == "ignore"


def test_what_pam_python_runs_is_its_first_argument(tmp_path: Path) -> None:
    (line,) = stack(
        tmp_path, sshd="auth required /lib/security/pam_python.so /usr/lib/watchword/pam/token.py a=b"
    ).lines
    assert (line.name, line.program) == ("token.py", "/usr/lib/watchword/pam/token.py")


def test_a_backslash_goes_on_in_the_next_line_and_a_comment_ends_one(tmp_path: Path) -> None:
    text = "# auth required pam_deny.so\n\nauth \\\n  required \\\n  pam_unix.so # auth \\\nauth required pam_env.so\n"
    assert seen(stack(tmp_path, sshd=text).lines) == [
        ("sshd:3", "required", "pam_unix.so"),
        ("sshd:6", "required", "pam_env.so"),
    ]


def test_debians_include_brings_lines_of_every_type(tmp_path: Path) -> None:
    found = stack(tmp_path, sshd="@include common\n", common="auth required a.so\nsession required b.so\n")
    assert seen(found.lines) == [("common:1", "required", "a.so"), ("common:2", "required", "b.so")]


def test_include_and_substack_bring_lines_of_their_own_type(tmp_path: Path) -> None:
    found = stack(
        tmp_path,
        sshd="auth include common\nauth substack common\n",
        common="auth required a.so\nsession required b.so\n",
    )
    assert [(line.name, line.substacks) for line in found.lines] == [("a.so", ()), ("a.so", ("sshd:2",))]


def test_a_dash_before_the_type_changes_nothing_else(tmp_path: Path) -> None:
    assert stack(tmp_path, sshd="-auth optional pam_systemd.so").of("auth")[0].name == "pam_systemd.so"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("auht required pam_unix.so", "'auht' is not one of"),
        ("auth requird pam_unix.so", "'requird' is no control word"),
        ("auth required", "a line is"),
        ("auth [success] pam_unix.so", "'success' is not return-value=action"),
        ("auth [success=perhaps] pam_unix.so", "is not return-value=action"),
        ("auth [success=-1] pam_unix.so", "is not return-value=action"),
        ("@include", "it includes nothing"),
        ("@include nowhere", "nowhere, can't be read: No such file"),
        ("@include sshd", "without an end"),
    ],
)
def test_a_line_that_libpam_does_not_understand_is_named(tmp_path: Path, line: str, said: str) -> None:
    found = stack(tmp_path, sshd=f"auth required pam_env.so\n{line}\n")
    assert any(said in mistake.why for mistake in found.mistakes)
    assert found.mistakes[-1].place == "sshd:2"
    assert found.lines[0].name == "pam_env.so"


def test_a_service_without_a_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_stack(tmp_path, "sshd")


WORDS = st.sampled_from(
    [
        "auth",
        "-auth",
        "@include",
        "sshd",
        "required",
        "[success=1",
        "default=ignore]",
        "[",
        "]",
        "\\",
        "#",
        "\n",
        "\\\n",
    ]
)


@given(st.lists(st.one_of(WORDS, st.text(max_size=4)), max_size=30).map(" ".join))
def test_any_text_is_lines_and_mistakes(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    directory = tmp_path_factory.mktemp("pam", numbered=True)
    (directory / "sshd").write_text(text, encoding="utf-8", errors="replace")
    found = read_stack(directory, "sshd")
    for line in found.lines:
        assert line.module
        assert line.action("success")


@given(st.text())
def test_every_logical_line_says_something_and_its_number_is_one_of_the_file(text: str) -> None:
    numbers = [number for number, line in logical_lines(text) if line.strip()]
    assert numbers == sorted(set(numbers))
    assert all(1 <= number <= text.count("\n") + 1 for number in numbers)
    assert all(line for _, line in logical_lines(text))
