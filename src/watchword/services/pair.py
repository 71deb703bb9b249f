"""Tie tokens to accounts."""

from collections.abc import Callable
from dataclasses import dataclass, field

from watchword.clock import Clock
from watchword.domain.accounts import check_account_name
from watchword.domain.audit import EventKind
from watchword.domain.errors import Conflict, NotFound
from watchword.domain.otp import SECRET_OCTETS, OtpProfile, provisioning_uri
from watchword.domain.phones import parse_phone
from watchword.domain.tokens import Kind, Token, check_label, check_serial, check_static_code, make_serial
from watchword.services.actor import Actor
from watchword.services.ports import OwnedToken, Store, Work
from watchword.services.ports_tokens import TokenFacts
from watchword.services.text_codes import draw_digits

MOST_TOKENS = 10
"""Tokens of one account: each is one more code that a guess may hit."""

NO_PROFILE = OtpProfile()


@dataclass(frozen=True, slots=True)
class NewToken:
    """What the owner of a new token is told, once."""

    serial: str
    otpauth: str = field(default="", repr=False)
    code: str = field(default="", repr=False)


class Pairer:
    """Pairs and unpairs, in `actor`'s name, and leaves a line in the audit log each time.

    With `announce`, the directory is told of every change. Only `assign` and `unassign` read a seed.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        random_octets: Callable[[int], bytes],
        issuer: str,
        actor: str = "",
        why: str = "",
        address: str = "",
        announce: bool = False,
    ) -> None:
        """Take the ports, and who acts: `actor` is empty for the person themself, `why` is an operator's reason.

        Raises InvalidValue for a reason that cannot be written down.
        """
        self._store = store
        self._clock = clock
        self._random_octets = random_octets
        self._issuer = issuer
        self.actor = Actor(actor, why, address)
        self._announce = announce

    def add_soft(
        self, account: str, *, profile: OtpProfile = NO_PROFILE, secret: bytes | None = None, label: str = ""
    ) -> NewToken:
        """Pair a phone app; answers the URI that it scans. Raises InvalidValue, Conflict."""
        check_account_name(account)
        seed = secret if secret is not None else self._random_octets(SECRET_OCTETS)
        token = self._token(Kind.SOFT, seed, profile, label)
        # Before anything is written: a pairing whose seed nobody was told would shut its owner out.
        new = NewToken(token.serial, otpauth=provisioning_uri(seed, profile, account=account, issuer=self._issuer))
        self._store.write(lambda rows: self.tie(rows, account, token))
        return new

    def add_sms(self, account: str, phone: str, *, country_code: str, label: str = "") -> NewToken:
        """Pair a telephone; raises InvalidValue, Conflict."""
        number = parse_phone(phone, default_country_code=country_code)
        token = self._token(Kind.SMS, number.encode("ascii"), NO_PROFILE, label)
        self._store.write(lambda rows: self.tie(rows, account, token))
        return NewToken(token.serial)

    def add_static(self, account: str, *, code: str | None = None, label: str = "") -> NewToken:
        """Give a training account a code that does not change; raises InvalidValue, Conflict."""
        chosen = check_static_code(code) if code is not None else draw_digits(self._random_octets)
        token = self._token(Kind.STATIC, chosen.encode("ascii"), NO_PROFILE, label)
        self._store.write(lambda rows: self.tie(rows, account, token))
        return NewToken(token.serial, code=chosen)

    def add_hard(
        self, account: str, serial: str, *, secret: bytes | None, profile: OtpProfile = NO_PROFILE, label: str = ""
    ) -> NewToken:
        """Pair a fob: one from the drawer, or with a seed given here. Raises NotFound, InvalidValue, Conflict."""
        check_serial(serial)
        if secret is None:
            self.assign(serial, account)
        else:
            token = Token(serial, Kind.HARD, secret, profile, label=check_label(label))
            self._store.write(lambda rows: self.tie(rows, account, token))
        return NewToken(serial)

    def assign(self, serial: str, account: str) -> None:
        """Tie a fob from the drawer to an account; raises NotFound, Conflict, InvalidValue."""
        check_account_name(account)

        def work(rows: Work) -> None:
            owned = rows.tokens.find(serial)
            if owned is None:
                raise NotFound(f"there is no token {serial}", hint="`watchword token import` brings fobs in")
            if owned.account:
                raise Conflict(
                    f"token {serial} belongs to {owned.account}", hint=f"`watchword token unassign {serial}` first"
                )
            self.give(rows, owned, account)

        self._store.write(work)

    def give(self, rows: Work, owned: OwnedToken, account: str) -> None:
        """Give an account a token that is nobody's, as part of a larger piece of work; raises Conflict."""
        serial = owned.token.serial
        owner = rows.accounts.ensure(account)
        rank = self._next_rank(rows, owner.account_id)
        rows.tokens.set_rank(serial, rank)
        rows.tokens.set_owner(owned, owner)
        self._record(rows, "paired", account, serial, owned.token.kind)

    def unassign(self, serial: str) -> None:
        """Put a hard token back in the drawer; raises NotFound, Conflict for a token of another kind."""

        def work(rows: Work) -> None:
            owned = rows.tokens.find(serial)
            if owned is None or not owned.account:
                raise NotFound(f"there is no paired token {serial}")
            if owned.token.kind is not Kind.HARD:
                raise Conflict(
                    f"token {serial} is not a hard token, so nobody else can have it",
                    hint=f"`watchword token remove {serial}`",
                )
            rows.tokens.set_owner(owned, None)
            self._record(rows, "unpaired", owned.account, serial, owned.token.kind)

        self._store.write(work)

    def remove(self, serial: str, *, owner: str | None = None) -> TokenFacts:
        """Remove a token for good, only `owner`'s if one is named; answers what it was. Raises NotFound."""
        return self._store.write(lambda rows: self.untie(rows, serial, owner=owner))

    def untie(self, rows: Work, serial: str, *, owner: str | None = None) -> TokenFacts:
        """Do what `remove` does, as part of a larger piece of work."""
        facts = rows.tokens.describe(serial)
        if facts is None or (owner is not None and facts.account != owner):
            raise NotFound(f"there is no token {serial}")
        rows.tokens.remove(serial)
        self._record(rows, "removed", facts.account, serial, facts.kind)
        return facts

    def _token(self, kind: Kind, secret: bytes, profile: OtpProfile, label: str) -> Token:
        return Token(make_serial(kind, self._random_octets(4)), kind, secret, profile, label=check_label(label))

    def tie(self, rows: Work, account: str, token: Token) -> None:
        """Pair an account with a new token, as part of a larger piece of work; raises InvalidValue, Conflict."""
        check_account_name(account)
        owner = rows.accounts.ensure(account)
        rank = self._next_rank(rows, owner.account_id)
        rows.tokens.add(token._replace(rank=rank), owner, int(self._clock()))
        self._record(rows, "paired", account, token.serial, token.kind)

    def _next_rank(self, rows: Work, account_id: int) -> int:
        ranks = rows.tokens.ranks(account_id)
        if len(ranks) >= MOST_TOKENS:
            raise Conflict(f"the account has {len(ranks)} tokens already", hint="remove one that is not used any more")
        return max(ranks, default=-1) + 1

    def _record(self, rows: Work, what: str, account: str, serial: str, kind: Kind) -> None:
        """Write down what became of a pairing, and have the directory told."""
        now = self._clock()
        event = self.actor.event(now, EventKind.PAIRING, what, account=account, serial=serial, detail=kind.value)
        rows.audit.record([event])
        if self._announce and account:
            rows.announcements.note(account, int(now))
