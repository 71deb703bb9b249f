"""The charts that operators see, each with a table and a CSV."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.world import SECRET, PortalWorld
from watchword.charts.compose import Key
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.portal.operators import charts
from watchword.services.count_days import Backlog, DayCounter
from watchword.store.anchors import Anchors
from watchword.store.sealing import Sealer
from watchword.store.store import Store

CHARTS = "/operators/charts"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[PortalWorld]:
    """A portal whose deadline is a month and a half away."""
    more = {"portal": {"mode": "countdown", "deadline": "2027-03-01"}}
    with PortalWorld(f"sqlite:///{tmp_path / 'watchword.db'}", tmp_path, more_settings=more) as world:
        yield world


def write_logins(portal: PortalWorld, *accounts: str, factor: str = "code", address: str = "10.0.0.1") -> None:
    """Write what a RADIUS server would have written."""
    kind, result = {
        "code": (EventKind.LOGIN, Result.GRANTED),
        "none": (EventKind.PAIRING_QUERY, Result.ANSWERED),
    }[factor]
    at = int(portal.clock.seconds * 1000)
    services = portal.desk.services
    anchors = Anchors(portal.directory / "anchors")
    store = Store(
        services.store.database, Sealer(services.keyring), services.keyring, writer="web/radius-0", anchors=anchors
    )
    events = [AuditEvent(at, kind, result, account, address=address, node=HOSTILE) for account in accounts]
    store.write(lambda rows: rows.audit.record(events))


def numbers(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_every_role_of_operators_sees_every_chart_with_its_table(portal: PortalWorld) -> None:
    write_logins(portal, "alice", "bob")
    for account in ("ada", "hugo", "otto"):
        page = portal.signed_in(account, proved=True).get(CHARTS)
        assert page.count('<svg class="chart-picture"') == page.count("<table>") == len(Key)
        assert all(f"{CHARTS}/{key}.csv?days=90" in page for key in Key)


def test_nobody_else_does(portal: PortalWorld) -> None:
    portal.desk.services.pairer.add_soft("ada", secret=SECRET)
    for browser in (portal.browser(), portal.signed_in("alice", proved=True), portal.signed_in("ada")):
        for path in (CHARTS, f"{CHARTS}/people.csv"):
            assert "with a code" not in browser.get(path)


def test_what_happened_is_in_the_page_as_it_is_opened(portal: PortalWorld) -> None:
    write_logins(portal, "alice", "alice", "bob")
    write_logins(portal, "carol", factor="none", address="203.0.113.9")
    browser = portal.signed_in("otto", proved=True)
    page = browser.get(CHARTS)
    assert "4 logins, 75 % of them with a token code." in page
    assert "Today so far: 2 with one, 1 without." in page
    assert "1 account paired. 1 more were let in without a code" in page
    write_logins(portal, "bob")
    assert "5 logins, 80 %" in browser.get(f"{CHARTS}?days=30")


def test_a_csv_has_a_line_for_each_day_and_nothing_that_is_a_formula(portal: PortalWorld) -> None:
    write_logins(portal, "=cmd()", "@alice")
    browser = portal.signed_in("otto", proved=True)
    for key in Key:
        table = numbers(browser.get(f"{CHARTS}/{key}.csv?days=30"))
        assert re.fullmatch(
            r'attachment; filename="watchword-\w+-2027-01-\d\d.csv"', browser.headers["content-disposition"]
        )
        assert browser.headers["content-type"] == "text/csv; charset=utf-8"
        assert len({len(row) for row in table}) == 1
        assert not any(cell.startswith(("=", "+", "@")) for row in table for cell in row)
    assert len(numbers(browser.get(f"{CHARTS}/people.csv?days=30"))) == 31
    assert numbers(browser.get(f"{CHARTS}/people.csv?days=365"))[-1][1:] == ["2", "0"]


@pytest.mark.parametrize(
    "path", [f"{CHARTS}?days=100000", f"{CHARTS}?days=x", f"{CHARTS}/nothing.csv", f"{CHARTS}/a.svg"]
)
def test_a_chart_that_there_is_not_is_no_error_of_ours(portal: PortalWorld, path: str) -> None:
    browser = portal.signed_in("otto", proved=True)
    browser.get(path)
    assert 400 <= browser.status < 500


def test_no_picture_says_how_it_looks_but_by_classes(portal: PortalWorld) -> None:
    write_logins(portal, "alice")
    browser = portal.signed_in("otto", proved=True)
    page = browser.get(CHARTS)
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", page)
    nonces = re.findall(r'<link rel="stylesheet" href="[^"]+" nonce="([^"]+)">', page)
    assert len(nonces) == 2
    assert all(f"'nonce-{nonce}'" in browser.headers["content-security-policy"] for nonce in nonces)
    assert HOSTILE not in page


def test_a_page_counts_no_more_than_it_has_time_for_and_says_what_is_left(
    portal: PortalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "EVENTS_WHILE_ONE_WAITS", 10)
    write_logins(portal, *(f"user{n}" for n in range(100)))
    browser = portal.signed_in("otto", proved=True)
    assert "Still counting" in browser.get(CHARTS)
    left = charts.day_counter(portal.desk).backlog()
    assert 0 < left.events <= 95
    assert charts.day_counter(portal.desk).catch_up() == Backlog(0)
    assert "Still counting" not in browser.get(CHARTS)


def test_a_log_that_went_back_is_told_of(portal: PortalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DayCounter, "catch_up", lambda *_args, **_named: Backlog(0, ("web/radius-0",)))
    page = portal.signed_in("otto", proved=True).get(CHARTS)
    assert "The audit log of web/radius-0 ends before what was counted of it" in page


def test_an_empty_store_has_charts_that_say_so(portal: PortalWorld) -> None:
    portal.desk.services.pairer.add_soft("otto", secret=SECRET)
    page = portal.signed_in("otto", proved=True).get(CHARTS)
    assert page.count("There is nothing to show yet.") == 2
