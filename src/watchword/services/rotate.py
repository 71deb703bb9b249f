"""Seal everything anew with the primary key, while logins go on."""

from collections.abc import Callable
from functools import partial

from watchword.clock import Clock
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.services.ports import Store, Work

AT_ONCE = 200


class Rotator:
    """Moves sealed secrets to the primary key, a few rows a transaction."""

    def __init__(self, store: Store, *, clock: Clock, actor: str = "") -> None:
        self._store = store
        self._clock = clock
        self._actor = actor

    def reseal(self, key_id: str, progress: Callable[[int], None] = lambda _count: None) -> int:
        """Seal all tokens' secrets with the primary key; answers how many were changed. Raises SealError."""
        changed = 0
        after = ""
        while True:
            last, count = self._store.write(partial(_reseal, after=after))
            changed += count
            progress(count)
            if not last:
                break
            after = last
        self._store.write(lambda rows: self._record(rows, key_id, changed))
        return changed

    def _record(self, rows: Work, key_id: str, changed: int) -> None:
        rows.audit.record(
            [
                AuditEvent(
                    at_milliseconds=int(self._clock() * 1000),
                    kind=EventKind.KEYS,
                    result=Result.DONE,
                    reason="rotated",
                    actor=self._actor,
                    detail=f"key {key_id}, {changed} secrets sealed anew",
                )
            ]
        )


def _reseal(rows: Work, *, after: str) -> tuple[str, int]:
    return rows.tokens.reseal(after, AT_ONCE)
