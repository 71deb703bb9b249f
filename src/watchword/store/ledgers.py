"""Where a writer adds to the audit log: the tables, or a view that takes no chain but its own kind's.

The portal and its keeper are more exposed than the RADIUS servers, and hold the keyring. Their users in the database
may add events, and move heads, through views alone, which MariaDB checks (WITH CHECK OPTION): so neither can write in
a RADIUS server's name, set back where its chain ends, or use up the numbers of rows, and stop logins with that. A
trigger would do it too, but with binary logs, and so with Galera, only an administrator may make one (error 1419).
"""

from sqlalchemy import Connection, MetaData, Table, bindparam, insert, update

from watchword.store.composed import ComposedStatement
from watchword.store.schema import audit, audit_heads

ROLES = ("portal", "keeper")
"""Whose chains are apart: what stands after the slash in a writer's name (wiring/__init__.py)."""

views = MetaData()


class Ledger:
    """Where events go, and where it stands which was the last; `move_head` says so, if it is where it was."""

    def __init__(self, events: Table, heads: Table) -> None:
        self.name = events.name
        self.heads = heads
        self.append = insert(events)
        moved = (
            update(heads)
            .where(heads.c.writer == bindparam("here"))
            .where(heads.c.sequence == bindparam("before"), heads.c.mac == bindparam("mac_before"))
            .values(sequence=bindparam("to_sequence"), mac=bindparam("to_mac"))
        )
        self.move_head = ComposedStatement(lambda _: moved)


def _view(table: Table, role: str) -> Table:
    return table.to_metadata(views, name=f"{table.name}_by_{role}")


_COMMON = Ledger(audit, audit_heads)
_OF_ROLES = {role: Ledger(_view(audit, role), _view(audit_heads, role)) for role in ROLES}


def ledger_of(writer: str, connection: Connection) -> Ledger:
    """Answer where a writer adds; with SQLite, which has no users to keep apart, that is the tables."""
    if connection.dialect.name == "sqlite":
        return _COMMON
    return _OF_ROLES.get(writer.rpartition("/")[2], _COMMON)
