"""Operators' lists, on both databases: what is found, in which order, and by which index."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Connection, event, insert

from tests.contract.world import Server, World
from tests.harness.mariadb import Mariadb
from watchword.domain.audit import AuditEvent
from watchword.domain.enforcement import Mode
from watchword.domain.errors import Conflict, InvalidValue, NotFound
from watchword.domain.outcome import Granted
from watchword.domain.people import Person
from watchword.services.diagnose_facts import Presence
from watchword.services.diagnose_gather import Circumstances, Investigator
from watchword.services.find import Finder, Hits
from watchword.services.find_account import AccountReader
from watchword.services.portal_ports import PortalWork
from watchword.services.train_class import ClassMaker
from watchword.services.watch_live import SORTS, Feed, Watcher
from watchword.store.schema import accounts, tokens

NAMES = ["al", "alice", "alice2", "alicia", "Alice", "al_ice", "al%ice", "bob", "zoë", "train01"]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("mariadb", marks=pytest.mark.slow)])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all tests here: a schema takes longer to make than any of them runs."""
    directory = tmp_path_factory.mktemp("world")
    if request.param == "mariadb":
        mariadb: Mariadb = request.getfixturevalue("mariadb")
        url = mariadb.create_database()
    else:
        url = f"sqlite:///{directory / 'watchword.db'}"
    world = World(url, directory)
    yield world
    world.close()


@pytest.fixture(scope="module")
def crowd(world: World) -> Server:
    """A few accounts with names that could be mixed up, and two fobs in the drawer."""
    server = world.server
    for name in NAMES:
        server.pairer.add_static(name, code="123456")
    with server.database.engine.begin() as connection:
        row = {"kind": "hard", "sealed_secret": b"x", "created_at": 1}
        connection.execute(insert(tokens), [row | {"serial": serial} for serial in ("2600124809", "2600124810")])
    return server


class Nobody:
    """A directory of nobody."""

    def find(self, account: str) -> Person | None:
        """Find nobody."""


def find(server: Server, typed: str, **more: Any) -> Hits:
    return Finder(server.store, clock=lambda: 0.0).find(typed, **more)


def names(hits: Hits) -> list[str]:
    return [hit.name for hit in hits.accounts]


FOUND = {
    "al": ["al", "al%ice", "al_ice", "alice", "alice2", "alicia"],
    "alice": ["alice", "alice2"],
    "Alice": ["Alice", "alice", "alice2"],
    "al_": ["al_ice"],
    "al%": ["al%ice"],
    "%": [],
    "zo": ["zoë"],
    "zoë": ["zoë"],
    "nobody": [],
    "with blank": [],
    "": [],
    "x" * 200: [],
    "\U0010ffff": [],
    "\ud800": [],
}


def test_an_account_is_found_by_how_its_name_begins_and_signs_mean_themselves(crowd: Server) -> None:
    assert {typed: names(find(crowd, typed)) for typed in FOUND} == FOUND


def test_a_token_is_found_by_how_its_serial_begins_whatever_the_case(crowd: Server) -> None:
    assert [token.serial for token in find(crowd, "26001248").tokens] == ["2600124809", "2600124810"]
    assert find(crowd, "26001248").tokens[0].account == ""
    assert {token.kind for token in find(crowd, "static-").tokens} == {"static"}
    assert set(NAMES) <= {token.account for token in find(crowd, "STATIC-", limit=100).tokens}


def test_pages_follow_each_other_without_a_gap(crowd: Server) -> None:
    seen: list[str] = []
    after = ""
    while True:
        hits = find(crowd, "al", accounts_after=after, limit=2)
        seen += names(hits)
        after = hits.more_accounts_after
        if not after:
            break
    assert seen == names(find(crowd, "al"))


def test_a_hit_says_what_the_account_is_paired_with_and_how_it_stands(world: World, crowd: Server) -> None:
    crowd.pairer.add_static("zora", code="123456")
    crowd.pairer.add_soft("zora")
    crowd.administrator.lock("zora")
    (hit,) = find(crowd, "zora", limit=1).accounts
    assert hit.kinds == ["static", "soft"]
    assert hit.standing.held
    crowd.administrator.unlock("zora")


def test_people_are_found_by_their_names_with_what_the_store_knows_of_them(crowd: Server) -> None:
    class People:
        def search(self, begins: str, limit: int) -> list[Person]:
            assert (begins, limit) == ("Ali B", 50)
            return [Person("zed", name="Ali Baba"), Person("alice", name="Ali Bell")]

    finder = Finder(crowd.store, clock=lambda: 0.0, people=People())
    assert [(hit.name, hit.person, hit.kinds) for hit in finder.find_person(" Ali  B ")] == [
        ("alice", "Ali Bell", ["static"]),
        ("zed", "Ali Baba", []),
    ]
    assert finder.find_person("Al") == [], "the directory is not asked for everybody"


def test_locked_accounts_are_listed_while_they_are_locked(world: World, crowd: Server) -> None:
    crowd.administrator.lock("bob")
    for _ in range(20):
        crowd.one_shot("alice", "000000")
    crowd.one_shot("alicia", "000000")
    finder = Finder(crowd.store, clock=world.clock)
    assert [hit.name for hit in finder.locked()[0]] == ["alice", "bob"]
    assert finder.locked(limit=1)[1] == "alice"
    assert [hit.name for hit in finder.locked(after="alice")[0]] == ["bob"]
    world.clock.seconds += 1801
    assert [hit.name for hit in finder.locked()[0]] == ["bob"]
    crowd.administrator.unlock("bob")


def test_a_feed_lists_its_own_sorts_of_events_newest_first_and_in_pages(world: World, crowd: Server) -> None:
    watcher = Watcher(crowd.store)
    already = len(watcher.page(Feed.REFUSALS)[0])
    for code in ("000000", "123456", "000001", "000002"):
        crowd.one_shot("alice", code)
    first, before = watcher.page(Feed.REFUSALS, limit=2)
    assert [each.event.reason for each in first] == ["wrong_code", "wrong_code"] and before == first[-1].row
    rest, end = watcher.page(Feed.REFUSALS, before, limit=already + 1)
    assert len(rest) == already + 1 and end is None and rest[0].row < first[-1].row
    assert {each.event.kind for each in watcher.page(Feed.ACTS)[0]} <= {"administration", "keys"}
    assert watcher.page(Feed.DELIVERIES) == ([], None)


def test_what_is_watched_is_told_once_and_only_what_is_new(world: World, crowd: Server) -> None:
    crowd.one_shot("alice", "000000")
    look = Watcher(crowd.store).begin()
    assert look.look() == []
    crowd.one_shot("alice", "000001")
    crowd.one_shot("alice", "123456")
    crowd.administrator.lock("bob")
    assert [seen.feed for seen in look.look()] == [Feed.REFUSALS, Feed.ACTS]
    assert look.look() == []


def test_a_row_that_is_committed_after_a_later_one_is_told_too(world: World, crowd: Server) -> None:
    look = Watcher(crowd.store).begin()

    def row(number: int) -> dict[str, Any]:
        values = {"id": number, "writer": "late/test", "sequence": number, "key_id": "00", "mac": b"x"}
        seen = AuditEvent(1, "login", "denied", account="alice")
        return values | {name: str(getattr(seen, name)) for name in AuditEvent._fields}

    def write(number: int) -> None:
        with crowd.database.engine.begin() as connection:
            columns = ", ".join(row(number))
            marks = ", ".join(f":{name}" for name in row(number))
            connection.execute(sqlalchemy.text(f"INSERT INTO audit ({columns}) VALUES ({marks})"), row(number))

    late = look.newest + 1
    write(late + 1)
    assert [seen.numbered.row for seen in look.look()] == [late + 1]
    write(late)
    assert [seen.numbered.row for seen in look.look()] == [late]
    assert look.look() == []


def test_whoever_comes_again_is_told_what_they_missed(world: World, crowd: Server) -> None:
    look = Watcher(crowd.store).begin()
    crowd.one_shot("alice", "000000")
    last = look.newest
    assert len(Watcher(crowd.store).begin(last).look()) == 1
    assert Watcher(crowd.store).begin(10**15).look() == []


def test_everything_about_an_account_is_read_at_once(world: World, crowd: Server) -> None:
    crowd.one_shot("al", "000000")
    found = AccountReader(crowd.store, Nobody(), clock=world.clock).read("al", limit=1)
    assert (found.is_known, found.person, found.directory_answers) == (True, None, True)
    assert ([token.kind for token in found.tokens], found.standing.failures) == (["static"], 1)
    assert [numbered.event.reason for numbered in found.story] == ["wrong_code"] and found.more == found.story[0].row
    with pytest.raises(NotFound):
        AccountReader(crowd.store, Nobody(), clock=world.clock).read("nobody", limit=1)


def test_a_story_of_some_kinds_looks_no_deeper_than_it_is_told(world: World, crowd: Server) -> None:
    crowd.pairer.add_soft("storied")
    for _ in range(3):
        crowd.one_shot("storied", "000000")
    crowd.administrator.unlock("storied")

    def story(kinds: list[str], before: int | None, within: int) -> tuple[list[str], int | None]:
        found, last = crowd.store.read(lambda rows: rows.search.story_of(kinds, "storied", before, 9, within=within))
        assert [numbered.row for numbered in found] == sorted((numbered.row for numbered in found), reverse=True)
        return [numbered.event.kind for numbered in found], last

    everything = crowd.store.read(lambda rows: rows.search.story("storied", None, 99))
    kinds = ["administration", "login", "login", "login", "pairing"]
    assert [numbered.event.kind for numbered in everything] == kinds
    assert story(["login"], None, 99) == (["login"] * 3, None)
    assert story(["login"], None, 2) == (["login"], everything[1].row), (
        "the newest row is an act; the next is looked at"
    )
    assert story(["login"], everything[1].row, 2) == (["login"] * 2, everything[3].row)
    assert story(["text", "mail"], None, 99) == ([], None)


def test_every_feed_is_read_at_once_as_it_is_read_alone(world: World, crowd: Server) -> None:
    for _ in range(4):
        crowd.one_shot("alice", "000000")
    crowd.administrator.lock("bob")
    watcher = Watcher(crowd.store)
    assert watcher.newest(2) == {feed: watcher.page(feed, limit=2) for feed in Feed}


def test_what_a_diagnosis_needs_is_looked_up(world: World, crowd: Server) -> None:
    (world.directory / "exemptions.conf").write_text("+ : bob : 192.0.2.7 : ALL\n", encoding="utf-8")
    decided = Circumstances(Mode.FULL, None, 300, world.directory / "exemptions.conf")
    facts = Investigator(crowd.store, Nobody(), decided, clock=world.clock).gather("bob", "192.0.2.7")
    assert facts.exemption is not None and facts.exemption.exempt
    assert facts.presence is Presence.ABSENT and facts.standing is not None and len(facts.tokens) == 1
    assert facts.events[0].account == "bob" and facts.newest_event_at > 0
    assert "bob" in Investigator(crowd.store, Nobody(), decided, clock=world.clock).gather("bobby").similar
    with pytest.raises(InvalidValue):
        Investigator(crowd.store, Nobody(), decided, clock=world.clock).gather("bob", "somewhere")


def test_a_class_is_made_whole_or_not_at_all_and_gets_new_codes(world: World, crowd: Server) -> None:
    classes = ClassMaker(crowd.store, random_octets=os.urandom)
    made = {code.account: code.code for code in classes.make("pupil8..pupil10", crowd.pairer)}
    assert list(made) == ["pupil8", "pupil9", "pupil10"]
    assert isinstance(crowd.one_shot("pupil9", made["pupil9"]), Granted)
    with pytest.raises(Conflict):
        classes.make("pupil6..pupil8", crowd.pairer)
    assert crowd.administrator.tokens(account="pupil6") == []
    renewed = {code.account: code.code for code in classes.renew("pupil6..pupil10", crowd.administrator)}
    assert renewed.keys() == made.keys()
    assert isinstance(crowd.one_shot("pupil9", renewed["pupil9"]), Granted)


def test_two_who_make_one_class_at_once_make_it_once(world: World, crowd: Server) -> None:
    servers = [world.another_server(name) for name in ("left", "right")]
    together = threading.Barrier(2)

    def make(server: Server) -> int:
        together.wait()
        try:
            return len(ClassMaker(server.store, random_octets=os.urandom).make("twins1..twins9", server.pairer))
        except Conflict:
            return 0

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(make, servers)) == [0, 9]
    assert all(len(crowd.administrator.tokens(account=f"twins{number}")) == 1 for number in range(1, 10))


# No list may read a whole table. Enough rows that a database would rather use an index, if it can.

ROWS = 4000
FIRST = 1000


@pytest.fixture(scope="module")
def many(world: World) -> Server:
    server = world.server
    with server.database.engine.begin() as connection:
        people = [{"id": FIRST + number, "name": f"user{number:05}"} for number in range(1, ROWS)]
        connection.execute(insert(accounts), people)
        fobs = [
            {
                "serial": f"SOFT-{number:08X}",
                "account_id": FIRST + number,
                "kind": "soft",
                "sealed_secret": b"",
                "created_at": 1,
            }
            for number in range(1, ROWS)
        ]
        connection.execute(insert(tokens), fobs)
    events = [AuditEvent(1, "login", "granted", account=f"user{number % 50:05}") for number in range(ROWS)]
    server.store.write(lambda rows: rows.audit.record(events))
    if server.database.file is None:
        # MariaDB keeps its statistics up by itself, a moment later; SQLite has none unless somebody asks for them.
        with server.database.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE TABLE accounts, tokens, audit").close()
    return server


@contextmanager
def statements(server: Server) -> Iterator[list[tuple[str, Any]]]:
    """Collect the SELECTs that are sent meanwhile, with their parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            sent.append((statement, parameters))

    event.listen(server.database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(server.database.engine, "before_cursor_execute", note)


def scans(server: Server, statement: str, parameters: Any) -> list[str]:
    """Ask the database how it would answer; name the tables that it would read from end to end."""
    with server.database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            return [step[3] for step in steps if step[3].startswith("SCAN ") and "anon_" not in step[3]]
        plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).mappings().all()
        # Tables that are called <something> are made for this answer.
        whole = [row for row in plan if row["type"] in ("ALL", "index") and "<" not in (row["table"] or "<")]
        return [f"{row['table']}: {row['type']}, {row['rows']} rows" for row in whole]


LISTS: dict[str, Callable[[PortalWork], object]] = {
    "accounts by name": lambda rows: rows.search.accounts_like(["user012", "User012"], "", 25),
    "accounts, the next page": lambda rows: rows.search.accounts_like(["user012"], "user01234", 25),
    "tokens by serial": lambda rows: rows.search.serials_like(["SOFT-00001", "soft-00001"], "", 25),
    "kinds of tokens": lambda rows: rows.search.kinds_of(["user00001", "user00002"]),
    "locked accounts": lambda rows: rows.search.shut(1, "", 25),
    "refusals": lambda rows: rows.search.events_before(SORTS[Feed.REFUSALS], None, 50),
    "older refusals": lambda rows: rows.search.events_before(SORTS[Feed.REFUSALS], 3000, 50),
    "messages": lambda rows: rows.search.events_before(SORTS[Feed.DELIVERIES], None, 50),
    "what is new": lambda rows: rows.search.events_since(SORTS[Feed.ACTS], 10, 50),
    "an account with its tokens": lambda rows: rows.search.account("user00001"),
    "a visitor": lambda rows: rows.sessions.visitor(bytes(32)),
    "an account's story without proofs": lambda rows: rows.search.story("user00001", 3000, 30),
    "an account's logins": lambda rows: rows.search.story_of(["login", "pairing"], "user00001", None, 5, within=50),
    "the newest row": lambda rows: rows.search.newest_row(),
    "an account's tokens": lambda rows: rows.tokens.describe_page("", 100, account="user00001"),
    "an account's story": lambda rows: rows.audit.page(None, 30, account="user00001"),
    "an account's older story": lambda rows: rows.audit.page(3000, 30, account="user00001"),
}


def test_no_list_reads_a_whole_table(many: Server) -> None:
    found = {}
    for name, ask in LISTS.items():
        with statements(many) as sent:
            many.store.read(ask)
        assert sent
        found[name] = [scan for statement, parameters in sent for scan in scans(many, statement, parameters)]
    assert {name: scan for name, scan in found.items() if scan} == {}
