"""What the REST API needs from the store: its keys, what is good once, and the answers it gave."""

from dataclasses import dataclass, field
from typing import Protocol

from watchword.services.ports import Resealed


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """A key of the API as its row has it; times are seconds since 1970.

    `secret_hash` is SHA-256 of the whole key. `digest` is what HTTP Digest is computed from, unsealed; empty if the key
    is not for Digest, or its seal cannot be opened. `scopes` and `networks` are words with spaces between them.
    """

    key_id: str
    name: str
    secret_hash: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    scopes: str
    networks: str
    created_at: int
    created_by: str
    expires_at: int
    revoked_at: int | None = None
    last_used_at: int | None = None


class ApiKeyRows(Protocol):
    """The keys' rows."""

    def add(self, key: ApiKeyRow) -> None:
        """Add a key."""

    def find(self, key_id: str) -> ApiKeyRow | None:
        """Find a key, whatever became of it."""

    def list_all(self) -> list[ApiKeyRow]:
        """List every key, oldest first."""

    def revoke(self, key_id: str, now_seconds: int) -> bool:
        """End a key; False if there is none, or it was ended before."""

    def touch(self, key_id: str, now_seconds: int) -> None:
        """Record that a key was used."""

    def reseal(self) -> Resealed:
        """Seal with the primary key what others sealed; names the keys that could not be opened."""


class UsedOnce(Protocol):
    """What is good once, and was used."""

    def spend(self, mark: bytes, until: int) -> bool:
        """Use something up, named by 32 octets and remembered until then; False if it was used before."""

    def prune(self, now_seconds: int) -> int:
        """Forget what is too old to be used in any case; answers how many."""


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A request that had an Idempotency-Key; `answer` is None while it is worked on, or if nobody knows it.

    `claim` names the one who works on it, `has_written` says that they changed something.
    """

    request_hash: bytes
    claim: bytes
    claimed_at: int
    has_written: bool
    answer: bytes | None = field(repr=False)
    until: int


class Answers(Protocol):
    """The answers that were given."""

    def mark(self, request: bytes) -> bytes:
        """Answer 32 octets that stand for a request, against which nobody without the keyring can try guesses."""

    def find(self, replay_hash: bytes, now_seconds: int) -> AnswerRow | None:
        """Find a request, and keep others from changing it until this work ends."""

    def claim(self, replay_hash: bytes, row: AnswerRow, *, instead_of: AnswerRow | None) -> None:
        """Begin a request, in place of an older one or of none; the whole work is begun anew if others were first."""

    def note_written(self, replay_hash: bytes, claim: bytes) -> bool:
        """Record that something was changed; False if somebody else has the request by now."""

    def keep(self, replay_hash: bytes, claim: bytes, answer: bytes, until: int) -> bool:
        """Keep the answer until then; False if somebody else has the request by now."""

    def drop(self, replay_hash: bytes, claim: bytes) -> None:
        """Forget a request that changed nothing."""

    def prune(self, now_seconds: int) -> int:
        """Forget what is too old; answers how many."""
