"""Bring in a file of seeds in two steps: uploaded, and looked at; then confirmed. All of its fobs or none.

Between the two they wait in the store, each sealed as the row of tokens that it will be. So no seed is on a disk in
the clear, any portal can finish what another began, and nothing has to be opened to bring them in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchword.clock import Clock
from watchword.domain.audit import EventKind
from watchword.domain.errors import Conflict, NotFound
from watchword.domain.otp import OtpProfile
from watchword.domain.seeds import SeedRow
from watchword.services.actor import Actor
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports_imports import SeedImport, StagedFob

WAIT_SECONDS = 15 * 60
FOBS_AT_ONCE = 1000
FIRST_FOBS = 10
CLASHES_SHOWN = 20
LONGEST_FILE_NAME = 120


@dataclass(frozen=True, slots=True)
class Preview:
    """What an operator sees of a file before it counts; never a seed."""

    waiting: SeedImport
    first: list[StagedFob]
    profiles: list[tuple[OtpProfile, int]]
    clashes: list[str]
    clash_count: int

    @property
    def is_complete(self) -> bool:
        """Whether every fob of the file is in the store."""
        return self.waiting.staged == self.waiting.fobs


class FobImporter:
    """Takes files in, shows what is in them, and brings them into the drawer."""

    def __init__(self, store: PortalStore, *, clock: Clock, random_octets: Callable[[int], bytes]) -> None:
        self._store = store
        self._clock = clock
        self._random_octets = random_octets

    def begin(self, operator: str, file_name: str, fobs: int) -> SeedImport:
        """Make room for so many fobs."""
        name = "".join(character for character in file_name if character.isprintable())[:LONGEST_FILE_NAME]
        now = int(self._clock())
        begun = SeedImport(self._random_octets(16).hex(), operator, name, fobs, 0, now + WAIT_SECONDS)

        self._store.write(lambda rows: rows.imports.begin(begun))
        return begun

    def stage(self, import_id: str, seeds: Sequence[SeedRow]) -> bool:
        """Put the fobs into the store, sealed, a thousand at a time; False if the import was discarded meanwhile."""
        return all(
            self._stage_some(import_id, seeds[start : start + FOBS_AT_ONCE])
            for start in range(0, len(seeds), FOBS_AT_ONCE)
        )

    def _stage_some(self, import_id: str, some: Sequence[SeedRow]) -> bool:
        return self._store.write(lambda rows: rows.imports.stage(import_id, some))

    def preview(self, import_id: str, operator: str) -> Preview:
        """Show an import to whoever began it; raises NotFound."""

        def work(rows: PortalWork) -> Preview:
            waiting = self._own(rows, import_id, operator)
            if waiting.staged < waiting.fobs:
                return Preview(waiting, [], [], [], 0)
            return Preview(
                waiting,
                rows.imports.first(import_id, FIRST_FOBS),
                rows.imports.profiles(import_id),
                rows.imports.clashes(import_id, CLASHES_SHOWN),
                rows.imports.count_clashes(import_id),
            )

        return self._store.read(work)

    def confirm(self, import_id: str, actor: Actor) -> int:
        """Bring the fobs into the drawer, all or none, once; answers how many. Raises NotFound, Conflict."""

        def work(rows: PortalWork) -> int:
            now = self._clock()
            claimed = rows.imports.claim(import_id, actor.name, int(now))
            if claimed is None:
                raise _gone()
            if taken := rows.imports.clashes(import_id, 1):
                raise Conflict(f"there is a token {taken[0]} already; nothing was imported")
            if not rows.imports.are_sealed_with_the_primary_key(import_id):
                raise Conflict("the keys were rotated meanwhile", hint="upload the file again")
            count = rows.imports.bring_in(import_id, int(now))
            event = actor.event(now, EventKind.ADMINISTRATION, f"{count} fobs imported", detail=claimed.file_name)
            rows.audit.record([event])
            return count

        return self._store.write(work)

    def discard(self, import_id: str, operator: str) -> None:
        """Drop an import; raises NotFound."""

        def work(rows: PortalWork) -> None:
            self._own(rows, import_id, operator)
            rows.imports.drop(import_id)

        self._store.write(work)

    def prune(self) -> int:
        """Drop what waited too long; answers how many imports."""
        now = int(self._clock())

        def work(rows: PortalWork) -> int:
            expired = rows.imports.expired(now)
            for import_id in expired:
                rows.imports.drop(import_id)
            return len(expired)

        return self._store.write(work)

    def _own(self, rows: PortalWork, import_id: str, operator: str) -> SeedImport:
        found = rows.imports.find(import_id)
        if found is None or found.operator != operator or found.expires_at <= self._clock():
            raise _gone()
        return found


def _gone() -> NotFound:
    return NotFound("this file no longer waits", hint="upload it again")
