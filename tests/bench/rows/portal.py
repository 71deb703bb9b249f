"""What a page of the portal costs: 50 people at once, on a million accounts and ten million audit events."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench import page_loop
from tests.bench.figures import Series, percentile
from tests.bench.million import Million, million
from tests.bench.page_loop import AT_ONCE, Page
from tests.bench.people import name_of
from tests.bench.report import Aim, Row
from tests.bench.stage import Stage
from tests.harness.portal import is_well, portal_table
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.processes import running
from tests.harness.radius_server import ServerSettings
from tests.harness.watchword_command import COMMAND
from watchword.settings import read_settings
from watchword.wiring.portal import Desk, open_desk

PEOPLE = 500
ROUNDS = 5
WINDOW_SECONDS = 4.0
OPERATOR = "root"
"""Whoever has a role must be an account of this machine."""

HOST = "localhost"
WORKERS = 2

NOTES = """\
- A portal with two processes on the store of *A thousand accounts and a million*, asked over plain HTTP as its proxy
  asks it: 50 connections, each with a request under way all the time and no pause between. So these are times of a
  portal that does all it can; the last line is how many pages that is a second.
- 500 people and one operator are signed in, with sessions as the product makes them. Each kind of page in turns; a
  page's time is from its request to its last octet. Generator, portal and database share two cores.
"""


def measure(stage: Stage) -> Row:
    """Ask for each kind of page in turns."""
    large = million(stage)
    store = ServerSettings(large.server.watchword.config.parent, _url(large))
    with _portal(store, large.accounts) as (port, pages):
        found: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in pages}
        for turn in range(1 + (1 if stage.quick else ROUNDS)):
            stage.calibrate()
            for kind, asked in pages.items():
                times, rate = page_loop.load(port, HOST, asked, WINDOW_SECONDS)
                if turn:  # the first one warms up
                    found[kind].append((percentile(times, 50), percentile(times, 99), rate))
                    stage.say(f"{kind}: median {found[kind][-1][0]:.0f} ms, p99 {found[kind][-1][1]:.0f} ms")
    series = [
        Series(f"{kind}, {word}", unit, tuple(figures[place] for figures in windows))
        for kind, windows in found.items()
        for place, (word, unit) in enumerate((("median", "ms"), ("p99", "ms"), ("all together", "pages/s")))
    ]
    middle, late = series[0].median, series[1].median
    what = f"a person's first page, {AT_ONCE} at once, {large.accounts:,} accounts"
    aim = Aim(what, "nothing", "-", f"p99 {late:.0f} ms, median {middle:.0f} ms", None)
    return Row("Pages of the portal", [aim], series, NOTES)


@contextmanager
def _portal(store: ServerSettings, accounts: int) -> Iterator[tuple[int, dict[str, list[Page]]]]:
    port = free_tcp_port()
    table = portal_table(
        f"{LOOPBACK}:{port}", f"http://{HOST}", "watchword-portal", {"workers": WORKERS}, {"admin": [OPERATOR]}
    )
    settings = ServerSettings(store.directory, store.database_url, store.secret, table)
    watchword = settings.write("portal", 1812)
    cookies = [f"watchword={cookie}" for cookie in _sign_in(settings, watchword.config.name)]
    log = store.directory / "portal.log"
    with running([COMMAND, "--config", watchword.config, "portal"], log) as server:
        server.wait_until(lambda: is_well(port), seconds=90)
        yield port, _kinds_of_pages(cookies, accounts)


def _sign_in(settings: ServerSettings, config: str) -> list[str]:
    """Begin and prove a session of each person; return their cookies, the operator's first."""
    desk = open_desk(read_settings(settings.directory / config))
    try:
        desk.pairer().add_soft(OPERATOR)
        people = [name_of(number) for number in range(1, PEOPLE + 1)]
        return [_proved_session(desk, account) for account in (OPERATOR, *people)]
    finally:
        desk.close()


def _proved_session(desk: Desk, account: str) -> str:
    """Begin a session in which a code of the account's first token was proved; return its cookie."""
    begun = desk.store.write(lambda rows: desk.sessions.begin(rows, account, address="192.0.2.7", browser="bench"))
    session = desk.sessions.find(begun.cookie)
    assert session is not None
    (facts,) = desk.store.read(lambda rows: rows.tokens.describe_page("", 1, account=account))
    proved = desk.sessions.prove(session, facts.serial)
    assert proved is not None
    return proved.cookie


def _kinds_of_pages(cookies: list[str], accounts: int) -> dict[str, list[Page]]:
    (operator, *people), numbers = cookies, range(7, accounts, 1999)
    return {
        "first page": [Page("/", cookie) for cookie in people],
        "history": [Page("/history", cookie) for cookie in people],
        "sign-in": [Page("/sign-in")],
        "find": [Page(f"/operators/?q={name_of(number)[:8]}", operator) for number in numbers],
        "an account": [Page(f"/operators/account?name={name_of(number)}", operator) for number in numbers],
        "now": [Page("/operators/live", operator)],
    }


def _url(large: Million) -> str:
    settings = read_settings(large.server.watchword.config)
    return settings.database.url.get_secret_value()
