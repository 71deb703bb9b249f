"""What pairing in steps needs from the store."""

import enum
import hmac
from dataclasses import dataclass, field
from typing import Protocol

from watchword.domain.tokens import Kind


class Stage(enum.StrEnum):
    """What a flow's next form is to bring."""

    NUMBER = "number"
    SERIAL = "serial"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Flow:
    """A pairing that has begun and is not finished; an account has one at most. Times are seconds since 1970.

    `name` is drawn anew for each flow. `step` goes up with each form that was taken, `shown` says that the step's page
    has been seen. `serial` is the token's to be. `secret` is the seed of a soft token, the number of an sms one; `code`
    is what was texted, in the message `issue` of the outbox. `wrong` counts wrong codes.
    """

    account: str
    name: bytes = field(repr=False)
    session_hash: bytes = field(repr=False)
    kind: Kind
    step: int
    shown: bool
    serial: str
    secret: bytes = field(repr=False)
    code: str = field(repr=False)
    issue: str
    wrong: int
    ends_at: int

    @property
    def ticket(self) -> str:
        """What the form of this step carries."""
        return f"{self.name.hex()}-{self.step}"

    @property
    def stage(self) -> Stage:
        """What is asked for next."""
        if self.kind is Kind.SMS and not self.issue:
            return Stage.NUMBER
        return Stage.CODE if self.serial else Stage.SERIAL

    def is_ticket(self, ticket: str) -> bool:
        """Tell whether a form is of this very step, in constant time."""
        return hmac.compare_digest(self.ticket.encode("ascii"), ticket.encode("utf-8", "surrogatepass"))


class Flows(Protocol):
    """The rows of pairings that have begun."""

    def find(self, account: str) -> Flow | None:
        """Find an account's flow, and lock it."""

    def put(self, flow: Flow) -> None:
        """Begin a flow; the account's last one must be gone."""

    def move(self, before: Flow, after: Flow) -> bool:
        """Write how a flow went on; False if somebody else moved it, or took it away."""

    def take(self, flow: Flow) -> bool:
        """Take a flow away, at this very step; False if somebody else moved it, or took it."""

    def overdue(self, now_seconds: int, limit: int) -> list[Flow]:
        """List flows that have ended by time."""
