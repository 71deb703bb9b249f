"""A large file is read by a pattern, a small one line by line: both must say exactly the same."""

from collections.abc import Iterator
from itertools import chain, product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from watchword.domain import plain_lines
from watchword.domain.errors import InvalidValue
from watchword.domain.exemption_rules import LineReader
from watchword.domain.exemptions import Finding, Login, find

NOW = (2026, 6, 15, 12, 0, 0)

NAMES = st.sampled_from(
    ["alice", "alic", "alice1", "al", "all", "except", "bob", "b_.-", "x9", "9x", "ALL", "EXCEPT", "Bob", "LOCAL"]
) | st.sampled_from(["(staff)", "@ops", "-a", "a@b", "a@b.c", "a$", "10", "é"])
OCTETS = st.integers(0, 299).map(str) | st.sampled_from(["00", "01", "007", "256", ""])
IPV4 = st.lists(OCTETS, min_size=3, max_size=5).map(".".join) | st.ip_addresses(v=4).map(str)
GROUPS = st.sampled_from(["", "0", "1", "db8", "ffff", "2001", "10000", "G"])
IPV6 = st.lists(GROUPS, min_size=1, max_size=9).map(":".join) | st.ip_addresses(v=6).map(str)
MASKS = st.just("") | st.integers(0, 140).map("/{}".format) | st.sampled_from(["/", "/08", "/255.0.0.0", "/255.0.0.1"])
ORIGINS = st.builds("{}{}".format, IPV4 | IPV6, MASKS) | st.sampled_from(
    ["ALL", "LOCAL", "@ops", "10.", "EXCEPT", "x.y"]
)
DAYS = st.builds("{:04}-{:02}-{:02}".format, st.integers(1990, 2210), st.integers(0, 13), st.integers(0, 32))
TIMES = st.builds("{}{:02}:{:02}{}".format, st.sampled_from("T x"), st.integers(0, 25), st.integers(0, 61),
                  st.sampled_from(["", ":00", ":60", ":5"]))  # fmt: skip
EXPIRIES = (
    DAYS | st.builds("{}{}".format, DAYS, TIMES) | st.sampled_from(["ALL", "", "all", "2028-02-29", "2026-04-31"])
)
GAPS = st.sampled_from([" ", "\t", ",", ", ", "  ", "\x0b", "\u00a0"])
COLONS = st.sampled_from([" : ", ":", " :", ": ", "\t:\t", "::", " "])
ENDS = st.sampled_from(["", " ", "\r", " # note", "# note", "\t#\x7f", " # é\r", " #\ud800", "\r\r"])


@st.composite
def rules(draw: st.DrawFn) -> str:
    # Mostly one kind of colon and gap, so that enough lines are right.
    colon, gap = draw(st.sampled_from([" : ", ":", " :"])), draw(st.sampled_from([" ", ", ", "\t"]))
    colons = st.just(colon) if draw(st.integers(0, 3)) else COLONS
    gaps = st.just(gap) if draw(st.integers(0, 3)) else GAPS
    line = draw(st.sampled_from(["+", "+", "-", "*", ""])) + draw(colons)
    line += "".join(draw(NAMES) + draw(gaps) for _ in range(draw(st.integers(0, 2)))) + draw(NAMES) + draw(colons)
    line += "".join(draw(ORIGINS) + draw(gaps) for _ in range(draw(st.integers(0, 1)))) + draw(ORIGINS)
    return line + (draw(colons) + draw(EXPIRIES) if draw(st.booleans()) else "") + draw(ENDS)


LINES = rules() | st.sampled_from(["", " ", "# note", "#", "\t# é", "# \x00", "\r", "# c\r"]) | st.text(max_size=30)
PLAIN = st.builds(
    "+{0}{1}{0}{2}{0}{3}".format,
    st.sampled_from([" : ", ":"]),
    st.from_regex(r"\A[a-z_][a-z0-9_.-]{0,5}\Z"),
    st.ip_addresses().map(str),
    st.dates().map(str),
)
FILES = st.builds("{}{}".format, st.lists(PLAIN | LINES, max_size=30).map("\n".join), st.sampled_from(["\n", "\n", ""]))
ACCOUNTS = st.sampled_from(["alice", "a.c", "al", "x9", "a$", "é", "(staff)", "+", "a|b"]) | st.text(min_size=1)


def ask(text: str, account: str, *, large: int) -> Finding:
    login = Login(account, "192.0.2.10", NOW, {"staff": True}.get, {("ops", None): False}.get)  # type: ignore[arg-type]
    return find(text, login, large=large)


@settings(max_examples=150, deadline=None)
@given(FILES, ACCOUNTS)
@example("+ : alice.c : 10.0.0.1\n", "alice.c")
@example("+ : abc : 10.0.0.1\n", "a.c")
@example("+ : bob : 2001:db8::2026-12-31\n+ : alice : ALL\n", "alice")
@example("+ : bob : 10.0.0.1\n+ : alice : ALL", "alice")
@example("+ : bob : 10.0.0.1", "alice")
def test_large_and_small_files_are_read_alike(text: str, account: str) -> None:
    assert ask(text, account, large=0) == ask(text, account, large=len(text) + 1)


@settings(max_examples=100, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=20).map("\n".join).map("{}\n".format), ACCOUNTS)
def test_the_long_pattern_agrees_too(text: str, account: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_lines, "PATIENCE", 0)
        assert ask(f"+ : (x) : 10.0.0.1\n{text}", account, large=0) == ask(
            f"+ : (x) : 10.0.0.1\n{text}", account, large=10**9
        )


RIGHT = [
    "+ : bob : 192.0.2.255 : 2026-12-31",
    "+:bob:10.0.0.0/32:2028-02-28",
    "+ : bob : 2001:db8:1::7 : 2026-11-30",
    "+ : bob : 1:2:3:4:5:6:7:8/128 : ALL # x",
    "- : bob,al EXCEPT alice (x) : 2001:db8::/19 10.9.0.0/29 : 2026-01-29 23:59:59\r",
    "# note",
]


def slips(line: str) -> Iterator[str]:
    """Yield the line with each character left out, changed, or added, at each place."""
    for place in range(len(line) + 1):
        yield line[:place] + line[place + 1 :]
        for character in [*map(chr, range(128)), "\u00e9", "\ud800"]:
            if character != "\n":
                yield line[:place] + character + line[place + 1 :]
                yield line[:place] + character + line[place:]


def parts() -> Iterator[str]:
    """Yield lines with every octet, length, day, time and name that a pattern might take wrongly."""
    for number in [*map(str, range(1000)), "", *(f"0{number}" for number in range(100))]:
        for address in ("{}.1.1.1", "1.{}.1.1", "1.1.{}.1", "1.1.1.{}", "1.1.1.1/{}", "2001:db8::/{}"):
            yield f"+ : bob : {address.format(number)} : 2026-12-31"
            yield f"+ : bob : {address.format(number)}  : ALL"
    for year, month, day in product(("1999", "2000", "2026", "2028", "2199", "2200"), range(14), range(33)):
        yield f"+ : bob : 1.1.1.1 : {year}-{month:02}-{day:02}"
    for hour, minute, second in product(range(26), (0, 59, 60), ("", ":00", ":59", ":60", ":")):
        yield f"+ : bob : 1.1.1.1 : 2026-12-31 {hour:02}:{minute:02}{second}"
    for groups in range(1, 10):
        for gap in range(groups + 1):
            yield f"+ : bob : {':'.join('1' * gap)}::{':'.join('1' * (groups - gap))} : ALL"
        yield f"+ : bob : {':'.join('1' * groups)} : ALL"
    for name, end in product(("alice", "all", "except", "ALL", "EXCEPT", "al"), (" ", ",", "", "\t", ".", "x")):
        yield from (f"+ : {name}{end}: 1.1.1.1 : 2026-12-31", f"+ : bob {name}{end}: ALL", f"+:{name}{end}:1.1.1.1")
    for text in ("2001:db8::", "2001:db8:", "2001:db8::1", "1.1.1.1", "ALL", "1.1.1.1 ALL", "ALL ALL"):
        yield from (
            f"+ : bob : {text}{gap}{end}" for gap in (" : ", ":", " ", "") for end in ("2026-12-31", "ALL", "#x")
        )


@pytest.mark.parametrize("patience", [-1, 0], ids=["short pattern", "long pattern"])
@pytest.mark.parametrize("colon", [" : ", ":"])
def test_a_line_that_is_passed_over_is_right_and_not_the_accounts(
    patience: int, colon: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_lines, "PATIENCE", patience)
    lines = [f"+{colon}(x){colon}10.0.0.1", *parts(), *chain.from_iterable(map(slips, RIGHT))]
    handed_over = {line for _, line in plain_lines.others("\n".join(lines), "alice")}
    reader = LineReader()
    passed_over = [line for line in lines if line not in handed_over]
    assert len(passed_over) > 100
    for line in passed_over:
        rule = reader.read(line)
        assert rule is None or all(word[0] not in "(@" and word not in ("ALL", "alice") for word in rule.accounts[0]), (
            line
        )


def test_common_lines_are_passed_over() -> None:
    text = "\n".join(
        ["+ : (x) : 10.0.0.1"] * (plain_lines.PATIENCE + 1)
        + [
            "+ : bob : 192.0.2.1 : 2026-12-31",
            "+:bob:192.0.2.0/24:2028-03-31",
            "- : bob carol  EXCEPT alice (staff) : 2001:db8::/32 10.0.0.255 : 2026-12-31 10:30  # note",
            "+ : bob, carol : 2001:db8:1:2:3:4:5:6/64 : ALL\r",
            "+\t:\tbob\t:\tALL",
            "",
            "# note",
        ]
    )
    # The empty one is what stands behind the last line feed.
    assert {line for _, line in plain_lines.others(text, "alice")} == {"+ : (x) : 10.0.0.1", ""}


def test_the_line_that_decides_is_found_and_numbered_in_a_large_file() -> None:
    lines = [f"+ : user{number} : 10.0.0.{number % 256} : 2026-12-31" for number in range(5000)]
    lines[4000] = "+ : alice : 192.0.2.0/24"
    assert ask("\n".join(lines), "alice", large=0).line == 4001
    lines[3000] = "+ : user : 10.0.0.256"
    found = ask("\n".join(lines), "alice", large=0)
    assert (found.exempt, found.bad_line) == (False, 3001)


def test_a_bad_line_raises_in_the_careful_parser_alone() -> None:
    for line in ("+ : all : ALL", "+ : bob : 10.0.0.256", "+ : bob : ALL : 2026-02-30"):
        assert list(plain_lines.others(line, "alice"))
        try:
            LineReader().read(line)
        except InvalidValue:
            continue
        raise AssertionError(line)
