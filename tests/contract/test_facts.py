"""What can be said of tokens without their seeds: the views have all but what is sealed, and say what the rows do."""

import pytest
import sqlalchemy

from tests.contract.world import SECRET, Server, World
from watchword.domain.errors import NotFound
from watchword.domain.otp import OtpProfile
from watchword.domain.seeds import SeedRow
from watchword.domain.tokens import Kind
from watchword.store.facts import SEALED, views


@pytest.mark.parametrize("view", views.tables)
def test_a_view_has_every_column_of_its_table_but_what_is_sealed(world: World, view: str) -> None:
    inspector = sqlalchemy.inspect(world.server.database.engine)
    has = {column["name"] for column in inspector.get_columns(view)}
    (table,) = (table for table in SEALED if view == f"{table.name.removesuffix('s')}_facts")
    columns = {column["name"] for column in inspector.get_columns(table.name)}
    assert has == set(views.tables[view].c.keys()) == columns - SEALED[table]
    assert {column for column in columns if column.startswith("sealed")} == SEALED[table]


def test_the_facts_of_a_token_are_its_own(world: World, server: Server) -> None:
    server.one_shot("alice", world.code(offset_seconds=30))
    server.administrator.import_seeds([SeedRow("F1", SECRET, OtpProfile(period_seconds=60), drift_steps=3)])
    for owned in server.store.read(lambda rows: rows.tokens.page("", 10)):
        facts = server.administrator.token(owned.token.serial)
        for field in ("serial", "kind", "profile", "label", "rank", "enabled", "drift_steps"):
            expected = getattr(owned.token, field)
            assert getattr(facts, field) == expected
        assert (facts.account, facts.created_at, facts.last_used_at) == (
            owned.account,
            owned.created_at,
            owned.last_used_at,
        )
    assert server.administrator.token("F1").drift_seconds == 180


def test_a_token_of_a_kind_that_this_version_does_not_know_counts_as_disabled(server: Server) -> None:
    serial = server.pairer.add_static("bob").serial
    with server.database.engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE tokens SET kind = 'palm' WHERE serial = :it"), {"it": serial})
    assert not server.administrator.token(serial).enabled


def test_only_an_owners_own_token_is_removed_for_them(server: Server) -> None:
    serial = server.pairer.add_static("bob").serial
    with pytest.raises(NotFound, match=serial):
        server.pairer.remove(serial, owner="alice")
    assert server.pairer.remove(serial, owner="bob").kind is Kind.STATIC


def test_a_token_that_is_removed_takes_its_code_and_its_message_with_it(server: Server) -> None:
    serial = server.pairer.add_sms("bob", "+15125551234", country_code="1").serial
    server.begin("bob")
    server.pairer.remove(serial)
    assert server.postman.deliver_due() == 0
    assert server.store.read(lambda rows: rows.sent_codes.of_tokens([serial])) == {}


def test_a_new_secret_changes_nothing_else_of_a_token(server: Server) -> None:
    serial = server.pairer.add_static("train01", label="Monday").serial
    server.administrator.set_enabled(serial, enabled=False)
    before = server.administrator.token(serial)
    (new,) = server.administrator.regenerate_class("train*")
    assert server.administrator.token(serial) == before
    server.administrator.set_enabled(serial, enabled=True)
    server.one_shot("train01", new.code)
    assert server.reasons("train01") == ["right_code"]
