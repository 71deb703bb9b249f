"""The shipped grants: enough for each part's work, and not enough for more."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.mariadb import Mariadb
from tests.integration.database_users import DENIED, Parts, make_parts
from watchword.domain.errors import StoreUnavailable
from watchword.domain.outcome import Challenge, Granted
from watchword.services.api_keys import ApiKeys, Scope
from watchword.store.database import Database
from watchword.store.keyring import promote, read_keys, write_keys
from watchword.store.migrate import current_revision, newest_revision

pytestmark = pytest.mark.slow


@pytest.fixture
def parts(mariadb: Mariadb, tmp_path: Path) -> Iterator[Parts]:
    parts = make_parts(mariadb, tmp_path)
    yield parts
    parts.close()


@pytest.fixture(scope="module")
def guarded(mariadb: Mariadb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """One for all the tests that can change nothing."""
    parts = make_parts(mariadb, tmp_path_factory.mktemp("guarded"))
    yield parts
    parts.close()


def test_a_radius_server_can_do_its_work_with_its_grants(parts: Parts) -> None:
    parts.become("radius")
    server = parts.another_server("radius")
    assert isinstance(server.one_shot("alice", parts.code()), Granted)
    for _ in range(20):
        server.one_shot("alice", "000")
    challenge = server.begin("bob")
    assert server.postman.deliver_due() == 1
    code = server.carrier.messages[0].text[:6]
    assert isinstance(challenge, Challenge)
    assert isinstance(server.reply("bob", code, challenge), Granted)
    server.store.ping()


def test_a_server_whose_database_is_read_only_gives_no_sign_of_life(parts: Parts, mariadb: Mariadb) -> None:
    parts.become("radius")
    server = parts.another_server("radius")
    server.store.ping()
    mariadb.execute("SET GLOBAL read_only = ON")
    try:
        with pytest.raises(StoreUnavailable):
            server.store.ping()
    finally:
        mariadb.execute("SET GLOBAL read_only = OFF")
    server.store.ping()


def test_doctor_can_read_the_schemas_revision_with_a_radius_servers_grants(parts: Parts) -> None:
    parts.become("radius")
    database = Database(parts.url)
    assert current_revision(database) == newest_revision()
    database.close()


def test_an_operator_can_do_their_work_with_their_grants(parts: Parts) -> None:
    parts.become("operator")
    server = parts.another_server("operator")
    server.pairer.add_static("carol", code="123456")
    server.administrator.lock("alice")
    server.administrator.unlock("alice")
    for owned in server.administrator.tokens(account="carol"):
        server.pairer.remove(owned.serial)
    ApiKeys(server.store, clock=server.clock, random_octets=os.urandom, actor="olga").add(
        "portal", scopes=[Scope.VALIDATE], days=1, for_digest=True
    )
    path = parts.directory / "keyring"
    write_keys(path, promote(read_keys(path), 2))
    server.keyring.refresh()
    assert server.rotator.reseal(server.keyring.primary.key_id).changed == 3
    assert [report.fault for report in server.reporter.verify() if report.fault] == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET account = 'x'",
        "DELETE FROM audit",
        "SELECT account FROM audit",
        "DELETE FROM audit_heads",
        "UPDATE tokens SET sealed_secret = ''",
        "INSERT INTO tokens (serial, kind, sealed_secret, created_at) VALUES ('X', 'soft', '', 1)",
        "UPDATE tokens SET account_id = 1",
        "DELETE FROM tokens",
        "INSERT INTO accounts (name) VALUES ('x')",
        "DROP TABLE audit",
        "UPDATE tokens JOIN accounts SET tokens.sealed_secret = ''",
        "UPDATE accounts JOIN tokens SET accounts.name = 'x'",
        "SELECT account FROM sessions",
        "SELECT serial FROM token_facts",
    ],
)
def test_a_radius_server_can_do_no_more(guarded: Parts, statement: str) -> None:
    with pytest.raises(DENIED, match="denied"):
        guarded.run_as("radius", statement)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET account = 'x'", "DELETE FROM audit", "DELETE FROM audit_heads", "DROP TABLE audit"]
)
def test_an_operator_cannot_change_the_audit_log(guarded: Parts, statement: str) -> None:
    with pytest.raises(DENIED, match="denied"):
        guarded.run_as("operator", statement)


def test_an_error_of_the_database_shows_neither_statement_nor_password(parts: Parts) -> None:
    parts.become("radius")
    parts.url = parts.url.replace("change%20me:%20radius", "not%20the%20password")
    with pytest.raises(StoreUnavailable) as caught:
        parts.another_server("radius").one_shot("alice", "123456")
    assert "1045" in str(caught.value)
    assert "not the password" not in str(caught.value)
