"""What the use cases need from outside: each port as small as its use."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

from watchword.domain.audit import AuditEvent, ChainedEvent
from watchword.domain.lockout import Standing
from watchword.domain.people import Person
from watchword.domain.tokens import Token
from watchword.services.ports_tokens import Announcements, SeedBlindTokens

Result = TypeVar("Result")

NOBODY = 0
"""The account id that no row has."""


class Account(NamedTuple):
    """An account's row."""

    account_id: int
    name: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Holder:
    """An account and all its tokens, in rank order, their secrets unsealed."""

    account: Account
    tokens: list[Token]


class StepClaim(NamedTuple):
    """Time steps of a token, from the first that was claimed to the last, to be recorded as used.

    `drift_steps` is how far off the token's clock was.
    """

    serial: str
    first_step: int
    step: int
    drift_steps: int


@dataclass(frozen=True, slots=True)
class SentCode:
    """The code that was texted last for a token; `issue` names this very code."""

    serial: str
    issue: str
    code: str = field(repr=False)
    sent_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A text message in the outbox; `issue` names the code in it."""

    issue: str
    serial: str
    account: str
    phone: str = field(repr=False)
    text: str = field(repr=False)
    attempts: int
    due_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class OwnedToken:
    """A token, and the account it is paired with (empty for none); times are seconds since 1970."""

    token: Token
    account: str
    created_at: int
    last_used_at: int | None


@dataclass(frozen=True, slots=True)
class Resealed:
    """How far a resealing came: the last serial looked at (empty at the end), what it changed and could not open."""

    last: str
    changed: int
    damaged: list[str]


class Accounts(Protocol):
    """The accounts' rows."""

    def lock(self, names: Collection[str]) -> dict[str, Account]:
        """Find accounts by name and keep others from changing them until this work ends."""

    def ensure(self, name: str) -> Account:
        """Find an account, making its row if there is none, and lock it as `lock` does."""

    def set_standing(self, account_id: int, standing: Standing) -> None:
        """Write an account's standing; it must be locked."""

    def find(self, name: str) -> Account | None:
        """Find an account without locking it."""

    def page(self, after: str, limit: int) -> list[Account]:
        """List accounts by name, from the first beyond `after`."""


class Logins(Protocol):
    """What a batch of logins reads and writes, in as many statements for a hundred as for one."""

    def lock(self, names: Collection[str]) -> dict[str, Holder]:
        """Find accounts and all their tokens, and keep others from changing them until this work ends."""

    def spend_steps(self, claims: Sequence[StepClaim], now_seconds: int) -> None:
        """Record time steps as used; if any, or a later one, already was, the whole work is begun anew."""

    def set_standings(self, standings: Mapping[int, Standing]) -> None:
        """Write the standing of each account, by its row's id; an id that no row has is written nowhere."""

    def touch(self, serials: Collection[str], now_seconds: int) -> None:
        """Record that tokens were used."""


class Tokens(SeedBlindTokens, Protocol):
    """The tokens' rows."""

    def add(self, token: Token, owner: Account | None, now_seconds: int) -> None:
        """Add a token; raises Conflict if its serial is taken."""

    def add_many(self, tokens: Sequence[Token], now_seconds: int) -> None:
        """Add tokens of no account, all or none; raises Conflict naming a serial that is taken."""

    def find(self, serial: str) -> OwnedToken | None:
        """Find a token by its serial, its secret unsealed, and lock it."""

    def page(
        self, after: str, limit: int, *, account: str | None = None, pattern: str | None = None
    ) -> list[OwnedToken]:
        """List tokens by serial, from the first beyond `after`; by account or by a glob on the account's name."""

    def set_owner(self, owned: OwnedToken, owner: Account | None) -> None:
        """Tie a token to an account, or to none; raises Conflict if its secret cannot be opened."""

    def resync(self, serial: str, step: int, drift_steps: int) -> bool:
        """Spend a step and remember the drift; False if the step was spent already."""

    def reseal(self, after: str, limit: int) -> Resealed:
        """Seal with the primary key what others sealed, in serials beyond `after`."""


class SentCodes(Protocol):
    """The codes that were texted."""

    def of_tokens(self, serials: Collection[str]) -> Mapping[str, SentCode]:
        """Find the code texted last for each token."""

    def issue(self, code: SentCode) -> None:
        """Record a code, in place of the token's last one."""

    def spend(self, serial: str, issue: str) -> bool:
        """Take a code away; False if somebody else did already."""

    def withdraw(self, serials: Collection[str]) -> None:
        """Take away the codes that were texted for tokens, unread."""


class Outbox(Protocol):
    """Text messages that have still to leave."""

    def put(self, message: TextMessage) -> None:
        """Leave a message to be sent after this work is done."""

    def any_due(self, now_seconds: int) -> bool:
        """Tell whether a message is due."""

    def claim(self, now_seconds: int, limit: int, hold_seconds: int) -> list[TextMessage]:
        """Take due messages, so that nobody else takes them for the next `hold_seconds`."""

    def postpone(self, issue: str, due_at: int) -> None:
        """Try a message again later."""

    def remove(self, issue: str) -> None:
        """Take a message out."""


class AuditTrail(Protocol):
    """The audit log."""

    def record(self, events: Sequence[AuditEvent]) -> None:
        """Append events to this writer's chain, in this work's transaction."""

    def page(self, before_id: int | None, limit: int, *, account: str | None = None) -> list[tuple[int, ChainedEvent]]:
        """List events with their row numbers, newest first."""

    def since(self, after_id: int, limit: int) -> list[tuple[int, ChainedEvent]]:
        """List events with their row numbers, oldest first, beyond a row."""

    def chain(self, writer: str) -> Iterator[ChainedEvent]:
        """Walk one writer's chain from its beginning."""

    def heads(self) -> dict[str, tuple[int, bytes]]:
        """Answer each writer's last sequence number and MAC."""

    def writers(self) -> list[str]:
        """List every writer that has a row."""


class Work(Protocol):
    """One transaction: everything in it happens, or nothing does."""

    @property
    def logins(self) -> Logins:
        """The rows that logins touch."""

    @property
    def accounts(self) -> Accounts:
        """The accounts' rows."""

    @property
    def tokens(self) -> Tokens:
        """The tokens' rows."""

    @property
    def sent_codes(self) -> SentCodes:
        """The codes that were texted."""

    @property
    def outbox(self) -> Outbox:
        """The messages that wait."""

    @property
    def announcements(self) -> Announcements:
        """What the directory has still to be told."""

    @property
    def audit(self) -> AuditTrail:
        """The audit log."""


class Store(Protocol):
    """Where the rows are; both raise StoreUnavailable."""

    def write(self, work: Callable[[Work], Result]) -> Result:
        """Do the work in one transaction; it may be begun anew, so it must change nothing but rows."""

    def read(self, work: Callable[[Work], Result]) -> Result:
        """Do work that changes nothing."""


class Seal(Protocol):
    """Seals what leaves the store's rows: the handles of challenges."""

    def seal(self, secret: bytes, place: str) -> bytes:
        """Seal a secret for one place."""

    def unseal(self, sealed: bytes, place: str) -> bytes:
        """Open what was sealed for this place; raises SealError, KeyringError."""

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether the primary key sealed this."""


class TextSender(Protocol):
    """Hands a text message to a carrier."""

    def send(self, phone: str, text: str) -> str:
        """Hand over a message and answer the carrier's name for it; raises DeliveryFailed."""


class Directory(Protocol):
    """Knows who an account is."""

    def find(self, account: str) -> Person | None:
        """Find the person behind an account, or None; raises DirectoryUnavailable."""
