"""The tokens' rows. Their secrets are sealed on the way in and unsealed on the way out."""

import functools
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from watchword.domain.errors import Conflict, KeyringError, SealError
from watchword.domain.otp import DIGITS, Algorithm, OtpProfile
from watchword.domain.tokens import Kind, Token
from watchword.services.ports import Account, OwnedToken, Resealed, Seal
from watchword.services.ports_tokens import TokenFacts
from watchword.store.database import RaceLost
from watchword.store.facts import outbox_facts, sent_code_facts, token_facts, writable
from watchword.store.schema import accounts, tokens

SERIALS_AT_ONCE = 1000

log = logging.getLogger(__name__)


def place_of(serial: str, account: str) -> str:
    """Name the place that a token's secret is sealed for: its row, and its owner (empty: the drawer).

    So whoever can write to the database, but has no key, cannot give their own token to another account.
    """
    return f"tokens.sealed_secret/{serial}/{account}"


class TokenRows:
    """Verbs on tokens, in one transaction."""

    def __init__(self, connection: Connection, sealer: Seal) -> None:
        self._connection = connection
        self._sealer = sealer

    def ranks(self, account_id: int) -> list[int]:
        """List the ranks of an account's tokens."""
        query = select(token_facts.c.rank).where(token_facts.c.account_id == account_id)
        return list(self._connection.execute(query).scalars())

    def resync(self, serial: str, step: int, drift_steps: int) -> bool:
        """Spend a step and set the drift anew, though nobody logged in; False if the step was spent already."""
        claim = update(tokens).where(tokens.c.serial == serial, tokens.c.last_step < step)
        anew = claim.values(last_step=step, drift_steps=drift_steps, base_drift_steps=drift_steps)
        return self._connection.execute(anew).rowcount == 1

    def add(self, token: Token, owner: Account | None, now_seconds: int) -> None:
        """Add a token; raises Conflict if its serial is taken."""
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(tokens).values(**self._row(token, owner, now_seconds)))
        except IntegrityError:
            if self._has(token.serial):
                raise Conflict(
                    f"there is a token {token.serial} already", hint="`watchword token show` tells whose"
                ) from None
            raise RaceLost from None  # another pairing of the account took the rank

    def _has(self, serial: str) -> bool:
        query = select(token_facts.c.serial).where(token_facts.c.serial == serial)
        return self._connection.execute(query).first() is not None

    def add_many(self, added: Sequence[Token], now_seconds: int) -> None:
        """Add tokens of no account, all or none; raises Conflict naming a serial that is taken."""
        for start in range(0, len(added), SERIALS_AT_ONCE):
            some = added[start : start + SERIALS_AT_ONCE]
            taken = self._connection.execute(
                select(token_facts.c.serial).where(token_facts.c.serial.in_([token.serial for token in some])).limit(1)
            ).scalar()
            if taken is not None:
                raise Conflict(f"there is a token {taken} already; nothing was imported")
            self._connection.execute(insert(tokens), [self._row(token, None, now_seconds) for token in some])

    def _row(self, token: Token, owner: Account | None, now_seconds: int) -> dict[str, Any]:
        return {
            "serial": token.serial,
            "account_id": owner.account_id if owner else None,
            "kind": token.kind.value,
            "label": token.label,
            "rank": token.rank,
            "enabled": token.enabled,
            "sealed_secret": self._sealer.seal(token.secret, place_of(token.serial, owner.name if owner else "")),
            "algorithm": token.profile.algorithm.value,
            "digits": token.profile.digits,
            "period_seconds": token.profile.period_seconds,
            "last_step": token.last_step,
            "drift_steps": token.drift_steps,
            "base_drift_steps": token.base_drift_steps,
            "created_at": now_seconds,
        }

    def describe(self, serial: str) -> TokenFacts | None:
        """Find a token by its serial and lock it; its secret is not read."""
        query = _with_owner(token_facts).where(token_facts.c.serial == serial).with_for_update(of=token_facts)
        row = self._connection.execute(query).first()
        return read_facts(row) if row is not None else None

    def describe_page(
        self, after: str, limit: int, *, account: str | None = None, pattern: str | None = None
    ) -> list[TokenFacts]:
        """List tokens as `page` does; their secrets are not read."""
        query = _page(token_facts, after, limit, account, pattern)
        return [read_facts(row) for row in self._connection.execute(query)]

    def find(self, serial: str) -> OwnedToken | None:
        """Find a token by its serial and lock it."""
        query = _with_owner(tokens).where(tokens.c.serial == serial).with_for_update(of=tokens)
        return next(self._owned_tokens(self._connection.execute(query)), None)

    def page(
        self, after: str, limit: int, *, account: str | None = None, pattern: str | None = None
    ) -> list[OwnedToken]:
        """List tokens by serial, from the first beyond `after`; by account or by a glob (`*`, `?`) on its name."""
        return list(self._owned_tokens(self._connection.execute(_page(tokens, after, limit, account, pattern))))

    def _owned_tokens(self, rows: Iterable[Row[Any]]) -> Iterator[OwnedToken]:
        for row in rows:
            token = read_token(row, self._sealer)._replace(label=row.label, rank=row.rank)
            yield OwnedToken(token, row.account_name or "", row.created_at, row.last_used_at)

    def set_owner(self, owned: OwnedToken, owner: Account | None) -> None:
        """Tie a token to an account, or to none; raises Conflict if its secret cannot be opened."""
        token = owned.token
        if not token.secret:
            raise Conflict(f"the secret of token {token.serial} cannot be opened", hint="is the keyring complete?")
        sealed = self._sealer.seal(token.secret, place_of(token.serial, owner.name if owner else ""))
        this = update(tokens).where(tokens.c.serial == token.serial)
        self._connection.execute(this.values(account_id=owner.account_id if owner else None, sealed_secret=sealed))

    def set_secret(self, serial: str, secret: bytes) -> None:
        """Replace a token's secret, by way of its whole row: whoever may not read a secret cannot update one either."""
        query = _with_owner(token_facts).where(token_facts.c.serial == serial).with_for_update(of=token_facts)
        row = self._connection.execute(query).one()._asdict()
        sealed = self._sealer.seal(secret, place_of(serial, row.pop("account_name") or ""))
        self.remove(serial)
        self._connection.execute(insert(tokens).values(**row, sealed_secret=sealed))

    def set_enabled(self, serial: str, *, enabled: bool) -> None:
        """Let a token be used, or not."""
        self._set(serial, enabled=enabled)

    def set_rank(self, serial: str, rank: int) -> None:
        """Place a token among its account's; the lowest rank is first."""
        self._set(serial, rank=rank)

    def set_label(self, serial: str, label: str) -> None:
        """Give a token its owner's name for it."""
        self._set(serial, label=label)

    def _set(self, serial: str, **values: Any) -> None:
        table = writable(token_facts, self._connection)
        self._connection.execute(update(table).where(table.c.serial == serial).values(**values))

    def reseal(self, after: str, limit: int) -> Resealed:
        """Seal with the primary key what others sealed, in serials beyond `after`."""
        rows = self._connection.execute(_page(tokens, after, limit, None, None))
        last, count, changed, damaged = "", 0, 0, []
        for row in rows.all():
            last, count = row.serial, count + 1
            if self._sealer.is_current(row.sealed_secret):
                continue
            try:
                anew = self._sealer.seal(self._sealer.unseal(row.sealed_secret, _place(row)), _place(row))
            except (SealError, KeyringError) as error:
                log.error("token %s cannot be sealed anew: %s", row.serial, error)
                damaged.append(row.serial)
                continue
            # A secret that was replaced a moment ago is sealed with the primary key already.
            same = update(tokens).where(tokens.c.serial == row.serial, tokens.c.sealed_secret == row.sealed_secret)
            changed += self._connection.execute(same.values(sealed_secret=anew)).rowcount
        return Resealed(last if count == limit else "", changed, damaged)

    def remove(self, serial: str) -> None:
        """Remove a token, the code that was texted for it, and the message that has still to leave."""
        for view in (outbox_facts, sent_code_facts, token_facts):
            table = writable(view, self._connection)
            self._connection.execute(delete(table).where(table.c.serial == serial))


_ANY_PROFILE = OtpProfile()


_kind = functools.lru_cache(len(Kind))(Kind)
"""Answer the kind of this name; raises ValueError."""


@functools.lru_cache(100)
def _profile(digits: int, period_seconds: int, algorithm: str) -> OtpProfile:
    """Answer a profile, of which all tokens of a make have the same; raises ValueError if no code can be of it."""
    if digits not in DIGITS or period_seconds < 1:
        raise ValueError
    return OtpProfile(digits, period_seconds, Algorithm(algorithm))


def read_token(row: Any, sealer: Seal) -> Token:
    """Make a token of a row of `tokens` that has its owner's `account_name`; one that cannot be opened is disabled.

    A login leaves out what it does not need: the token's name and rank.
    """
    kind, profile, secret = Kind.SOFT, _ANY_PROFILE, b""
    try:
        kind = _kind(row.kind)
        profile = _profile(row.digits, row.period_seconds, row.algorithm)
        secret = sealer.unseal(row.sealed_secret, place_of(row.serial, row.account_name or ""))
        opened = True
    except (SealError, KeyringError) as error:
        # One damaged row must not stop everybody else's login: nobody can use it, that is all.
        log.error("token %s cannot be used: %s", row.serial, error)
        opened = False
    except ValueError:
        # A kind, or a hash, that a newer version wrote.
        log.error("token %s cannot be used: this version does not know its kind", row.serial)
        opened = False
    return Token(
        serial=row.serial,
        kind=kind,
        secret=secret,
        profile=profile,
        enabled=opened and bool(row.enabled),
        last_step=row.last_step,
        drift_steps=row.drift_steps,
        base_drift_steps=row.base_drift_steps,
    )


def read_facts(row: Any) -> TokenFacts:
    """Make what is said of a token of a row of `token_facts` that has its owner's `account_name`."""
    kind, profile, known = Kind.SOFT, OtpProfile(), True
    try:
        kind = _kind(row.kind)
        profile = _profile(row.digits, row.period_seconds, row.algorithm)
    except ValueError:
        known = False  # as in read_token: a newer version wrote it, and this one lets nobody in by it
    return TokenFacts(
        serial=row.serial,
        kind=kind,
        profile=profile,
        label=row.label,
        rank=row.rank,
        enabled=known and bool(row.enabled),
        drift_steps=row.drift_steps,
        account=row.account_name or "",
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )


def _with_owner(table: Table) -> Select[Any]:
    return select(*table.c, accounts.c.name.label("account_name")).select_from(
        table.outerjoin(accounts, accounts.c.id == table.c.account_id)
    )


def _page(table: Table, after: str, limit: int, account: str | None, pattern: str | None) -> Select[Any]:
    query = _with_owner(table).where(table.c.serial > after).order_by(table.c.serial).limit(limit)
    if account is not None:
        query = query.where(accounts.c.name == account)
    if pattern is not None:
        query = query.where(accounts.c.name.like(_like(pattern), escape="!"))
    return query


def _place(row: Any) -> str:
    return place_of(row.serial, row.account_name or "")


def _like(pattern: str) -> str:
    for character in "!%_":
        pattern = pattern.replace(character, "!" + character)
    return pattern.replace("*", "%").replace("?", "_")
