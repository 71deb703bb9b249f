"""What a batch of logins reads and writes: one statement for all of them, however many."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Self

from sqlalchemy import BigInteger, Column, Connection, update

from watchword.domain.lockout import Standing
from watchword.services.ports import Account, Holder, Seal, StepClaim
from watchword.store.database import RaceLost
from watchword.store.given import GivenStatement
from watchword.store.schema import accounts, tokens
from watchword.store.tokens import read_token


class _Row(NamedTuple):
    """An account and one of its tokens, if it has any."""

    account_id: int
    account_name: str
    failures: int
    locked_until: int
    held: int
    sealed_secret: bytes
    serial: str | None
    kind: str
    enabled: int
    algorithm: str
    digits: int
    period_seconds: int
    last_step: int
    drift_steps: int
    base_drift_steps: int

    @classmethod
    def parse(cls, array: str) -> Self:
        """Read a row that came as a JSON array."""
        account_id, name, failures, locked_until, held, sealed_secret, *token = json.loads(array)
        return cls(account_id, name, failures, locked_until, held, bytes.fromhex(sealed_secret or ""), *token)


# Each row comes as one column: PyMySQL, which reads in Python, takes a microsecond for every column of every row.
_LOCK = """
    SELECT JSON_ARRAY(
        accounts.id, accounts.name, failures, locked_until, held, HEX(sealed_secret), serial, kind, enabled, algorithm,
        digits, period_seconds, last_step, drift_steps, base_drift_steps
    )
    FROM {given} JOIN accounts ON accounts.name = given.name LEFT JOIN tokens ON tokens.account_id = accounts.id
    ORDER BY accounts.id, tokens.rank, tokens.serial
"""

# MariaDB locks the rows of both tables; SQLite's transaction has locked everything.
_lock = GivenStatement([accounts.c.name], mariadb=f"{_LOCK} FOR UPDATE", sqlite=_LOCK)

_spend = GivenStatement(
    [tokens.c.serial, tokens.c.last_step, tokens.c.drift_steps, Column("first_step", BigInteger)],
    mariadb="""
        UPDATE {given} JOIN tokens ON tokens.serial = given.serial
        SET tokens.last_step = given.last_step, tokens.drift_steps = given.drift_steps, tokens.last_used_at = :now
        WHERE tokens.last_step < given.first_step
    """,
    sqlite="""
        UPDATE tokens SET last_step = given.last_step, drift_steps = given.drift_steps, last_used_at = :now
        FROM {given} WHERE tokens.serial = given.serial AND tokens.last_step < given.first_step
    """,
)

_set_standings = GivenStatement(
    [accounts.c.id, accounts.c.failures, accounts.c.locked_until, accounts.c.held],
    mariadb="""
        UPDATE {given} JOIN accounts ON accounts.id = given.id
        SET accounts.failures = given.failures, accounts.locked_until = given.locked_until, accounts.held = given.held
    """,
    sqlite="""
        UPDATE accounts SET failures = given.failures, locked_until = given.locked_until, held = given.held
        FROM {given} WHERE accounts.id = given.id
    """,
)


class LoginRows:
    """Verbs on the accounts and tokens of many logins, in one transaction."""

    def __init__(self, connection: Connection, sealer: Seal) -> None:
        self._connection = connection
        self._sealer = sealer

    def lock(self, names: Collection[str]) -> dict[str, Holder]:
        """Find accounts and all their tokens, in rank order, and keep others from changing them until this work ends.

        Asked even for no name at all, or an unknown one: it must cost what a known one does.
        """
        found: dict[str, Holder] = {}
        for (array,) in _lock.execute(self._connection, [[name] for name in sorted(names)]):
            row = _Row.parse(array)
            holder = found.get(row.account_name)
            if holder is None:
                standing = Standing(row.failures, row.locked_until, bool(row.held))
                holder = Holder(Account(row.account_id, row.account_name, standing), [])
                found[row.account_name] = holder
            if row.serial is not None:
                holder.tokens.append(read_token(row, self._sealer))
        return found

    def spend_steps(self, claims: Sequence[StepClaim], now_seconds: int) -> None:
        """Record time steps as used, each token's once in `claims`; all of them, or the work is begun anew.

        This, and not what was read before, decides whether a code was spent already.
        """
        if not claims:
            return
        rows = sorted((claim.serial, claim.step, claim.drift_steps, claim.first_step) for claim in claims)
        if _spend.execute(self._connection, rows, now=now_seconds).rowcount != len(rows):
            raise RaceLost

    def set_standings(self, standings: Mapping[int, Standing]) -> None:
        """Write the standing of each account, by its row's id; an id that no row has is written nowhere."""
        if not standings:
            return
        rows = [(row, each.failures, each.locked_until, int(each.held)) for row, each in sorted(standings.items())]
        _set_standings.execute(self._connection, rows)

    def touch(self, serials: Collection[str], now_seconds: int) -> None:
        """Record that tokens were used."""
        if serials:
            used = update(tokens).where(tokens.c.serial.in_(sorted(serials)))
            self._connection.execute(used.values(last_used_at=now_seconds))
