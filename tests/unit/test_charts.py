"""Charts: the same numbers as a picture in a page, a file, a table and a CSV."""

import itertools
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.architecture.repository import ROOT
from watchword.charts.chart import Chart, Mark, Series
from watchword.charts.colours import COLOURS
from watchword.charts.compose import Key, compose
from watchword.charts.csv_file import cell, write_csv
from watchword.charts.figures import write_figure
from watchword.charts.html_table import table_rows
from watchword.charts.scale import marked_days, name_day, short_number, ticks
from watchword.charts.svg import draw
from watchword.services.day_tally import ACCOUNTS, Factor, Origin, logins, origin, paired, people, steps
from watchword.services.statistics import Figures, days_between

TODAY = date(2026, 11, 22)
DEADLINE = date(2026, 12, 1)
NOTHING = Figures(TODAY, TODAY, {}, {}, 0)
HOSTILE = "\"'><script>alert(1)</script>&"
STYLES = (ROOT / "src/watchword/portal/static/charts.css").read_text(encoding="utf-8")


def figures(days: int = 30) -> Figures:
    first = TODAY - timedelta(days=days - 1)
    counts = {(TODAY, logins(Factor.CODE, Origin.INTERNAL)): 1234, (TODAY, logins(Factor.NONE, Origin.UNKNOWN)): 6}
    counts |= {(TODAY, people(Factor.CODE)): 700, (TODAY, people(Factor.NONE)): 5, (first, people(Factor.CODE)): 9}
    counts |= {(TODAY, paired("soft")): 12, (TODAY, ACCOUNTS): 11, (first, ACCOUNTS): -1}
    return Figures(first, TODAY, counts, {ACCOUNTS: 100, paired("soft"): 90, paired("hard"): 12}, still_unpaired=45)


def chart(key: Key, deadline: date | None = DEADLINE, days: int = 30) -> Chart:
    (found,) = [one for one in compose(figures(days), deadline) if one.key == key]
    return found


def values(chart: Chart, name: str) -> tuple[object, ...]:
    (found,) = [one.values for one in chart.series if one.name == name]
    return found


def test_pairings_lead_from_what_was_to_what_must_be_on_the_deadline() -> None:
    progress = chart(Key.DEADLINE)
    assert progress.days[-1] == DEADLINE
    assert values(progress, "paired")[:2] == (99, 99)
    assert values(progress, "paired")[28:31] == (99, 110, None)
    assert values(progress, "to be in time")[28:31] == (None, 110, 115)
    assert values(progress, "to be in time")[-1] == 110 + 45
    assert "9 days left until 2026-12-01" in progress.summary


@pytest.mark.parametrize(
    ("deadline", "said"),
    [
        (None, "within 14 days."),
        (TODAY, "today is the last day"),
        (date(2026, 11, 20), "the deadline was 2026-11-20"),
        (date(2036, 1, 1), "days left until 2036-01-01"),
    ],
)
def test_a_deadline_that_is_none_over_or_far_away_lengthens_no_chart(deadline: date | None, said: str) -> None:
    progress = chart(Key.DEADLINE, deadline)
    assert said in progress.summary
    assert len(progress.days) == len(progress.labels) == 30
    assert [one.name for one in progress.series] == ["paired"]


def test_unknown_origins_are_shown_only_where_there_are_any() -> None:
    names = [one.name for one in chart(Key.LOGINS).series]
    assert names == [
        "with a code, internal",
        "with a code, external",
        "without, internal",
        "without, external",
        "without, unknown",
    ]
    assert "1,240 logins, 100 % of them" in chart(Key.LOGINS).summary


def test_shares_are_of_all_tokens_from_the_beginning() -> None:
    kinds = chart(Key.KINDS)
    assert kinds.rows()[0] == ("phone app", 102, 89.5)
    assert [row[1] for row in kinds.rows()] == [102, 0, 12, 0]


@pytest.mark.parametrize("key", Key)
@pytest.mark.parametrize("days", [1, 30, 365])
def test_a_picture_is_well_formed_named_and_looks_by_classes_of_the_style_sheet(key: Key, days: int) -> None:
    drawn = chart(key, days=days)
    picture = ET.fromstring(draw(drawn))
    titles = {element.get("id"): element.text for element in picture.iter("title")}
    (image,) = [element for element in picture.iter("svg") if element.get("role") == "img"]
    named, described = (image.get("aria-labelledby") or "").split()
    assert titles[named] == drawn.title
    assert image.find("desc") is not None and described.endswith("-desc")
    classes = {name for element in picture.iter() for name in (element.get("class") or "").split()}
    assert {name for name in classes if f".{name}" not in STYLES} == set()
    assert not any(
        "style" in element.attrib or name.startswith("on") for element in picture.iter() for name in element.attrib
    )


def test_what_is_named_in_a_chart_is_text_wherever_it_stands() -> None:
    hostile = replace(chart(Key.PEOPLE), title=HOSTILE, summary=HOSTILE)
    hostile = replace(hostile, labels=(HOSTILE,) * 30, series=(replace(hostile.series[0], name=HOSTILE),))
    parts = replace(chart(Key.KINDS), labels=(HOSTILE,) * 4)
    for text in (draw(hostile), draw(parts), table_rows(hostile), table_rows(parts)):
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_a_chart_of_nothing_can_be_drawn() -> None:
    for one in compose(NOTHING, None):
        assert one.is_empty
        ET.fromstring(draw(one))


def test_the_colours_of_pictures_in_files_are_those_of_the_page() -> None:
    light = STYLES.partition("@media (prefers-color-scheme: dark)")[0]
    assert dict(re.findall(r"--c-([a-z-]+): (#[0-9a-f]{6})", light)) == COLOURS


@pytest.mark.parametrize("ground", ["#ffffff", "#1e1c1a"])
def test_every_colour_stands_out_from_its_ground(ground: str) -> None:
    """WCAG 2.2, 1.4.11: graphics need 3:1."""
    light, _, dark = STYLES.partition("@media (prefers-color-scheme: dark)")
    text = light if ground == "#ffffff" else dark
    found = re.findall(r"--c-[a-z-]+: (#[0-9a-f]{6})", text)
    assert len(found) == len(COLOURS)
    assert [colour for colour in found if contrast(colour, ground) < 3] == []


def contrast(first: str, second: str) -> float:
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.slow
def test_files_are_pictures_and_the_same_chart_is_the_same_file(tmp_path: Path) -> None:
    for key in Key:
        write_figure(chart(key), tmp_path / f"{key}.svg")
        assert ET.parse(tmp_path / f"{key}.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    write_figure(chart(Key.LOGINS), tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_bytes() == (tmp_path / "logins.svg").read_bytes()
    write_figure(chart(Key.LOGINS), tmp_path / "logins.png")
    assert (tmp_path / "logins.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    write_figure(compose(NOTHING, None)[0], tmp_path / "nothing.png")


def test_matplotlib_is_loaded_by_a_picture_and_by_nothing_else() -> None:
    code = "import sys, watchword.portal.app, watchword.cli.app; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1"])
def test_no_text_in_a_csv_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    series = (Series(text, (1,), Mark.LINE, "code"),)
    written = write_csv(replace(chart(Key.PEOPLE), heading=text, labels=(text,), series=series))
    assert not any(field.strip('"').startswith(text) for line in written.split("\r\n") for field in line.split(","))


def test_numbers_in_a_csv_stay_numbers() -> None:
    assert [cell(value) for value in (0, -3, 12.5, None)] == ["0", "-3", "12.5", ""]


@pytest.mark.parametrize("highest", [0, 1, 2, 3, 5, 7, 10, 11, 99, 100, 101, 12_345, 999_999, 10_000_000])
def test_an_axis_has_a_few_whole_numbers_and_room_for_the_highest(highest: int) -> None:
    marks = ticks(highest)
    assert marks[0] == 0 and marks[-1] >= highest
    assert 2 <= len(marks) <= 6
    assert len({b - a for a, b in itertools.pairwise(marks)}) == 1


def test_an_axis_is_written_shortly() -> None:
    assert [short_number(n) for n in (0, 500, 1000, 1500, 2_500_000)] == ["0", "500", "1k", "1.5k", "2.5M"]
    days = days_between(date(2026, 1, 1), TODAY)
    assert [name_day(days[n], days) for n in marked_days(days)] == [
        "Jan 2026",
        "Mar 2026",
        "Jun 2026",
        "Sep 2026",
        "Nov 2026",
    ]
    assert [name_day(days[n], days[:9]) for n in marked_days(days[:9])] == ["1 Jan", "3 Jan", "5 Jan", "7 Jan", "9 Jan"]
    assert marked_days(days[:1]) == [0]


def test_an_account_is_paired_while_it_has_a_token() -> None:
    first, second, third = (date(2026, 1, n) for n in (1, 5, 9))
    assert steps({first: 1, second: 1, third: -2}) == {first: 1, third: -1}
    assert steps({first: 1, second: -1, third: 1}) == {first: 1, second: -1, third: 1}
    assert steps({first: 0, second: -1}) == {}


def test_an_address_is_internal_external_or_not_known() -> None:
    from ipaddress import ip_network

    inside = [ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")]
    where = {"10.1.1.1": "internal", "::ffff:10.1.1.1": "internal", "2001:db8::1": "internal", "192.0.2.1": "external"}
    where |= {"": "unknown", "login1": "unknown", "10.0.0.0/8": "unknown"}
    assert {address: str(origin(address, inside)) for address in where} == where
