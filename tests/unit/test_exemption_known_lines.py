"""What a login takes for right because it is remembered, and what it writes down for the next."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchword.domain import exemption_rules, expiry, origins, plain_lines
from watchword.domain.known_lines import shared
from watchword_pam import exemption_memory
from watchword_pam.exemption_memory import worth_remembering

LINES = st.lists(st.sampled_from(["a", "b", "aa", "ab", "", "\u00e9", "\u20ac", "\U0001f511"]), max_size=12)
ENDS = st.sampled_from(["", "\n", "\n", "\n"])
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, ENDS)


def whole_lines(text: str) -> list[str]:
    return text.split("\n")[:-1]


@given(TEXTS, TEXTS)
@example("a\nab\n", "a\na\nb\n")
@example("ab", "ab\n")
@example("a\nb", "a\nb\n")
@example("b\n", "ab\n")
@example("\n", "a\n")
def test_what_is_taken_for_known_is_whole_lines_that_are_remembered(text: str, remembered: str) -> None:
    head, tail = shared(text, remembered)
    end = text.rfind("\n") + 1
    assert 0 <= head <= tail <= end
    assert all(place == 0 or text[place - 1] == "\n" for place in (head, tail))
    assert set(whole_lines(text[:head]) + whole_lines(text[tail:end])) <= set(whole_lines(remembered))


@given(LINES, LINES, LINES, LINES)
def test_an_edit_leaves_only_what_it_touched_in_doubt(
    above: list[str], old: list[str], new: list[str], below: list[str]
) -> None:
    before, after = ("".join(f"{line}\n" for line in [*above, *edit, *below]) for edit in (old, new))
    head, tail = shared(after, before)
    # One line more is: whether it was touched where it begins is not looked at.
    longest = max(map(len, below), default=0) + 1
    assert tail - head <= sum(len(line) + 1 for line in new) + longest
    assert shared(after, after) == (len(after), len(after))
    assert shared(after, "") == (0, len(after))


def test_a_file_that_grew_or_shrank_is_known_as_far_as_it_is_the_same() -> None:
    text = "".join(f"+ : user{number} : ALL\n" for number in range(1000))
    place = text.index("+ : user500 ")
    assert shared(text, text[:place]) == (place, len(text))
    assert shared(text[:place], text) == (place, place)
    assert shared(text[:place] + "+ : bob : ALL\n" + text[place:], text)[0] == place
    # A memory that was cut off in a line says nothing about that line.
    assert shared(text, text[: place + 5]) == (place, len(text))


def test_what_was_checked_is_written_down_with_what_was_known_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exemption_memory, "WORTH_REMEMBERING", 3)
    text = "aa\nbb\ncc\ndd\nee"
    assert worth_remembering(text, 0, 12, 12) == "aa\nbb\ncc\ndd\n"
    assert worth_remembering(text, 3, 9, 6) == "aa\nbb\ndd\n"
    assert worth_remembering(text, 3, 6, 9) == "aa\nbb\ncc\ndd\n"
    assert worth_remembering(text, 3, 9, 3) == ""
    assert worth_remembering(text, 6, 9, 0) == ""
    assert worth_remembering(text, 12, 12, 12) == ""


def test_whoever_changes_what_is_right_raises_the_grammars_number() -> None:
    """A login may believe what a login of an older release remembered.

    If a line that was right is wrong from now on, raise GRAMMAR. After any change, write the new sum here.
    """
    modules = (exemption_rules, expiry, origins, plain_lines)
    source = b"".join(Path(str(module.__file__)).read_bytes() for module in modules)
    assert (exemption_rules.GRAMMAR, hashlib.sha256(source).hexdigest()[:16]) == (1, "0c25a21831e7c9e4")
    assert f"grammar {exemption_rules.GRAMMAR} ".encode() in exemption_memory.HEADER
