"""What bringing in a file of seeds needs from the store: fobs wait there, sealed, until an operator has confirmed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from watchword.domain.otp import OtpProfile
from watchword.domain.seeds import SeedRow


@dataclass(frozen=True, slots=True)
class SeedImport:
    """A file that an operator has uploaded; `staged` of its `fobs` wait in the store. Times: seconds since 1970."""

    import_id: str
    operator: str
    file_name: str
    fobs: int
    staged: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class StagedFob:
    """One of a file's fobs, without its seed."""

    serial: str
    profile: OtpProfile


class Imports(Protocol):
    """The rows of files that wait."""

    def begin(self, seed_import: SeedImport) -> None:
        """Make room for a file."""

    def stage(self, import_id: str, seeds: Sequence[SeedRow]) -> bool:
        """Put some of a file's fobs with the others, sealed; False if the import is gone."""

    def find(self, import_id: str) -> SeedImport | None:
        """Find an import, however old it is."""

    def first(self, import_id: str, limit: int) -> list[StagedFob]:
        """List fobs of an import, by serial."""

    def profiles(self, import_id: str) -> list[tuple[OtpProfile, int]]:
        """Answer how many fobs make their codes in which way, the most frequent first."""

    def count_clashes(self, import_id: str) -> int:
        """Count the serials that the store has already."""

    def clashes(self, import_id: str, limit: int) -> list[str]:
        """List serials that the store has already."""

    def claim(self, import_id: str, operator: str, now_seconds: int) -> SeedImport | None:
        """Take an import that is complete and this operator's; None if it is not, or somebody took it before."""

    def are_sealed_with_the_primary_key(self, import_id: str) -> bool:
        """Tell whether the keys are the same as when the fobs were staged."""

    def bring_in(self, import_id: str, now_seconds: int) -> int:
        """Make tokens in the drawer of the fobs that wait; answers how many."""

    def drop(self, import_id: str) -> None:
        """Remove an import and its fobs."""

    def expired(self, now_seconds: int) -> list[str]:
        """List imports that nobody confirmed in time."""
