"""What the portal's user in the database can do, and that no statement of its shows it a seed, a code or a number."""

import os
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from tests.contract.world import SECRET, Server
from tests.harness.mariadb import Mariadb
from tests.integration.database_users import DENIED, Parts, make_parts
from watchword.domain.errors import StoreUnavailable
from watchword.domain.otp import OtpProfile
from watchword.domain.outcome import Challenge, Denied, Granted
from watchword.domain.seeds import SeedRow
from watchword.domain.tokens import Kind
from watchword.services.administer import Administrator
from watchword.services.keep_seeds import LocalKeeper
from watchword.services.pair import Pairer
from watchword.services.ports_imports import SeedImport
from watchword.store.schema import metadata

pytestmark = pytest.mark.slow

ADD = "INSERT INTO tokens (serial, kind, sealed_secret, created_at) VALUES ('F1', 'soft', '', 1)"
EVENT = "writer, sequence, at_milliseconds, kind, result, account, serial, address, node, reason, actor, detail, "
EVENT += "key_id, mac"
EVENT_OF_RADIUS = "('two/radius-0', 1, 1, 'login', 'granted', 'x', '', '', '', '', '', '', '', '')"
EVENT_OF_PORTAL = EVENT_OF_RADIUS.replace("radius-0", "portal")
WHO: Any = {"actor": "olga", "why": "lost phone", "address": "192.0.2.9"}


def fob(serial: str) -> SeedRow:
    """A fob as its maker's file has it."""
    return SeedRow(serial, SECRET, OtpProfile())


@pytest.fixture(scope="module")
def parts(mariadb: Mariadb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """One database for all; each test has accounts of its own."""
    parts = make_parts(mariadb, tmp_path_factory.mktemp("parts"))
    parts.server.administrator.import_seeds([fob("F1"), fob("F2")])
    yield parts
    parts.close()


@pytest.fixture(scope="module")
def portal(parts: Parts) -> Server:
    """The services, as the portal's user."""
    parts.become("portal")
    return parts.another_server("portal")


@pytest.fixture
def pairer(portal: Server) -> Pairer:
    return Pairer(portal.store, clock=portal.clock, random_octets=os.urandom, issuer="Test", announce=True, **WHO)


@pytest.fixture
def administrator(portal: Server) -> Administrator:
    policy = portal.policy.lockout
    return Administrator(
        portal.store, clock=portal.clock, random_octets=os.urandom, lockout=policy, announce=True, **WHO
    )


def test_the_portal_pairs_and_unpairs(pairer: Pairer, parts: Parts) -> None:
    soft = pairer.add_soft("carol", secret=SECRET)
    pairer.add_sms("carol", "+15125551234", country_code="1")
    pairer.add_static("carol", code="123456")
    assert isinstance(parts.server.one_shot("carol", parts.code()), Granted)
    assert pairer.remove(soft.serial).kind is Kind.SOFT
    assert isinstance(parts.server.one_shot("carol", parts.code()), Denied)


def test_the_portal_and_the_keeper_can_tell_whether_the_database_is_well(parts: Parts, portal: Server) -> None:
    portal.store.ping()
    parts.become("keeper")
    parts.another_server("pinging-keeper").store.ping()


def test_the_portal_does_operators_work(pairer: Pairer, administrator: Administrator) -> None:
    serial = pairer.add_static("dave").serial
    other = pairer.add_soft("dave").serial
    administrator.rename(serial, "class")
    administrator.make_first(other)
    administrator.set_enabled(serial, enabled=False)
    administrator.lock("dave")
    administrator.clear_failures("dave")
    administrator.unlock("dave")
    assert [token.serial for token in administrator.view("dave").tokens] == [other, serial]
    assert administrator.token(serial).label == "class"
    assert administrator.accounts("dav", 1)[0].name == "dave"
    assert administrator.import_seeds([fob("F9")]) == 1


def test_the_portal_gives_a_training_class_new_codes(
    pairer: Pairer, administrator: Administrator, parts: Parts
) -> None:
    old = pairer.add_static("train01", label="Monday")
    (new,) = administrator.regenerate_class("train*")
    assert isinstance(parts.server.one_shot("train01", old.code), Denied)
    assert isinstance(parts.server.one_shot("train01", new.code), Granted)
    assert administrator.token(old.serial).label == "Monday"


def test_the_portal_reads_and_verifies_the_audit_log(portal: Server, administrator: Administrator) -> None:
    administrator.lock("erin")
    (_, newest), *_ = portal.reporter.newest(1, account="erin")
    assert (newest.event.actor, newest.event.detail, newest.event.address) == ("olga", "lost phone", "192.0.2.9")
    assert [report.fault for report in portal.reporter.verify() if report.fault] == []


def test_the_portal_finds_what_operators_look_for(portal: Server) -> None:
    found = portal.store.read(lambda rows: rows.search.accounts_like(["ali"], "", 5))
    assert [account.name for account in found] == ["alice"]
    assert portal.store.read(lambda rows: rows.search.serials_like(["F"], "", 1))[0].serial == "F1"
    assert portal.store.read(lambda rows: rows.search.kinds_of(["alice"])) == {"alice": ["soft"]}
    assert portal.store.read(lambda rows: rows.day_counts.days(date(2026, 1, 1), date(2026, 1, 2))) == {}


def test_the_portal_brings_in_a_file_of_seeds(portal: Server) -> None:
    waiting = SeedImport("i", "olga", "fobs.csv", 1, 0, 2**40)
    portal.store.write(lambda rows: rows.imports.begin(waiting))
    assert portal.store.write(lambda rows: rows.imports.stage("i", [fob("F8")]))
    assert portal.store.read(lambda rows: rows.imports.count_clashes("i")) == 0
    assert portal.store.write(lambda rows: rows.imports.bring_in("i", 1)) == 1


OTHERS = {"accounts", "tokens", "sent_codes", "outbox", "audit", "audit_heads"}


@pytest.mark.parametrize("table", sorted(set(metadata.tables) - OTHERS))
def test_each_of_the_portals_own_tables_is_the_portals_to_read_and_write(parts: Parts, table: str) -> None:
    columns = ", ".join(f"`{column.name}`" for column in metadata.tables[table].c)
    parts.run_as(
        "portal",
        f"SELECT {columns} FROM {table}",
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE 0",
        f"UPDATE {table} SET {columns.partition(',')[0]} = NULL WHERE 0",
        f"DELETE FROM {table} WHERE 0",
    )


# With column grants instead of views, MariaDB 10.11 lets several of these through: HANDLER, the comparisons in JOIN …
# USING, and in the ON of a DELETE from two tables.
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT sealed_secret FROM tokens",
        "SELECT serial FROM tokens",
        "SELECT COUNT(*) FROM tokens",
        "SELECT 1 FROM tokens WHERE sealed_secret > 'a'",
        "SELECT 1 FROM token_facts ORDER BY (SELECT MAX(sealed_secret) FROM tokens)",
        "SELECT 1 FROM token_facts JOIN tokens USING (serial)",
        "SELECT 1 FROM staged_seeds JOIN tokens USING (sealed_secret)",
        "SELECT 1 FROM staged_seeds NATURAL JOIN tokens",
        "SELECT (SELECT sealed_secret FROM tokens LIMIT 1)",
        "SELECT EXISTS (SELECT 1 FROM tokens WHERE sealed_secret LIKE 'a%')",
        "SELECT * FROM (SELECT sealed_secret FROM tokens) AS inner_one",
        "WITH seeds AS (SELECT sealed_secret FROM tokens) SELECT * FROM seeds",
        "SELECT serial FROM token_facts UNION SELECT sealed_secret FROM tokens",
        "HANDLER tokens OPEN",
        "CHECKSUM TABLE tokens",
        "ANALYZE TABLE tokens PERSISTENT FOR ALL",
        "EXPLAIN SELECT sealed_secret FROM tokens",
        "INSERT INTO staged_seeds SELECT 'i', serial, sealed_secret, 'sha1', 6, 30, 0 FROM tokens",
        "INSERT INTO tokens (serial, kind, sealed_secret, created_at) SELECT 'X', 'soft', sealed_secret, 1 FROM tokens",
        f"{ADD} RETURNING sealed_secret",
        f"{ADD} ON DUPLICATE KEY UPDATE label = sealed_secret",
        f"{ADD} ON DUPLICATE KEY UPDATE sealed_secret = VALUES(sealed_secret)",
        ADD.replace("INSERT", "REPLACE"),
        "UPDATE tokens SET label = sealed_secret",
        "UPDATE tokens SET sealed_secret = ''",
        "UPDATE token_facts JOIN tokens USING (serial) SET token_facts.label = tokens.sealed_secret",
        "UPDATE flows, tokens SET flows.wrong = 1 WHERE tokens.sealed_secret > 'a'",
        "DELETE FROM tokens RETURNING sealed_secret",
        "DELETE flows FROM flows JOIN tokens ON tokens.sealed_secret > 'a'",
        "CREATE VIEW seeds AS SELECT sealed_secret FROM tokens",
        "CREATE OR REPLACE VIEW token_facts AS SELECT * FROM tokens",
        "CREATE TABLE seeds AS SELECT sealed_secret FROM tokens",
        "CREATE TEMPORARY TABLE seeds AS SELECT sealed_secret FROM tokens",
        "CREATE TRIGGER spy BEFORE UPDATE ON tokens FOR EACH ROW SET NEW.label = OLD.sealed_secret",
        "CREATE PROCEDURE spy() SELECT sealed_secret FROM tokens",
        "ALTER TABLE tokens RENAME COLUMN sealed_secret TO label",
        "RENAME TABLE tokens TO staged",
        "SELECT sealed_code FROM sent_codes",
        "HANDLER sent_codes OPEN",
        "INSERT INTO sent_codes (serial, issue, sealed_code, sent_at, expires_at) VALUES ('F1', 'i', '', 1, 1)",
        "SELECT sealed_phone FROM outbox",
        "SELECT sealed_text FROM outbox",
        "HANDLER outbox OPEN",
        "DELETE FROM outbox RETURNING sealed_text",
        "GRANT SELECT ON tokens TO watchword_portal",
    ],
)
def test_no_statement_of_the_portals_reads_what_is_sealed(parts: Parts, statement: str) -> None:
    with pytest.raises(DENIED, match="denied"):
        parts.run_as("portal", statement)


def test_a_view_opens_no_way_round(parts: Parts) -> None:
    with pytest.raises(DENIED, match="not of type 'BASE TABLE'"):
        parts.run_as("portal", "HANDLER token_facts OPEN")
    for view, column in [
        ("token_facts", "sealed_secret"),
        ("sent_code_facts", "sealed_code"),
        ("outbox_facts", "sealed_text"),
    ]:
        with pytest.raises(DENIED, match="Unknown column"):
            parts.run_as("portal", f"SELECT {column} FROM {view}")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET account = 'x'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "REPLACE INTO audit SELECT * FROM audit",
        "INSERT INTO audit SELECT * FROM audit ON DUPLICATE KEY UPDATE account = 'x'",
        "DELETE FROM audit_heads",
        "DELETE FROM audit_heads_by_portal",
        "UPDATE audit_heads SET sequence = 1",
        "UPDATE audit_heads_by_portal SET writer = 'one/radius-0'",
        "INSERT INTO audit_heads VALUES ('two/radius-0', 1, '')",
        f"INSERT INTO audit ({EVENT}) VALUES {EVENT_OF_RADIUS}",
        "UPDATE audit_by_portal SET account = 'x'",
        "DELETE FROM audit_by_portal",
        f"REPLACE INTO audit_by_portal ({EVENT}) VALUES {EVENT_OF_PORTAL}",
        "INSERT INTO audit_by_keeper (account) VALUES ('x')",
        "DROP TABLE audit",
        # A spent code stays spent, a token stays whose it is, and so does a failure of an account that is another's.
        "UPDATE token_facts SET last_step = -1",
        "UPDATE token_facts SET account_id = 1",
        "UPDATE accounts SET name = 'x'",
        "INSERT INTO accounts (id, name) VALUES (9223372036854775807, 'x')",
        "INSERT INTO accounts (name, failures) VALUES ('x', 20)",
        "DELETE FROM accounts",
    ],
)
def test_the_portal_can_change_neither_the_audit_log_nor_whose_a_token_is(parts: Parts, statement: str) -> None:
    with pytest.raises(DENIED, match="denied"):
        parts.run_as("portal", statement)


def test_a_portal_without_its_keeper_opens_no_seed(parts: Parts, portal: Server) -> None:
    for work in (
        lambda: portal.one_shot("alice", parts.code()),
        lambda: keeper(portal).assign("alice", "F1", actor="olga"),
        lambda: keeper(portal).assign_proved("alice", "F1", parts.code(), ""),
        lambda: keeper(portal).masked_phones("bob"),
    ):
        with pytest.raises(StoreUnavailable, match="1142"):
            work()


@pytest.mark.parametrize("part", ["portal", "keeper"])
def test_neither_portal_nor_keeper_writes_in_the_name_of_a_radius_server_or_sets_its_chain_back(
    parts: Parts, part: str
) -> None:
    other = {"portal": "keeper", "keeper": "portal"}[part]
    last = EVENT_OF_RADIUS.replace("(", "(9223372036854775807, ").replace("radius-0", part)
    with pytest.raises(DENIED, match="Unknown column 'id'"):  # the last number that there is
        parts.run_as(part, f"INSERT INTO audit_by_{part} (id, {EVENT}) VALUES {last}")
    with pytest.raises(DENIED, match="CHECK OPTION failed"):
        parts.run_as(part, f"INSERT INTO audit_by_{part} ({EVENT}) VALUES {EVENT_OF_RADIUS}")
    for writer in ("two/radius-0", f"two/{other}", "two/PORTAL", f"{part}"):
        with pytest.raises(DENIED, match="CHECK OPTION failed"):
            parts.run_as(part, f"INSERT INTO audit_heads_by_{part} VALUES ('{writer}', 1, '')")
    with parts.connect(part) as connection, connection.cursor() as cursor:
        assert cursor.execute(f"UPDATE audit_heads_by_{part} SET sequence = 1 WHERE writer = 'one/test'") == 0


# the keeper


def keeper(server: Server) -> LocalKeeper:
    """A keeper among a server's services."""
    return LocalKeeper(
        server.store,
        server.authenticator.answer,
        server.policy,
        clock=server.clock,
        random_octets=os.urandom,
        announce=True,
    )


def test_a_keeper_can_do_its_work_with_its_grants(parts: Parts) -> None:
    parts.become("keeper")
    ours = keeper(parts.another_server("keeper"))
    parts.clock.seconds += 600
    assert isinstance(ours.check("alice", parts.code(), "192.0.2.7"), Granted)
    challenge = ours.begin("bob", "192.0.2.7")
    assert isinstance(challenge, Challenge)
    assert parts.server.postman.deliver_due() == 1
    code = parts.server.carrier.messages[-1].text[:6]
    assert isinstance(ours.answer("bob", challenge.handle, code, "192.0.2.7"), Granted)
    assert isinstance(ours.assign_proved("frank", "F1", "000000", "192.0.2.7"), Denied)
    assert isinstance(ours.assign_proved("frank", "F1", parts.code(), "192.0.2.7"), Granted)
    ours.assign("grace", "F2", actor="olga")
    first, second = parts.code(offset_seconds=60), parts.code(offset_seconds=90)
    assert ours.resync("F2", first, second, actor="olga", why="dropped") == 90
    ours.unassign("F2", actor="olga")
    assert ours.masked_phones("bob") == {parts.server.administrator.view("bob").tokens[0].serial: "XXX-XXX-1234"}


@pytest.mark.parametrize(
    "statement",
    [
        ADD,
        "DELETE FROM tokens",
        "DELETE FROM token_facts",
        "DELETE FROM accounts",
        "SELECT account FROM audit",
        "UPDATE audit SET account = 'x'",
        "SELECT account FROM audit_by_keeper",
        "UPDATE audit_heads SET sequence = 1",
        f"INSERT INTO audit ({EVENT}) VALUES {EVENT_OF_RADIUS}",
        "SELECT sealed_text FROM outbox",
        "SELECT account FROM sessions",
    ],
)
def test_a_keeper_can_do_no_more(parts: Parts, statement: str) -> None:
    with pytest.raises(DENIED, match="denied"):
        parts.run_as("keeper", statement)
