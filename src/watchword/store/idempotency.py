"""The rows of answers that the REST API gave to requests with an Idempotency-Key; the answers are sealed."""

from typing import Any

from sqlalchemy import Connection, Update, delete, insert, select, update

from watchword.services.ports import Seal
from watchword.services.ports_api import AnswerRow
from watchword.store.database import RaceLost
from watchword.store.keyring import Keyring
from watchword.store.portal_schema import api_answers


def _place(replay_hash: bytes) -> str:
    return f"api_answers.sealed_answer/{replay_hash.hex()}"


class AnswerTable:
    """Verbs on the answers, in one transaction."""

    def __init__(self, connection: Connection, sealer: Seal, keyring: Keyring) -> None:
        self._connection = connection
        self._sealer = sealer
        self._keyring = keyring

    def mark(self, request: bytes) -> bytes:
        """Answer what stands for a request in its row. There may be a number in it, and there are few of those."""
        return self._keyring.mark("api request", request)

    def find(self, replay_hash: bytes, now_seconds: int) -> AnswerRow | None:
        """Find a request and lock it; raises SealError, KeyringError if its answer cannot be opened."""
        query = select(api_answers).where(api_answers.c.replay_hash == replay_hash).with_for_update()
        row = self._connection.execute(query).first()
        if row is None:
            return None
        sealed = row.sealed_answer if now_seconds < row.answer_until else None
        answer = self._sealer.unseal(sealed, _place(replay_hash)) if sealed is not None else None
        return AnswerRow(row.request_hash, row.claim, row.claimed_at, bool(row.has_written), answer, row.until)

    def claim(self, replay_hash: bytes, row: AnswerRow, *, instead_of: AnswerRow | None) -> None:
        """Begin a request. Of two at once, the unique key lets one through; the other's work is begun anew."""
        values = {
            "request_hash": row.request_hash,
            "claim": row.claim,
            "claimed_at": row.claimed_at,
            "has_written": False,
            "sealed_answer": None,
            "until": row.until,
        }
        if instead_of is None:
            self._connection.execute(insert(api_answers).values(replay_hash=replay_hash, **values))
        elif not self._change(_held_by(replay_hash, instead_of.claim).values(**values)):
            raise RaceLost

    def note_written(self, replay_hash: bytes, claim: bytes) -> bool:
        """Record that something was changed; False if somebody else has the request by now."""
        return self._change(_held_by(replay_hash, claim).values(has_written=True))

    def keep(self, replay_hash: bytes, claim: bytes, answer: bytes, until: int) -> bool:
        """Keep the answer until then; False if somebody else has the request by now."""
        sealed = self._sealer.seal(answer, _place(replay_hash))
        return self._change(_held_by(replay_hash, claim).values(sealed_answer=sealed, answer_until=until))

    def drop(self, replay_hash: bytes, claim: bytes) -> None:
        """Forget a request that changed nothing."""
        held = (api_answers.c.replay_hash == replay_hash, api_answers.c.claim == claim)
        self._connection.execute(delete(api_answers).where(*held, api_answers.c.has_written.is_(False)))

    def prune(self, now_seconds: int) -> int:
        """Forget what is too old; answers how many."""
        stale = (api_answers.c.answer_until <= now_seconds, api_answers.c.sealed_answer.is_not(None))
        self._connection.execute(update(api_answers).where(*stale).values(sealed_answer=None))
        return self._connection.execute(delete(api_answers).where(api_answers.c.until <= now_seconds)).rowcount

    def _change(self, statement: Any) -> bool:
        return bool(self._connection.execute(statement).rowcount == 1)


def _held_by(replay_hash: bytes, claim: bytes) -> Update:
    return update(api_answers).where(api_answers.c.replay_hash == replay_hash, api_answers.c.claim == claim)
