"""The accounts' rows."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from watchword.domain.lockout import Standing
from watchword.services.ports import Account
from watchword.store.schema import accounts

_COLUMNS = (accounts.c.id, accounts.c.name, accounts.c.failures, accounts.c.locked_until, accounts.c.held)


def _account(row: Row[Any, Any, Any, Any, Any]) -> Account:
    return Account(row.id, row.name, Standing(row.failures, row.locked_until, bool(row.held)))


class AccountRows:
    """Verbs on accounts, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self, names: Collection[str]) -> dict[str, Account]:
        """Find accounts by name, locked in one order, so that two works never wait for each other in a ring."""
        query = select(*_COLUMNS).where(accounts.c.name.in_(sorted(names))).order_by(accounts.c.id).with_for_update()
        return {row.name: _account(row) for row in self._connection.execute(query)}

    def ensure(self, name: str) -> Account:
        """Find an account, making its row if there is none, and lock it."""
        if name not in self.lock([name]):
            try:
                with self._connection.begin_nested():
                    self._connection.execute(insert(accounts).values(name=name))
            except IntegrityError:
                pass  # somebody else made it just now
        return self.lock([name])[name]

    def set_standing(self, account_id: int, standing: Standing) -> None:
        """Write an account's standing."""
        self._connection.execute(
            update(accounts)
            .where(accounts.c.id == account_id)
            .values(failures=standing.failures, locked_until=standing.locked_until, held=standing.held)
        )

    def find(self, name: str) -> Account | None:
        """Find an account without locking it."""
        row = self._connection.execute(select(*_COLUMNS).where(accounts.c.name == name)).first()
        return _account(row) if row is not None else None

    def page(self, after: str, limit: int) -> list[Account]:
        """List accounts by name, from the first beyond `after`."""
        query = select(*_COLUMNS).where(accounts.c.name > after).order_by(accounts.c.name).limit(limit)
        return [_account(row) for row in self._connection.execute(query)]
