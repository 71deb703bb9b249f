"""Lines known to be right are searched by patterns: none that could match is left out, few others are handed over."""

import ipaddress
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from watchword.domain import candidate_lines
from watchword.domain.candidate_lines import candidates
from watchword.domain.errors import InvalidValue
from watchword.domain.exemption_rules import LineReader, Rule
from watchword.domain.exemptions import Finding, Login, find
from watchword.domain.known_lines import shared
from watchword.domain.origins import client_address

NOW = (2026, 6, 15, 12, 0, 0)
CLIENTS = ["10.3.4.5", "192.0.2.10", "1.1.1.1", "0.0.0.1", "255.255.255.255", "::ffff:10.3.4.5", "2001:db8:3::4", "::1"]
CLIENTS += ["", "login.example.org"]
# Each may stand for alice, or hide that it does.
ACCOUNTS = ["alice", "bob alice", "bob,alice", "\talice , bob", "x.alice alice", "alice EXCEPT (x)", "bob,(x)", "@x"]
ACCOUNTS += ["ALL", ",ALL", "ALL, ", "ALL, EXCEPT bob", "(x)", "bob (x)", "Eve (x) EXCEPT al", "xEXCEPT (x)", "bob @x"]
ACCOUNTS += ["a@b.c @x"]
FORMS = [
    "+ : {} : {}",
    "-:{}:{}",
    " +\t:{}: {} : 2199-12-31",
    "+:{}:{}:2199-12-31 18:00:00",
    "+ : {} : {} : ALL # (x): @y",
]
FORMS += ["+ : {} : 203.0.113.7, {}\r", "+ : {} : 203.0.113.7 ab::/64 {} EXCEPT 10.3.4.5 :: : 2199-12-31T10:00"]
FORMS += [
    "+ : {} : ffff::1 , {} , : ALL",
    "- : {} : 203.0.113.0/255.255.255.0 {} EXCEPT ALL",
    "+ : {} : E000::1 {}:2199-12-31",
]


def networks(client: str) -> Iterator[str]:
    """Yield, for each length, networks that hold the client and that just don't, however they may be written."""
    number = client_address(client) or 0
    address = ipaddress.ip_address(client.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    assert number >= 0
    bits, value = address.max_prefixlen, int(address)
    for length in range(bits + 1):
        inside, outside = 1 << max(bits - length - 1, 0), 1 << max(bits - length, 0)
        for change in (0, inside, 2 * inside - 1, outside, 1 << (bits - 1)):
            near = type(address)((value ^ change) % (1 << bits))
            yield from (f"{text}/{length}" for text in (near.exploded.upper(), str(near)))
            if bits == 32:
                yield f"{near}/{ipaddress.ip_network(f'0.0.0.0/{length}').netmask}"
                yield f"::ffff:{near}/{96 + length}"
                yield f"0:0::FFFF:{near}/{96 + length}"
            yield str(near)
            separator = ":" if bits == 128 else "."
            parts = near.exploded.split(separator)
            yield from (separator.join(parts[:count]) + separator for count in range(1, len(parts)))


OTHERS = [
    "ALL",
    "LOCAL",
    "@x",
    "::/0",
    "0.0.0.0/0",
    "::ffff:0:0/96",
    "::1",
    "10.",
    "10.3.4.",
    "2001:",
    "203.0.113.7",
    "8000::/1",
]


def rule_of(line: str) -> Rule | None:
    """Return what the careful parser makes of a line; None for one that is wrong, or no rule."""
    try:
        return LineReader().read(line)
    except InvalidValue:
        return None


def handed_over(lines: list[str], client: str) -> set[str]:
    text = "".join(f"{line}\n" for line in ["# first", *lines])
    return {line for _, line in candidates(text, 0, len(text), "alice", client_address(client))}


@pytest.mark.parametrize("client", CLIENTS)
def test_no_line_that_could_match_is_left_out(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    places = [*OTHERS, *(networks(client) if (client_address(client) or -1) >= 0 else ())]
    pairs = [(ACCOUNTS[number % len(ACCOUNTS)], place) for number, place in enumerate(dict.fromkeys(places))]
    pairs += [(account, place) for account in ACCOUNTS for place in (*OTHERS, client.partition("%")[0] or "LOCAL")]
    lines = [form.format(account, place) for form in FORMS for account, place in pairs]
    rules = {line: rule for line in lines if (rule := rule_of(line))}
    assert len(rules) > 500
    unknown = Login("alice", client, NOW, lambda _: None, lambda _, __: None)
    member = Login("alice", client, NOW, lambda _: True, lambda _, __: True)
    for patience in (-1, len(rules)):
        monkeypatch.setattr(candidate_lines, "PATIENCE", patience)
        left_out = set(rules) - handed_over([*rules], client)
        assert [line for line in left_out for login in (unknown, member) if login.meets(rules[line]) is not False] == []


def test_a_login_from_nowhere_in_particular_is_shown_all_lines_that_may_be_its() -> None:
    lines = [f"- : (x) : 10.0.0.{number}" for number in range(200)]
    assert set(lines) <= handed_over(lines, "login.example.org")


@pytest.mark.parametrize("client", ["192.0.2.77", "10.3.4.5", "2001:db8:3::4", ""])
@pytest.mark.parametrize(
    "form",
    [
        "+ : bob : 172.16.9.{} : 2026-12-31",
        "+ : bob : ALL : 2026-12-{}",
        "+ : bob : 172.16.9.{} : ALL",
        "+ : bob{}@ad.example.org : ALL : ALL",
        "# (x) @y alice ALL {}",
        "+ : (x) : 172.16.9.{}, 172.16.0.0/16 : 2026-12-31",
        "+ : ALL : 172.16.{}.0/24",
        "+ : @x : 172.16.{}.0/255.255.255.0 : ALL",
        "+:alice:172.16.9.{}:2026-12-31 18:00",
        "+ : alice EXCEPT bob : 172.16.9.{} EXCEPT 10.3.4.5 192.0.2.77  # note",
        "+ : (x) : 2001:db9::{} : 2026-12-31",
    ],
)
def test_lines_of_strangers_and_of_elsewhere_are_passed_over(form: str, client: str) -> None:
    lines = [form.format(number) for number in range(10, 32)] * 50
    text = "".join(f"{line}\n" for line in lines)
    shown = list(candidates(text, 0, len(text), "alice", client_address(client)))
    # The first line, and what is handed over before the search looks at origins.
    assert len(shown) <= candidate_lines.PATIENCE + 1


ADDRESSES = st.sampled_from(
    ["10.3.4.5", "10.3.4.6", "10.3.9.5", "10.9.4.5", "11.3.4.5", "2001:db8:3::4", "2001:DB8::", "::1"]
)
PLACES = ADDRESSES | st.builds("{}/{}".format, ADDRESSES, st.integers(0, 128)) | st.sampled_from(OTHERS)
WORDS = st.sampled_from(["alice", "bob", "al", "alice.x", "a@b.c", "(x)", "(none)", "@x", "@none", "ALL", "EXCEPT"])
GAPS = st.sampled_from([" ", ",", ", ", "\t"])


@st.composite
def right_lines(draw: st.DrawFn) -> str:
    gap, colon = draw(GAPS), draw(st.sampled_from([" : ", ":", ": ", " :", "\t:\t"]))
    fields = [draw(st.sampled_from("+-"))]
    fields += [gap.join(draw(st.lists(words, min_size=1, max_size=4))) for words in (WORDS, PLACES)]
    fields += draw(st.lists(st.sampled_from(["ALL", "2026-01-01", "2199-12-31", "2026-06-15 12:01"]), max_size=1))
    line = colon.join(fields) + draw(st.sampled_from(["", " ", "\r", " # alice (x) : ALL", " # \u00e9"]))
    return line if rule_of(line) else draw(st.sampled_from(["", "# alice", "+ : bob : ALL", "- : (x) : 10.3.4.0/24"]))


BAD = st.sampled_from(["+ : alice : 10.3.4.5 : 2026-02-30", "+ : ALL ALL : ALL", "x", "+ : alice : 10.3.4.256"])
FILES = st.lists(right_lines() | right_lines() | right_lines() | BAD, max_size=30)


def ask(text: str, account: str, client: str, known: tuple[int, int] | None) -> Finding:
    groups, netgroups = {"x": True}, {("x", None): True, ("x", "10.3.4.5"): False}
    login = Login(account, client, NOW, groups.get, lambda name, host: netgroups.get((name, host)))
    return find(text, login, large=10**9 if known is None else 40, known=known)


@settings(max_examples=150, deadline=None)
@given(
    FILES, FILES, st.sampled_from(["alice", "bob", "al", "x", "(x)", "alice.x"]), st.sampled_from(CLIENTS),
    st.sampled_from([-1, 0, 3]), st.sampled_from([1, 60, 1000]), st.sampled_from(["", "+ : ALL : ALL"]),
)  # fmt: skip
@example(["+ : bob : ALL"], ["+ : bob : ALL"], "alice", "::1", 0, 1, "")
def test_what_is_remembered_never_changes_the_finding(
    then: list[str], now: list[str], account: str, client: str, patience: int, piece: int, rest: str
) -> None:
    """Of the file as it was, the right lines are remembered; as it is, it is partly the same, and has bad lines."""
    for before in (now, [*now[:3], *then, *now[4:]], then, now[5:], [line for line in now if "(" in line]):
        remembered = "".join(f"{line}\n" for line in before if line[:1] in ("", "#") or rule_of(line))
        text = "".join(f"{line}\n" for line in now) + rest
        known = shared(text, remembered)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(candidate_lines, "PATIENCE", patience)
            patch.setattr(candidate_lines, "PIECE", piece)
            assert ask(text, account, client, known) == ask(text, account, client, None)
