"""Tie tokens to accounts."""

from collections.abc import Callable
from dataclasses import dataclass, field

from watchword.clock import Clock
from watchword.domain.accounts import check_account_name
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.errors import Conflict, NotFound
from watchword.domain.otp import SECRET_OCTETS, OtpProfile, provisioning_uri
from watchword.domain.phones import parse_phone
from watchword.domain.tokens import Kind, Token, check_label, check_serial, check_static_code, make_serial
from watchword.services.ports import Store, Work
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
    """Pairs and unpairs, in `actor`'s name."""

    def __init__(
        self, store: Store, *, clock: Clock, random_octets: Callable[[int], bytes], issuer: str, actor: str = ""
    ) -> None:
        self._store = store
        self._clock = clock
        self._random_octets = random_octets
        self._issuer = issuer
        self._actor = actor

    def add_soft(
        self, account: str, *, profile: OtpProfile = NO_PROFILE, secret: bytes | None = None, label: str = ""
    ) -> NewToken:
        """Pair a phone app; answers the URI that it scans. Raises InvalidValue, Conflict."""
        seed = secret if secret is not None else self._random_octets(SECRET_OCTETS)
        token = self._token(Kind.SOFT, seed, profile, label)
        self._pair(account, token)
        return NewToken(token.serial, otpauth=provisioning_uri(seed, profile, account=account, issuer=self._issuer))

    def add_sms(self, account: str, phone: str, *, country_code: str, label: str = "") -> NewToken:
        """Pair a telephone; raises InvalidValue, Conflict."""
        number = parse_phone(phone, default_country_code=country_code)
        token = self._token(Kind.SMS, number.encode("ascii"), NO_PROFILE, label)
        self._pair(account, token)
        return NewToken(token.serial)

    def add_static(self, account: str, *, code: str | None = None, label: str = "") -> NewToken:
        """Give a training account a code that does not change; raises InvalidValue, Conflict."""
        chosen = check_static_code(code) if code is not None else draw_digits(self._random_octets)
        token = self._token(Kind.STATIC, chosen.encode("ascii"), NO_PROFILE, label)
        self._pair(account, token)
        return NewToken(token.serial, code=chosen)

    def add_hard(
        self, account: str, serial: str, *, secret: bytes | None, profile: OtpProfile = NO_PROFILE, label: str = ""
    ) -> NewToken:
        """Pair a fob: one from the drawer, or with a seed given here. Raises NotFound, InvalidValue, Conflict."""
        check_serial(serial)
        if secret is None:
            self.assign(serial, account)
        else:
            self._pair(account, Token(serial, Kind.HARD, secret, profile, label=check_label(label)))
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
            owner = rows.accounts.ensure(account)
            rank = self._next_rank(rows, owner.account_id)
            rows.tokens.set_owner(owned, owner)
            rows.tokens.set_rank(serial, rank)
            rows.audit.record([self._event(account, serial, "paired", owned.token.kind)])

        self._store.write(work)

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
            rows.audit.record([self._event(owned.account, serial, "unpaired", owned.token.kind)])

        self._store.write(work)

    def remove(self, serial: str) -> None:
        """Remove a token for good; raises NotFound."""

        def work(rows: Work) -> None:
            owned = rows.tokens.find(serial)
            if owned is None:
                raise NotFound(f"there is no token {serial}")
            rows.tokens.remove(serial)
            rows.audit.record([self._event(owned.account, serial, "removed", owned.token.kind)])

        self._store.write(work)

    def _token(self, kind: Kind, secret: bytes, profile: OtpProfile, label: str) -> Token:
        return Token(make_serial(kind, self._random_octets(4)), kind, secret, profile, label=check_label(label))

    def _pair(self, account: str, token: Token) -> None:
        check_account_name(account)

        def work(rows: Work) -> None:
            owner = rows.accounts.ensure(account)
            rank = self._next_rank(rows, owner.account_id)
            rows.tokens.add(token, owner, int(self._clock()))
            rows.tokens.set_rank(token.serial, rank)
            rows.audit.record([self._event(account, token.serial, "paired", token.kind)])

        self._store.write(work)

    def _next_rank(self, rows: Work, account_id: int) -> int:
        ranks = rows.tokens.ranks(account_id)
        if len(ranks) >= MOST_TOKENS:
            raise Conflict(f"the account has {len(ranks)} tokens already", hint="remove one that is not used any more")
        return max(ranks, default=-1) + 1

    def _event(self, account: str, serial: str, reason: str, kind: Kind) -> AuditEvent:
        return AuditEvent(
            at_milliseconds=int(self._clock() * 1000),
            kind=EventKind.PAIRING,
            result=Result.DONE,
            account=account,
            serial=serial,
            reason=reason,
            actor=self._actor,
            detail=kind.value,
        )
