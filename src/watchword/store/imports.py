"""The rows of files of seeds that wait for an operator's word."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, literal, select, update

from watchword.domain.otp import Algorithm, OtpProfile
from watchword.domain.seeds import SeedRow
from watchword.domain.tokens import Kind
from watchword.services.ports import Seal
from watchword.services.ports_imports import SeedImport, StagedFob
from watchword.store.facts import token_facts
from watchword.store.portal_schema import seed_imports, staged_seeds
from watchword.store.schema import tokens
from watchword.store.tokens import place_of

_ROWS_AT_ONCE = 10_000
"""Brought in by one statement: seconds, on a slow machine, and less than a connection waits for an answer."""

_KEY_OF_SEALED = func.substr(staged_seeds.c.sealed_secret, 1, 5)
"""Version and key id (store/sealing.py)."""

_PROFILE = (staged_seeds.c.algorithm, staged_seeds.c.digits, staged_seeds.c.period_seconds)


class ImportRows:
    """Verbs on files that wait, in one transaction."""

    def __init__(self, connection: Connection, sealer: Seal) -> None:
        self._connection = connection
        self._sealer = sealer

    def begin(self, seed_import: SeedImport) -> None:
        """Make room for a file."""
        self._connection.execute(
            insert(seed_imports).values(
                import_id=seed_import.import_id,
                operator=seed_import.operator,
                file_name=seed_import.file_name,
                fobs=seed_import.fobs,
                staged=seed_import.staged,
                expires_at=seed_import.expires_at,
            )
        )

    def stage(self, import_id: str, seeds: Sequence[SeedRow]) -> bool:
        """Put some of a file's fobs with the others, sealed for the drawer; False if the import is gone."""
        this = update(seed_imports).where(seed_imports.c.import_id == import_id)
        if self._connection.execute(this.values(staged=seed_imports.c.staged + len(seeds))).rowcount != 1:
            return False
        self._connection.execute(
            insert(staged_seeds),
            [
                {
                    "import_id": import_id,
                    "serial": seed.serial,
                    "sealed_secret": self._sealer.seal(seed.secret, place_of(seed.serial, "")),
                    "algorithm": seed.profile.algorithm.value,
                    "digits": seed.profile.digits,
                    "period_seconds": seed.profile.period_seconds,
                    "drift_steps": seed.drift_steps,
                }
                for seed in seeds
            ],
        )
        return True

    def find(self, import_id: str) -> SeedImport | None:
        """Find an import, however old it is."""
        row = self._connection.execute(select(seed_imports).where(seed_imports.c.import_id == import_id)).first()
        return SeedImport(**row._asdict()) if row is not None else None

    def first(self, import_id: str, limit: int) -> list[StagedFob]:
        """List fobs of an import, by serial."""
        query = select(staged_seeds.c.serial, *_PROFILE).where(staged_seeds.c.import_id == import_id)
        rows = self._connection.execute(query.order_by(staged_seeds.c.serial).limit(limit))
        return [StagedFob(row.serial, _profile(row.algorithm, row.digits, row.period_seconds)) for row in rows]

    def profiles(self, import_id: str) -> list[tuple[OtpProfile, int]]:
        """Answer how many fobs make their codes in which way, the most frequent first."""
        fobs = func.count().label("fobs")
        query = select(*_PROFILE, fobs).where(staged_seeds.c.import_id == import_id).group_by(*_PROFILE)
        rows = self._connection.execute(query.order_by(fobs.desc(), *_PROFILE))
        return [(_profile(row.algorithm, row.digits, row.period_seconds), row.fobs) for row in rows]

    def count_clashes(self, import_id: str) -> int:
        """Count the serials that the store has already."""
        return self._connection.execute(select(func.count()).select_from(_clashing(import_id).subquery())).scalar_one()

    def clashes(self, import_id: str, limit: int) -> list[str]:
        """List serials that the store has already."""
        query = _clashing(import_id).order_by(staged_seeds.c.serial).limit(limit)
        return list(self._connection.execute(query).scalars())

    def claim(self, import_id: str, operator: str, now_seconds: int) -> SeedImport | None:
        """Take an import that is complete and this operator's; None if it is not, or somebody took it before."""
        found = self.find(import_id)
        this = delete(seed_imports).where(
            seed_imports.c.import_id == import_id,
            seed_imports.c.operator == operator,
            seed_imports.c.staged == seed_imports.c.fobs,
            seed_imports.c.expires_at > now_seconds,
        )
        return found if self._connection.execute(this).rowcount == 1 else None

    def are_sealed_with_the_primary_key(self, import_id: str) -> bool:
        """Tell whether the keys are the same as when the fobs were staged."""
        query = select(_KEY_OF_SEALED).where(staged_seeds.c.import_id == import_id).distinct()
        return all(self._sealer.is_current(bytes(begins)) for begins in self._connection.execute(query).scalars())

    def bring_in(self, import_id: str, now_seconds: int) -> int:
        """Make tokens in the drawer of the fobs that wait; answers how many."""
        here = staged_seeds.c.import_id == import_id
        after, count = "", 0
        while True:
            beyond = select(staged_seeds.c.serial).where(here, staged_seeds.c.serial > after)
            some = beyond.order_by(staged_seeds.c.serial).limit(_ROWS_AT_ONCE)
            last = self._connection.execute(select(func.max(some.subquery().c.serial))).scalar()
            if last is None:
                break
            rows = _as_tokens(now_seconds).where(here, staged_seeds.c.serial > after, staged_seeds.c.serial <= last)
            count += self._connection.execute(
                insert(tokens).from_select(list(rows.selected_columns.keys()), rows)
            ).rowcount
            after = last
        self._connection.execute(delete(staged_seeds).where(here))
        return count

    def drop(self, import_id: str) -> None:
        """Remove an import and its fobs."""
        self._connection.execute(delete(seed_imports).where(seed_imports.c.import_id == import_id))
        self._connection.execute(delete(staged_seeds).where(staged_seeds.c.import_id == import_id))

    def expired(self, now_seconds: int) -> list[str]:
        """List imports that nobody confirmed in time."""
        query = select(seed_imports.c.import_id).where(seed_imports.c.expires_at <= now_seconds)
        return list(self._connection.execute(query).scalars())


def _clashing(import_id: str) -> Select[Any]:
    return (
        select(staged_seeds.c.serial)
        .join(token_facts, token_facts.c.serial == staged_seeds.c.serial)
        .where(staged_seeds.c.import_id == import_id)
    )


def _as_tokens(now_seconds: int) -> Select[Any]:
    """Say a fob's row as a token's: what TokenRows.add_many would have written."""
    staged = staged_seeds.c
    return select(
        staged.serial,
        literal(Kind.HARD.value).label("kind"),
        staged.sealed_secret,
        staged.algorithm,
        staged.digits,
        staged.period_seconds,
        staged.drift_steps,
        staged.drift_steps.label("base_drift_steps"),
        literal(now_seconds).label("created_at"),
    )


def _profile(algorithm: str, digits: int, period_seconds: int) -> OtpProfile:
    return OtpProfile(digits, period_seconds, Algorithm(algorithm))
