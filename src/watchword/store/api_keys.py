"""The rows of the REST API's keys, and of what is good once."""

import logging
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from watchword.domain.errors import KeyringError, SealError
from watchword.services.ports import Resealed, Seal
from watchword.services.ports_api import ApiKeyRow
from watchword.store.portal_schema import api_keys, used_once

log = logging.getLogger(__name__)


def _place(key_id: str) -> str:
    return f"api_keys.sealed_digest/{key_id}"


class ApiKeyTable:
    """Verbs on the keys, in one transaction."""

    def __init__(self, connection: Connection, sealer: Seal) -> None:
        self._connection = connection
        self._sealer = sealer

    def add(self, key: ApiKeyRow) -> None:
        """Add a key."""
        self._connection.execute(
            insert(api_keys).values(
                key_id=key.key_id,
                name=key.name,
                secret_hash=key.secret_hash,
                sealed_digest=self._sealer.seal(key.digest, _place(key.key_id)) if key.digest else None,
                scopes=key.scopes,
                networks=key.networks,
                created_at=key.created_at,
                created_by=key.created_by,
                expires_at=key.expires_at,
            )
        )

    def find(self, key_id: str) -> ApiKeyRow | None:
        """Find a key, whatever became of it."""
        row = self._connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).first()
        return self._read(row) if row is not None else None

    def list_all(self) -> list[ApiKeyRow]:
        """List every key, oldest first."""
        query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.key_id)
        return [self._read(row) for row in self._connection.execute(query)]

    def revoke(self, key_id: str, now_seconds: int) -> bool:
        """End a key; False if there is none, or it was ended before."""
        live = update(api_keys).where(api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None))
        return self._connection.execute(live.values(revoked_at=now_seconds)).rowcount == 1

    def touch(self, key_id: str, now_seconds: int) -> None:
        """Record that a key was used."""
        self._connection.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(last_used_at=now_seconds))

    def reseal(self) -> Resealed:
        """Seal with the primary key what others sealed of all keys: there are few."""
        changed, damaged = 0, []
        query = select(api_keys.c.key_id, api_keys.c.sealed_digest).where(api_keys.c.sealed_digest.is_not(None))
        for row in self._connection.execute(query).all():
            if self._sealer.is_current(row.sealed_digest):
                continue
            try:
                anew = self._sealer.seal(self._sealer.unseal(row.sealed_digest, _place(row.key_id)), _place(row.key_id))
            except (SealError, KeyringError) as error:
                log.error("API key %s cannot be sealed anew: %s", row.key_id, error)
                damaged.append(row.key_id)
                continue
            # Another rotation may have been here a moment ago.
            same = update(api_keys).where(api_keys.c.key_id == row.key_id)
            same = same.where(api_keys.c.sealed_digest == row.sealed_digest)
            changed += self._connection.execute(same.values(sealed_digest=anew)).rowcount
        return Resealed("", changed, damaged)

    def _read(self, row: Row[Any]) -> ApiKeyRow:
        return ApiKeyRow(
            key_id=row.key_id,
            name=row.name,
            secret_hash=row.secret_hash,
            digest=self._open(row),
            scopes=row.scopes,
            networks=row.networks,
            created_at=row.created_at,
            created_by=row.created_by,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            last_used_at=row.last_used_at,
        )

    def _open(self, row: Row[Any]) -> bytes:
        if row.sealed_digest is None:
            return b""
        try:
            return self._sealer.unseal(row.sealed_digest, _place(row.key_id))
        except (SealError, KeyringError) as error:
            # The key still opens the API as a bearer key.
            log.error("API key %s cannot be used with Digest: %s", row.key_id, error)
            return b""


class UsedOnceRows:
    """Verbs on what is good once, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def spend(self, mark: bytes, until: int) -> bool:
        """Use something up; False if it was used before. Of two at once, the unique key lets one through."""
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(used_once).values(mark=mark, until=until))
        except IntegrityError:
            return False
        return True

    def prune(self, now_seconds: int) -> int:
        """Forget what is too old to be used in any case; answers how many."""
        return self._connection.execute(delete(used_once).where(used_once.c.until <= now_seconds)).rowcount
