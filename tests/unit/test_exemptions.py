"""The exemption file: what each form means, and that no slip of the pen grants more than was meant."""

import contextlib
import ipaddress
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.domain.errors import InvalidValue
from watchword.domain.exemption_rules import LineReader
from watchword.domain.exemptions import Finding, Login, check, find
from watchword.domain.expiry import parse_expiry
from watchword.domain.origins import NOT_AN_ADDRESS, client_address, parse_ipv4, parse_ipv6, parse_origin

NOON = (2026, 6, 15, 12, 0, 0)
GROUPS = {"staff": {"alice", "carol"}, "guests": {"bob"}}
NETGROUPS = {"ops": {"alice"}, "gateways": {"192.0.2.10", "2001:db8::7"}}


def ask(text: str, account: str = "alice", address: str | None = "192.0.2.10", now: tuple[int, ...] = NOON) -> Finding:
    def is_in_group(group: str) -> bool | None:
        return account in GROUPS[group] if group in GROUPS else None

    def is_in_netgroup(netgroup: str, host: str | None) -> bool | None:
        return (account if host is None else host) in NETGROUPS[netgroup] if netgroup in NETGROUPS else None

    return find(text, Login(account, address, now, is_in_group, is_in_netgroup))


def exempt(text: str, *args: str | None, **kwargs: tuple[int, ...]) -> bool:
    text = text if text.endswith("\n") else f"{text}\n"
    finding = ask(text, *args, **kwargs)  # type: ignore[arg-type]  # the helper's defaults stand for the rest
    assert finding.bad_line == 0, finding.bad_reason
    return finding.exempt


def test_the_first_line_that_matches_decides() -> None:
    text = "# note\n\n+ : bob : ALL\n- : alice : 192.0.2.0/24\n+ : ALL : ALL\n"
    assert (ask(text, "bob").line, ask(text, "bob").exempt) == (3, True)
    assert (ask(text).line, ask(text).exempt) == (4, False)
    assert (ask(text, "alice", "10.0.0.1").line, ask(text, "alice", "10.0.0.1").exempt) == (5, True)


def test_nothing_matches_means_no_exemption() -> None:
    finding = ask("+ : bob : ALL\n")
    assert (finding.exempt, finding.line, finding.bad_line) == (False, 0, 0)
    assert not ask("").exempt
    assert not ask("+ : ALL : ALL\n", "").exempt


def test_a_finding_has_no_truth_value() -> None:
    with pytest.raises(TypeError):
        bool(ask(""))


def test_a_bad_line_ends_the_reading_but_what_stands_above_counts() -> None:
    text = "+ : alice : 192.0.2.10\n+ : bob : 10.0.0.300\n+ : ALL : ALL\n"
    assert ask(text).exempt
    below = ask(text, "dave")
    assert (below.exempt, below.bad_line) == (False, 2)
    assert "10.0.0.300" in below.bad_reason


@pytest.mark.parametrize(
    ("accounts", "matches"),
    [
        ("alice", True),
        ("bob alice", True),
        ("bob,alice", True),
        ("ALL", True),
        ("(staff)", True),
        ("(guests)", False),
        ("@ops", True),
        ("Alice", False),
        ("ALL EXCEPT alice", False),
        ("ALL EXCEPT bob", True),
        ("(staff) EXCEPT carol", True),
        ("ALL EXCEPT (staff) EXCEPT alice", True),
        ("ALL EXCEPT (staff) EXCEPT carol", False),
        ("bob EXCEPT carol EXCEPT alice", False),
        ("alice@ad.example.org", False),
    ],
)
def test_accounts(accounts: str, matches: bool) -> None:
    assert exempt(f"+ : {accounts} : ALL") is matches


@pytest.mark.parametrize(
    ("origins", "address", "matches"),
    [
        ("192.0.2.10", "192.0.2.10", True),
        ("192.0.2.10", "::ffff:192.0.2.10", True),
        ("::ffff:192.0.2.10", "192.0.2.10", True),
        ("::ffff:192.0.2.0/120", "192.0.2.10", True),
        ("192.0.2.1", "192.0.2.10", False),
        ("192.0.2.0/24", "192.0.2.255", True),
        ("192.0.2.77/24", "192.0.2.1", True),
        ("192.0.2.0/24", "192.0.3.0", False),
        ("10.0.0.0/255.0.0.0", "10.255.1.2", True),
        ("0.0.0.0/0", "192.0.2.10", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("::/0", "2001:db8::1", True),
        ("::/0", "192.0.2.10", False),
        ("10.1.", "10.1.200.3", True),
        ("10.1.", "10.10.200.3", False),
        ("2001:db8:", "2001:db8:1::1", True),
        ("2001:db8:", "2001:db80::1", False),
        ("2001:db8::/32", "2001:db8:ffff::1", True),
        ("fe80::1", "fe80::1%eth0", True),
        ("LOCAL", None, True),
        ("LOCAL", "", True),
        ("LOCAL", "127.0.0.1", False),
        ("ALL", "login.example.org", True),
        ("192.0.2.0/24", "login.example.org", False),
        ("ALL EXCEPT 192.0.2.0/24", "login.example.org", False),
        ("ALL EXCEPT 192.0.2.0/24", None, True),
        ("ALL EXCEPT 192.0.2.0/24 EXCEPT 192.0.2.10", "192.0.2.10", True),
        ("@gateways", "192.0.2.10", True),
        ("@gateways", "::ffff:192.0.2.10", True),
        ("@gateways", "192.0.2.11", False),
        ("10.0.0.1, 192.0.2.10", "192.0.2.10", True),
    ],
)
def test_origins(origins: str, address: str | None, matches: bool) -> None:
    assert exempt(f"+ : alice : {origins} : ALL", "alice", address) is matches


@pytest.mark.parametrize(
    ("expires", "now", "matches"),
    [
        ("2026-06-15", (2026, 6, 15, 23, 59, 59), True),
        ("2026-06-15", (2026, 6, 16, 0, 0, 0), False),
        ("2026-06-15 18:00", (2026, 6, 15, 17, 59, 59), True),
        ("2026-06-15 18:00", (2026, 6, 15, 18, 0, 0), False),
        ("2026-06-15T18:00:30", (2026, 6, 15, 18, 0, 29), True),
        ("2026-06-15T18:00:30", (2026, 6, 15, 18, 0, 30), False),
        ("2028-02-29", (2028, 2, 29, 12, 0, 0), True),
        ("ALL", (9999, 1, 1, 0, 0, 0), True),
    ],
)
@pytest.mark.parametrize("colon", [" : ", ":", " :", ": ", "\t:\t"])
def test_expires(expires: str, now: tuple[int, ...], matches: bool, colon: str) -> None:
    assert exempt(f"+ : alice : 192.0.2.10{colon}{expires}", now=now) is matches


def test_an_expired_line_is_as_if_it_were_not_there() -> None:
    assert exempt("- : alice : ALL : 2026-06-14\n+ : ALL : ALL\n")
    assert not exempt("+ : alice : ALL : 2026-06-14\n- : ALL : ALL\n")


@pytest.mark.parametrize(
    ("line", "origins", "expires"),
    [
        ("+:a:2001:db8::1", "2001:db8::1", None),
        ("+:a:2001:db8::1:2026-12-31", "2001:db8::1", "2026-12-31"),
        ("+:a:2001:db8::1:2026-12-31 10:30", "2001:db8::1", "2026-12-31 10:30"),
        ("+:a:2001:db8::1:2026-12-31T10:30:59", "2001:db8::1", "2026-12-31T10:30:59"),
        ("+:a:2001:db8::1:ALL", "2001:db8::1", "ALL"),
        ("+ : a : 2001:db8: : ALL", "2001:db8:", "ALL"),
        ("+ : a : 2001:db8:", "2001:db8:", None),
        ("+ : a : fe80:: : 2026-12-31", "fe80::", "2026-12-31"),
    ],
)
def test_colons_of_addresses_and_times_are_told_from_those_between_fields(
    line: str, origins: str, expires: str | None
) -> None:
    rule = LineReader().read(line)
    assert rule is not None
    assert rule.origins == ((parse_origin(origins),),)
    assert rule.expires == expires


@pytest.mark.parametrize(
    "line",
    [
        "alice : ALL",
        "+ alice : ALL",
        "* : alice : ALL",
        "++ : alice : ALL",
        "+ : alice",
        "+ : : ALL",
        "+ : alice :",
        "+ : alice : ALL :",
        "+ : alice : ALL : : ALL",
        "+ : alice : ALL : ALL : ALL",
        "+ : alice : : ALL",
        "+ : alice 10.0.0.1 : ALL",
        "+ : alice LOCAL : ALL",
        "+ : alice : 10.0.0.1 ALL",
        "+ : alice : ALL 2026-12-31",
        "+ : alice : 10.0.0.1 2026-12-31",
        "+ : ALL EXECPT carol : ALL",
        "+ : (staff) EXECPT carol : ALL",
        "+ : ALL except carol : ALL",
        "+ : ALL carol : ALL",
        "+ : all : ALL",
        "+ : EXCEPT carol : ALL",
        "+ : ALL EXCEPT : ALL",
        "+ : ALL EXCEPT EXCEPT carol : ALL",
        "+ : ALL EXCEPTcarol : ALL",
        "+ : alice@staff : ALL",
        "+ : 1003 : ALL",
        "+ : (1000) : ALL",
        "+ : (staff : ALL",
        "+ : staff) : ALL",
        "+ : () : ALL",
        "+ : @ : ALL",
        "+ : -alice : ALL",
        "+ : alice#1 : ALL",
        "+ : älice : ALL",
        "+ : alice : 10.1",
        "+ : alice : 10.0.0",
        "+ : alice : 10.0.0.1.",
        "+ : alice : 10.0.0.256",
        "+ : alice : 10.0.0.01",
        "+ : alice : 010.0.0.1",
        "+ : alice : 10.0.0.0/33",
        "+ : alice : 10.0.0.0/",
        "+ : alice : 10.0.0.0/08",
        "+ : alice : 10.0.0.0/255.0.255.0",
        "+ : alice : 10.1./16",
        "+ : alice : 2001:db8::/129",
        "+ : alice : 2001:db8::1::2",
        "+ : alice : 2001:db8",
        "+ : alice : fe80::1%eth0",
        "+ : alice : login.example.org",
        "+ : alice : .example.org",
        "+ : alice : local",
        "+ : alice : ALL : 2026-02-30",
        "+ : alice : ALL : 2027-02-29",
        "+ : alice : ALL : 2026-13-01",
        "+ : alice : ALL : 3026-12-31",
        "+ : alice : ALL : 26-12-31",
        "+ : alice : ALL : 2026-12-31 24:00",
        "+ : alice : ALL : 2026-12-31 10:60",
        "+ : alice : ALL : 2026-12-31 10",
        "+ : alice : ALL : 2026-12-31Z",
        "+ : alice : ALL : never",
        "+ : alice : ALL : all",
        "+ : alice : 2001:db8::2026-12-31",
        "+ : alice : 2001:db8:: 2026-12-31",
        "+ : alice : ALL\x00",
        "# a comment with a \x1b",
        "# bytes that are not UTF-8 \udcff",
        "+ : alice\u00a0: ALL",
        "\ufeff+ : alice : ALL",
        "+ : alice : ALL\r\r",
    ],
)
def test_a_line_that_may_be_a_slip_of_the_pen_is_wrong(line: str) -> None:
    finding = ask(f"{line}\n+ : ALL : ALL\n")
    assert (finding.exempt, finding.bad_line) == (False, 1)
    assert len(finding.bad_reason) > 20


@pytest.mark.parametrize(
    "text",
    ["+ : alice : ALL\n", "+:alice:ALL\r\n", "\t+\t:\talice\t:\tALL # why: ticket #7\n", "# Größe\n+ : alice : ALL\n"],
)
def test_blanks_comments_and_line_ends_do_not_matter(text: str) -> None:
    assert exempt(text)


def test_what_cannot_be_looked_up_never_widens_an_exemption() -> None:
    assert not exempt("+ : ALL EXCEPT (gone) : ALL")
    assert not exempt("+ : (gone) : ALL")
    assert exempt("+ : alice (gone) : ALL")
    assert not exempt("+ : ALL : ALL EXCEPT @gone")
    assert exempt("+ : ALL EXCEPT (staff) EXCEPT alice (gone) : ALL")
    denied = ask("- : (gone) : ALL\n+ : ALL : ALL\n")
    assert (denied.exempt, denied.line) == (False, 1)


def test_groups_are_asked_only_when_the_rest_matches() -> None:
    def nobody_asks(*_: object) -> bool | None:
        raise AssertionError

    login = Login("alice", "192.0.2.10", NOON, nobody_asks, nobody_asks)
    assert not find("+ : (staff) : 10.0.0.0/8\n+ : @ops : ALL : 2026-01-01\n+ : alice (staff) : 10.\n", login).exempt


def test_a_line_of_a_thousand_exceptions_is_read() -> None:
    assert not exempt("+ : ALL" + " EXCEPT alice EXCEPT ALL" * 5000 + " EXCEPT alice : ALL", "alice")


def test_check_lists_every_bad_line() -> None:
    assert [problem.line for problem in check("+ : a : ALL\nx\n\n# y\nz\n")] == [2, 5]


@pytest.mark.parametrize("last", ["+ : ALL : ALL", "- : bob : ALL", "# a comment", "# a comment\r", " "])
def test_a_last_line_without_its_end_is_wrong_whatever_it_says(last: str) -> None:
    text = f"+ : alice : ALL\n{last}"
    assert ask(text).exempt
    below = ask(text, "dave")
    assert (below.exempt, below.bad_line) == (False, 2)
    assert "was the file cut off?" in below.bad_reason
    assert [(problem.line, problem.reason) for problem in check(text)] == [(2, below.bad_reason)]
    assert ask(last).bad_line == 1


def test_a_bad_line_above_is_named_before_a_last_one_without_its_end() -> None:
    assert ask("oops\n+ : ALL : ALL").bad_line == 1
    assert [problem.line for problem in check("oops\n+ : ALL : ALL")] == [1, 2]
    assert check("") == check("\n") == []


CUT = """+ : bob EXCEPT alice : 10.0.0.0/32 : 2020-12-31
- : mallory : ALL
+ : ALL : 10.0.0.0/8 : 2020-12-31 18:00
+ : (staff) alice : 192.0.2.0/32 2001:db8::/128 : 2026-06-14
+ : ALL EXCEPT alice : ALL
"""


@pytest.mark.parametrize("large", [0, 10**9], ids=["bulk", "careful"])
@pytest.mark.parametrize("account", ["alice", "bob", "mallory", "dave"])
@pytest.mark.parametrize("address", ["10.9.9.9", "192.0.2.10", "2001:db8:9::1", None])
def test_a_file_cut_off_anywhere_exempts_nobody_whom_the_whole_does_not(
    account: str, address: str | None, large: int
) -> None:
    login = Login(account, address, NOON, lambda group: account in GROUPS[group], lambda *_: None)
    whole = find(CUT, login, large=large).exempt
    for length in range(len(CUT)):
        cut = find(CUT[:length], login, large=large)
        assert whole or not cut.exempt, CUT[:length]
        assert cut.exempt or cut.line or bool(cut.bad_line) is (CUT[:length][-1:] not in ("", "\n"))


@given(st.integers(0, 2**32 - 1))
def test_ipv4_addresses_are_read_as_python_reads_them(number: int) -> None:
    assert parse_ipv4(str(ipaddress.IPv4Address(number))) == number


@given(st.text("0123456789abcdefABCDEF:.", max_size=40) | st.from_regex(r"\A(?:[0-9a-f]{0,5}:){0,9}[0-9a-f.]{0,9}\Z"))
def test_ipv6_addresses_are_read_as_python_reads_them(text: str) -> None:
    try:
        expected: int | None = int(ipaddress.IPv6Address(text))
    except ValueError:
        expected = None
    assert parse_ipv6(text) == expected


@given(st.ip_addresses(), st.integers(0, 128), st.ip_addresses())
def test_networks_hold_what_python_says(
    base: ipaddress.IPv4Address, length: int, client: ipaddress.IPv4Address
) -> None:
    network = ipaddress.ip_network(f"{base}/{min(length, base.max_prefixlen)}", strict=False)
    mapped = getattr(network.network_address, "ipv4_mapped", None) or getattr(client, "ipv4_mapped", None)
    low, high = parse_origin(str(network))
    number = client_address(str(client))
    assert number is not None
    assert mapped or (low <= number <= high) == (client in network)


@given(st.text())
def test_any_text_is_a_client_address_or_not_one(text: str) -> None:
    number = client_address(text)
    assert number is None or number >= NOT_AN_ADDRESS


@given(st.text("0123456789-:T ALL", max_size=20))
def test_an_expiry_parses_or_raises_one_error(text: str) -> None:
    with contextlib.suppress(InvalidValue):
        parse_expiry(text)


@given(st.dates(date(2000, 1, 1), date(2199, 12, 31)))
def test_every_day_of_the_calendar_is_an_expiry_that_lasts_to_its_end(day: date) -> None:
    ends = parse_expiry(day.isoformat())
    assert ends is not None
    assert (*day.timetuple()[:3], 23, 59, 59) < ends <= (*(day + timedelta(1)).timetuple()[:3], 0, 0, 0)


@given(st.text(), st.text("+-:,ALEXCPTalice ()@#0123456789./\t\r\n"))
def test_any_file_gives_a_finding(odd: str, likely: str) -> None:
    for text in (odd, likely):
        ask(text)
        check(text)


def test_reading_a_small_file_imports_next_to_nothing() -> None:
    source = Path(sys.modules["watchword"].__file__ or "").parent.parent
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from watchword.domain.exemptions import Login, find\n"
        "find('+ : bob : 10.0.0.1 : 2026-12-31\\n', Login('bob', '10.0.0.1', (2026, 1, 1, 0, 0, 0), None, None))\n"
        "print(*sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(source)], capture_output=True, text=True, check=True
    )
    heavy = {"re", "typing", "dataclasses", "logging", "datetime", "inspect", "ipaddress", "enum", "collections"}
    assert not heavy & set(ran.stdout.split())
