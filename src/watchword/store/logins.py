"""What a batch of logins reads and writes: one statement for all of them, however many."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Self

from sqlalchemy import BigInteger, Column, Connection, update

from watchword.domain.lockout import Standing
from watchword.domain.tokens import Token
from watchword.services.ports import Account, Holder, Seal, StepClaim
from watchword.store.composed import literal
from watchword.store.given import GivenStatement
from watchword.store.last_words import LastWords
from watchword.store.schema import accounts, tokens
from watchword.store.tokens import read_token


class _TokenRow(NamedTuple):
    """What a login reads of a token's row."""

    account_name: str
    rank: int
    enabled: int
    digits: int
    period_seconds: int
    last_step: int
    drift_steps: int
    base_drift_steps: int
    sealed_secret: bytes
    kind: str
    algorithm: str
    serial: str

    @classmethod
    def of(cls, account_name: str, words: list[str]) -> Self:
        """Read the words of a line that tell of the token."""
        rank, enabled, digits, period, last_step, drift, base_drift, sealed, kind, algorithm, serial = words
        return cls(
            account_name,
            int(rank),
            int(enabled),
            int(digits),
            int(period),
            int(last_step),
            int(drift),
            int(base_drift),
            bytes.fromhex(sealed),
            kind,
            algorithm,
            serial,
        )


# Each row comes as one column: PyMySQL, which reads in Python, takes a microsecond for every column of every row. Its
# words are told apart by blanks, which no account's name has; what could, in a row that was tampered with, stands last.
_lock = GivenStatement(
    [accounts.c.name],
    # Where there is no token, CONCAT_WS leaves out all of it. In no order: for a small batch, MariaDB's sorting would
    # cost more than all else. Rows are locked in the order of the given names, so nobody waits in a ring.
    mariadb="""
        SELECT CONCAT_WS(
            ' ', accounts.id, failures, locked_until, held, accounts.name,
            rank, enabled, digits, period_seconds, last_step, drift_steps, base_drift_steps, HEX(sealed_secret), kind,
            algorithm, serial
        )
        FROM {given} STRAIGHT_JOIN accounts ON accounts.name = given.name
        LEFT JOIN tokens ON tokens.account_id = accounts.id FOR UPDATE
    """,
    # Its transaction has locked everything.
    sqlite="""
        SELECT accounts.id || ' ' || failures || ' ' || locked_until || ' ' || held || ' ' || accounts.name || COALESCE(
            ' ' || rank || ' ' || enabled || ' ' || digits || ' ' || period_seconds || ' ' || last_step || ' ' ||
            drift_steps || ' ' || base_drift_steps || ' ' || HEX(sealed_secret) || ' ' || kind || ' ' || algorithm ||
            ' ' || serial, ''
        )
        FROM {given} JOIN accounts ON accounts.name = given.name
        LEFT JOIN tokens ON tokens.account_id = accounts.id
    """,
)
_WORDS_OF_ACCOUNT, _WORDS_OF_TOKEN = 5, 11
_GOOD = Standing()

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


MOST_STATEMENTS = 4
"""Phones keep good time: a batch's codes are nearly all of this time step or the last. MariaDB updates tokens of one
step in two thirds of the time that a table of given rows takes. With few alike, it is the other way round."""


class LoginRows:
    """Verbs on the accounts and tokens of many logins, in one transaction."""

    def __init__(self, connection: Connection, sealer: Seal, last_words: LastWords) -> None:
        self._connection = connection
        self._sealer = sealer
        self._last_words = last_words

    def lock(self, names: Collection[str]) -> dict[str, Holder]:
        """Find accounts and all their tokens, in rank order, and keep others from changing them until this work ends.

        Asked even for no name at all, or an unknown one: it must cost what a known one does.
        """
        found: dict[str, tuple[Account, list[_TokenRow]]] = {}
        asked = _lock.values([[name] for name in sorted(names)])
        for (line,) in _lock.composed.rows(self._connection, asked):
            row, failures, locked_until, held, name, *token = line.split(" ", _WORDS_OF_ACCOUNT + _WORDS_OF_TOKEN - 1)
            if name not in found:
                good = failures == locked_until == held == "0"
                standing = _GOOD if good else Standing(int(failures), int(locked_until), held != "0")
                found[name] = (Account(int(row), name, standing), [])
            if token:
                found[name][1].append(_TokenRow.of(name, token))
        return {name: Holder(account, self._tokens(rows)) for name, (account, rows) in found.items()}

    def _tokens(self, rows: list[_TokenRow]) -> list[Token]:
        if len(rows) > 1:
            rows.sort(key=lambda row: (row.rank, row.serial))
        return [read_token(row, self._sealer) for row in rows]

    def spend_steps(self, claims: Sequence[StepClaim], now_seconds: int) -> None:
        """Record time steps as used, each token's once in `claims`; all of them, or the work is begun anew.

        This, and not what was read before, decides whether a code was spent already.
        """
        if not claims:
            return
        alike: dict[tuple[int, int, int], list[str]] = {}
        for claim in claims:
            alike.setdefault((claim.step, claim.drift_steps, claim.first_step), []).append(claim.serial)
        if self._last_words.are_sent_at_once or len(alike) > MOST_STATEMENTS:
            self._spend_each(claims, now_seconds)
            return
        for (step, drift_steps, first_step), serials in alike.items():
            among = ", ".join([literal(serial) for serial in serials])
            self._last_words.say_text(
                f"UPDATE tokens SET last_step = {step:d}, drift_steps = {drift_steps:d}, last_used_at = {now_seconds:d}"  # noqa: S608  (hex digits and numbers)
                f" WHERE serial IN ({among}) AND last_step < {first_step:d}",
                rows=len(serials),
            )

    def _spend_each(self, claims: Sequence[StepClaim], now_seconds: int) -> None:
        rows = sorted((claim.serial, claim.step, claim.drift_steps, claim.first_step) for claim in claims)
        self._last_words.say(_spend.composed, _spend.values(rows, now=now_seconds), rows=len(rows))

    def set_standings(self, standings: Mapping[int, Standing]) -> None:
        """Write the standing of each account, by its row's id; an id that no row has is written nowhere."""
        if not standings:
            return
        rows = [(row, each.failures, each.locked_until, int(each.held)) for row, each in sorted(standings.items())]
        self._last_words.say(_set_standings.composed, _set_standings.values(rows))

    def touch(self, serials: Collection[str], now_seconds: int) -> None:
        """Record that tokens were used."""
        if serials:
            used = update(tokens).where(tokens.c.serial.in_(sorted(serials)))
            self._connection.execute(used.values(last_used_at=now_seconds))
