"""Seal everything anew with the primary key, while logins go on."""

from collections.abc import Callable
from functools import partial

from watchword.clock import Clock
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports import Resealed

AT_ONCE = 200


class Rotator:
    """Moves sealed secrets to the primary key, a few rows a transaction."""

    def __init__(self, store: PortalStore, *, clock: Clock, actor: str = "") -> None:
        self._store = store
        self._clock = clock
        self._actor = actor

    def reseal(self, key_id: str, progress: Callable[[int], None] = lambda _count: None) -> Resealed:
        """Seal the secrets of all tokens, and of API keys, with the primary key; safe to repeat, and beside another."""
        changed = 0
        damaged: list[str] = []
        some = Resealed("", 0, [])
        while True:
            some = self._store.write(partial(_reseal, after=some.last))
            changed += some.changed
            damaged += some.damaged
            progress(some.changed)
            if not some.last:
                break
        keys = self._store.write(lambda rows: rows.api_keys.reseal())
        progress(keys.changed)
        changed += keys.changed
        damaged += [f"API key {key_id}" for key_id in keys.damaged]
        self._store.write(lambda rows: self._record(rows, key_id, changed, damaged))
        return Resealed("", changed, damaged)

    def _record(self, rows: PortalWork, key_id: str, changed: int, damaged: list[str]) -> None:
        rows.audit.record(
            [
                AuditEvent(
                    at_milliseconds=int(self._clock() * 1000),
                    kind=EventKind.KEYS,
                    result=Result.FAILED if damaged else Result.DONE,
                    reason="rotated",
                    actor=self._actor,
                    detail=f"key {key_id}, {changed} secrets sealed anew, {len(damaged)} damaged",
                )
            ]
        )


def _reseal(rows: PortalWork, *, after: str) -> Resealed:
    return rows.tokens.reseal(after, AT_ONCE)
