"""Pairings that have begun."""

import json
import logging
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from watchword.domain.errors import KeyringError, SealError
from watchword.domain.tokens import Kind
from watchword.services.ports import Seal
from watchword.services.ports_flows import Flow
from watchword.store.portal_schema import flows

log = logging.getLogger(__name__)


class FlowRows:
    """Verbs on pairings that have begun, in one transaction."""

    def __init__(self, connection: Connection, sealer: Seal) -> None:
        self._connection = connection
        self._sealer = sealer

    def find(self, account: str) -> Flow | None:
        """Find an account's flow, and lock it; one that cannot be opened is taken away."""
        row = self._connection.execute(select(flows).where(flows.c.account == account).with_for_update()).first()
        return self._flow(row) if row is not None else None

    def put(self, flow: Flow) -> None:
        """Begin a flow; the account's last one must be gone."""
        self._connection.execute(insert(flows).values(account=flow.account, name=flow.name, **self._values(flow)))

    def move(self, before: Flow, after: Flow) -> bool:
        """Write how a flow went on; False if somebody else moved it, or took it away."""
        moved = update(flows).where(_is(before), flows.c.shown == before.shown).values(**self._values(after))
        return self._connection.execute(moved).rowcount == 1

    def take(self, flow: Flow) -> bool:
        """Take a flow away, at this very step; False if somebody else moved it, or took it."""
        return self._connection.execute(delete(flows).where(_is(flow))).rowcount == 1

    def overdue(self, now_seconds: int, limit: int) -> list[Flow]:
        """List flows that have ended by time."""
        query = select(flows).where(flows.c.ends_at <= now_seconds).order_by(flows.c.ends_at).limit(limit)
        found = [self._flow(row) for row in self._connection.execute(query).all()]
        return [flow for flow in found if flow is not None]

    def _values(self, flow: Flow) -> dict[str, Any]:
        state = json.dumps({"secret": flow.secret.hex(), "code": flow.code}).encode("ascii")
        return {
            "session_hash": flow.session_hash,
            "kind": flow.kind.value,
            "step": flow.step,
            "shown": flow.shown,
            "serial": flow.serial,
            "sealed_state": self._sealer.seal(state, _place(flow.account, flow.name)),
            "issue": flow.issue,
            "wrong": flow.wrong,
            "ends_at": flow.ends_at,
        }

    def _flow(self, row: Row[Any]) -> Flow | None:
        try:
            state = json.loads(self._sealer.unseal(row.sealed_state, _place(row.account, row.name)))
        except (SealError, KeyringError) as error:
            log.error("the pairing that %s began cannot be used: %s", row.account, error)
            self._connection.execute(delete(flows).where(flows.c.account == row.account))
            return None
        return Flow(
            account=row.account,
            name=row.name,
            session_hash=row.session_hash,
            kind=Kind(row.kind),
            step=row.step,
            shown=bool(row.shown),
            serial=row.serial,
            secret=bytes.fromhex(state["secret"]),
            code=state["code"],
            issue=row.issue,
            wrong=row.wrong,
            ends_at=row.ends_at,
        )


def _is(flow: Flow) -> ColumnElement[bool]:
    return and_(flows.c.account == flow.account, flows.c.name == flow.name, flows.c.step == flow.step)


def _place(account: str, name: bytes) -> str:
    return f"flows.sealed_state/{account}/{name.hex()}"
