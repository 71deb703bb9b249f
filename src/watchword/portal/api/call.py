"""One request of somebody who holds a key: who they are, and the services that act in their name."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from watchword.services.administer import Administrator
from watchword.services.api_keys_admission import Caller
from watchword.services.api_pairing import TwoStepPairer
from watchword.services.pair import Pairer
from watchword.services.portal_ports import PortalStore
from watchword.services.ports import Seal
from watchword.services.replay_protection import Claim, ReplayProtection
from watchword.wiring import login_policy, make_administrator, make_pairer
from watchword.wiring.portal import Desk


@dataclass(frozen=True)
class Call:
    """One request; `claim` is what its Idempotency-Key stands for, if it has one."""

    desk: Desk
    caller: Caller
    seal: Seal
    replays: ReplayProtection
    claim: Claim | None

    @cached_property
    def store(self) -> PortalStore:
        """The rows; each change notes that this request made it."""
        return self.replays.store_for(self.claim) if self.claim is not None else self.desk.store

    def pairer(self, why: str = "") -> Pairer:
        """Answer the pairer that acts for the caller."""
        who = self.caller
        return make_pairer(
            self.desk.settings, self.store, self.desk.clock, actor=who.actor, why=why, address=who.address
        )

    def administrator(self, why: str = "") -> Administrator:
        """Answer the administrator that acts for the caller."""
        who = self.caller
        return make_administrator(
            self.desk.settings, self.store, self.desk.clock, actor=who.actor, why=why, address=who.address
        )

    def two_step_pairer(self, why: str = "") -> TwoStepPairer:
        """Answer what pairs people who prove that they have the token."""
        return TwoStepPairer(
            self.store,
            self.seal,
            self.pairer(why),
            self.desk.throttle,
            clock=self.desk.clock,
            random_octets=os.urandom,
            issuer=self.desk.settings.soft.issuer,
            drift_seconds=self.desk.settings.soft.drift_seconds,
            text=login_policy(self.desk.settings).sent_code_text,
        )

    def note_written(self) -> None:
        """Say that something is about to be changed where the store's transactions do not reach: by the keeper."""
        if self.claim is not None:
            self.replays.note_written(self.claim)


def the_call(request: Request) -> Call:
    """Answer what the route made of the request."""
    call: Call = request.state.call
    return call


Calling = Annotated[Call, Depends(the_call)]
