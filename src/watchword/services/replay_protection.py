"""A request that is sent twice is done once: what an Idempotency-Key promises.

The first request claims a row; its answer is kept there, sealed, for a day, or for ten minutes if there is a new secret
in it. Each transaction of the work notes in that row, itself, that something was changed, so a portal that dies
half-way leaves no doubt: if nothing was changed, the request may be begun anew; if something was, nobody is told that
it can be repeated.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from watchword.clock import Clock
from watchword.domain.errors import Conflict, InvalidValue
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports_api import AnswerRow

Result = TypeVar("Result")

KEPT_SECONDS = 86400

SECRET_KEPT_SECONDS = 600
"""How long an answer is kept that holds a new secret: as long as a pairing on the pages may take."""

CLAIM_SECONDS = 120
"""Longer than any request takes. After that, whoever claimed it is taken for dead."""

LONGEST_KEY = 255
CLAIM_OCTETS = 16


class StillInProgress(Conflict):
    """The same request is being worked on now; ask again in `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("a request with this Idempotency-Key is still being worked on")
        self.retry_after_seconds = retry_after_seconds


class OutcomeUnknown(Conflict):
    """The same request was begun, changed something, and was cut off before it was answered."""

    def __init__(self) -> None:
        super().__init__(
            "a request with this Idempotency-Key changed something, and its answer was lost",
            hint="look at what is there before you send it again with a new key",
        )


class KeyReused(InvalidValue):
    """The key stood on another request before."""

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used for another request")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; it may hold a new token's secret."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a request."""

    replay_hash: bytes
    claim: bytes


class ReplayProtection:
    """Remembers requests and their answers."""

    def __init__(self, store: PortalStore, *, clock: Clock, random_octets: Callable[[int], bytes]) -> None:
        self._store = store
        self._clock = clock
        self._random_octets = random_octets

    def begin(self, caller: str, idempotency_key: str, request: bytes) -> Claim | Answer:
        """Claim a request of a caller's, or find its answer; `request` is all that tells it from others.

        Raises InvalidValue, KeyReused, StillInProgress, OutcomeUnknown.
        """
        check_idempotency_key(idempotency_key)
        replay_hash = hashlib.sha256(f"{caller}\0{idempotency_key}".encode()).digest()
        now = int(self._clock())
        claim = self._random_octets(CLAIM_OCTETS)

        def work(rows: PortalWork) -> Claim | Answer:
            request_hash = rows.answers.mark(request)
            found = rows.answers.find(replay_hash, now)
            is_kept = found is not None and now < found.until
            known = _known(found, request_hash, now) if found is not None and is_kept else None
            if known is not None:
                return known
            new = AnswerRow(request_hash, claim, now, False, None, now + KEPT_SECONDS)
            rows.answers.claim(replay_hash, new, instead_of=found)
            return Claim(replay_hash, claim)

        return self._store.write(work)

    def store_for(self, claim: Claim) -> PortalStore:
        """Answer the store whose every change notes, in the same transaction, that this request changed something."""
        return _NotingStore(self._store, claim)

    def note_written(self, claim: Claim) -> None:
        """Record that something is about to be changed elsewhere, where no transaction of ours reaches."""
        self._store.write(lambda rows: _note(rows, claim))

    def finish(self, claim: Claim, answer: Answer, *, is_secret: bool = False) -> None:
        """Keep the answer for a day. A secret one is kept for minutes; after that it is neither told nor done again."""
        octets = _write_answer(answer)
        until = int(self._clock()) + (SECRET_KEPT_SECONDS if is_secret else KEPT_SECONDS)
        self._store.write(lambda rows: rows.answers.keep(claim.replay_hash, claim.claim, octets, until))

    def release(self, claim: Claim) -> None:
        """Forget a request that changed nothing, so that it can be sent again."""
        self._store.write(lambda rows: rows.answers.drop(claim.replay_hash, claim.claim))

    def prune(self) -> int:
        """Drop what is older than a day; answers how many."""
        now = int(self._clock())
        return self._store.write(lambda rows: rows.answers.prune(now) + rows.used_once.prune(now))


def check_idempotency_key(key: str) -> str:
    """Return the key if it can be one: 1 to 255 printable ASCII characters. Raises InvalidValue."""
    if 1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable():
        return key
    raise InvalidValue(f"an Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters")


def _known(found: AnswerRow, request_hash: bytes, now: int) -> Answer | None:
    """Answer what was answered; None if the request may be begun anew."""
    if found.request_hash != request_hash:
        raise KeyReused
    if found.answer is not None:
        return _read_answer(found.answer)
    ends_at = found.claimed_at + CLAIM_SECONDS
    if now < ends_at:
        raise StillInProgress(ends_at - now)
    if found.has_written:
        raise OutcomeUnknown
    return None


def _note(rows: PortalWork, claim: Claim) -> None:
    if not rows.answers.note_written(claim.replay_hash, claim.claim):
        # We were taken for dead, and somebody else does the work: then this transaction must not happen.
        raise Conflict("another request with this Idempotency-Key took over")


class _NotingStore:
    """A store on whose every change the note goes along."""

    def __init__(self, store: PortalStore, claim: Claim) -> None:
        self._store = store
        self._claim = claim

    def write(self, work: Callable[[PortalWork], Result]) -> Result:
        """Do the work in one transaction, and note it there."""

        def noted(rows: PortalWork) -> Result:
            result = work(rows)
            _note(rows, self._claim)
            return result

        return self._store.write(noted)

    def read(self, work: Callable[[PortalWork], Result]) -> Result:
        """Do work that changes nothing."""
        return self._store.read(work)


def _write_answer(answer: Answer) -> bytes:
    body = base64.b64encode(answer.body).decode("ascii")
    return json.dumps({"status": answer.status, "headers": answer.headers, "body": body}).encode("ascii")


def _read_answer(octets: bytes) -> Answer:
    kept = json.loads(octets)
    return Answer(kept["status"], kept["headers"], base64.b64decode(kept["body"]))
