"""Tables without their sealed columns: views, which are all that the portal's user in the database can read.

A grant on some columns of a table would not do. MariaDB 10.11 gives whoever may read one column the whole rows by
HANDLER, and lets them compare the others, octet by octet, in the ON of a DELETE from two tables.
tests/integration/test_mariadb_grants.py tries both, and more.
"""

from sqlalchemy import Column, Connection, MetaData, Table

from watchword.store.schema import outbox, sent_codes, tokens

SEALED = {tokens: {"sealed_secret"}, sent_codes: {"sealed_code"}, outbox: {"sealed_phone", "sealed_text"}}
"""What each table has that its view leaves out."""

views = MetaData()  # not the tables': whoever compares those with the database must not look for tables here


def _view(name: str, table: Table) -> Table:
    return Table(name, views, *(Column(c.name, c.type) for c in table.c if c.name not in SEALED[table]))


token_facts = _view("token_facts", tokens)
sent_code_facts = _view("sent_code_facts", sent_codes)
outbox_facts = _view("outbox_facts", outbox)

_TABLES = {token_facts: tokens, sent_code_facts: sent_codes, outbox_facts: outbox}


def writable(view: Table, connection: Connection) -> Table:
    """Answer what to UPDATE, or DELETE from: the view; with SQLite, which has no users to keep apart, its table."""
    return _TABLES[view] if connection.dialect.name == "sqlite" else view
