"""What operators do: locks, failures, clocks of tokens, files of fobs, training classes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from watchword.clock import Clock
from watchword.domain.accounts import check_account_name
from watchword.domain.audit import EventKind
from watchword.domain.errors import Conflict, NotFound
from watchword.domain.lockout import LockoutPolicy, Standing
from watchword.domain.phones import mask_phone
from watchword.domain.seeds import SeedRow
from watchword.domain.tokens import Kind, Token, check_label
from watchword.services.actor import Actor
from watchword.services.ports import Account, Store, Work
from watchword.services.ports_tokens import TokenFacts
from watchword.services.resync import Resyncer
from watchword.services.text_codes import draw_digits

PAGE = 1000


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as an operator sees it; `locked` says why it cannot log in now, empty if it can."""

    name: str
    failures: int
    locked: str
    locked_until: int
    tokens: list[TokenFacts]


@dataclass(frozen=True, slots=True)
class ClassCode:
    """A training account's new code."""

    account: str
    serial: str
    code: str = field(repr=False)


class Administrator:
    """Acts in `actor`'s name, and leaves a line in the audit log each time.

    With `announce`, the directory is told when a token begins or ceases to count. Only `resync` and `masked_phones`
    read a seed.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        random_octets: Callable[[int], bytes],
        lockout: LockoutPolicy,
        actor: str = "",
        why: str = "",
        address: str = "",
        announce: bool = False,
    ) -> None:
        """Take the ports, what a centre has decided, and who acts, why, and from where.

        Raises InvalidValue for a reason that cannot be written down.
        """
        self._store = store
        self._clock = clock
        self._random_octets = random_octets
        self._lockout = lockout
        self._actor = Actor(actor, why, address)
        self._announce = announce

    def view(self, name: str) -> AccountView:
        """Show an account; raises NotFound."""

        def work(rows: Work) -> AccountView:
            account = rows.accounts.find(name)
            if account is None:
                raise _unknown(name)
            return self._view(account, rows.tokens.describe_page("", PAGE, account=name))

        return self._store.read(work)

    def _view(self, account: Account, tokens: list[TokenFacts]) -> AccountView:
        standing = account.standing.at(self._clock())
        locked = "held by an operator" if standing.held else "too many failed codes" if standing.locked_until else ""
        ordered = sorted(tokens, key=lambda token: (token.rank, token.serial))
        return AccountView(account.name, standing.failures, locked, standing.locked_until, ordered)

    def accounts(self, after: str = "", limit: int = PAGE) -> list[AccountView]:
        """List accounts by name, beyond `after`, without their tokens."""
        return self._store.read(lambda rows: [self._view(found, []) for found in rows.accounts.page(after, limit)])

    def tokens(
        self, after: str = "", limit: int = PAGE, *, account: str | None = None, pattern: str | None = None
    ) -> list[TokenFacts]:
        """List tokens by serial, beyond `after`."""
        return self._store.read(lambda rows: rows.tokens.describe_page(after, limit, account=account, pattern=pattern))

    def token(self, serial: str) -> TokenFacts:
        """Show a token; raises NotFound."""
        return self._store.read(lambda rows: _find(rows, serial))

    def masked_phones(self, after: str = "", limit: int = PAGE, *, account: str | None = None) -> dict[str, str]:
        """Answer what may be shown of the telephones of the sms tokens that `tokens` lists, by serial."""

        def work(rows: Work) -> dict[str, str]:
            owned = (owned.token for owned in rows.tokens.page(after, limit, account=account))
            return {token.serial: mask_phone(token.secret.decode("ascii")) for token in owned if token.kind is Kind.SMS}

        return self._store.read(work)

    def lock(self, name: str) -> None:
        """Hold an account, paired or not: no code opens it until `unlock`. Raises InvalidValue."""
        check_account_name(name)
        self._store.write(lambda rows: rows.accounts.ensure(name))
        self._change_standing(name, "locked", lambda standing: replace(standing, held=True))

    def unlock(self, name: str) -> None:
        """Open an account, whoever or whatever locked it; raises NotFound."""
        self._change_standing(name, "unlocked", lambda _standing: Standing())

    def clear_failures(self, name: str) -> None:
        """Start a new count of failures, which also ends a lockout; an operator's own lock stays. Raises NotFound."""
        self._change_standing(name, "failures cleared", lambda standing: Standing(held=standing.held))

    def _change_standing(self, name: str, what: str, change: Callable[[Standing], Standing]) -> None:
        def work(rows: Work) -> None:
            account = rows.accounts.lock([name]).get(name)
            if account is None:
                raise _unknown(name)
            rows.accounts.set_standing(account.account_id, change(account.standing))
            # A locked account's text messages were never sent: the next one asked for must be.
            rows.sent_codes.withdraw([token.serial for token in rows.tokens.describe_page("", PAGE, account=name)])
            self._record(rows, what, account=name)
            if self._announce:  # a held account without a token has to look paired, or nodes would let it in
                rows.announcements.note(name, int(self._clock()))

        self._store.write(work)

    def set_enabled(self, serial: str, *, enabled: bool) -> None:
        """Let a token be used, or not; raises NotFound."""

        def work(rows: Work) -> None:
            token = _find(rows, serial)
            rows.tokens.set_enabled(serial, enabled=enabled)
            self._record(rows, "token enabled" if enabled else "token disabled", account=token.account, serial=serial)
            if self._announce and token.account:
                rows.announcements.note(token.account, int(self._clock()))

        self._store.write(work)

    def rename(self, serial: str, label: str) -> None:
        """Give a token its owner's name for it; raises NotFound, InvalidValue."""
        check_label(label)

        def work(rows: Work) -> None:
            token = _find(rows, serial)
            rows.tokens.set_label(serial, label)
            self._record(rows, "token renamed", account=token.account, serial=serial)

        self._store.write(work)

    def make_first(self, serial: str) -> None:
        """Make a token the first of its account's: the one that a login asks for. Raises NotFound, Conflict."""

        def work(rows: Work) -> None:
            token = _find(rows, serial)
            if not token.account:
                raise Conflict(f"token {serial} belongs to no account")
            others = rows.tokens.describe_page("", PAGE, account=token.account)
            others.sort(key=lambda other: (other.serial != serial, other.rank, other.serial))
            # Beyond them all first: no two may have the same rank even for a moment.
            beyond = 1 + max(other.rank for other in others)
            for start in (beyond, 0):
                for rank, other in enumerate(others, start):
                    rows.tokens.set_rank(other.serial, rank)
            self._record(rows, "token made first", account=token.account, serial=serial)
            if self._announce:
                rows.announcements.note(token.account, int(self._clock()))

        self._store.write(work)

    def resync(self, serial: str, first: str, second: str) -> int:
        """Find a token's clock again by two consecutive codes; answers its drift in seconds.

        Raises NotFound, Conflict for a token without a clock, InvalidValue if the codes are not two new ones in a row.
        """
        resyncer = Resyncer(self._store, self._clock, self._lockout, self._actor)
        return resyncer.resync(serial, first, second)

    def import_seeds(self, seeds: Sequence[SeedRow], progress: Callable[[int], None] = lambda _count: None) -> int:
        """Put fobs in the drawer, all or none; answers how many. Raises Conflict if a serial is taken.

        `progress` is told how many were written since it was last told.
        """
        tokens = [_fob(seed) for seed in seeds]

        def work(rows: Work) -> int:
            for start in range(0, len(tokens), PAGE):
                some = tokens[start : start + PAGE]
                rows.tokens.add_many(some, int(self._clock()))
                progress(len(some))
            self._record(rows, f"{len(tokens)} fobs imported")
            return len(tokens)

        return self._store.write(work)

    def regenerate_class(self, pattern: str) -> list[ClassCode]:
        """Draw a new code for every static token of the accounts that a glob names; answers them by account."""

        def work(rows: Work) -> list[ClassCode]:
            codes: list[ClassCode] = []
            after = ""
            while page := rows.tokens.describe_page(after, PAGE, pattern=pattern):
                after = page[-1].serial
                codes.extend(self._redraw(rows, token) for token in page if token.kind is Kind.STATIC)
            if not codes:
                raise NotFound(f"no account like {pattern!r} has a static token")
            return sorted(codes, key=lambda code: code.account)

        return self._store.write(work)

    def redraw(self, accounts: Sequence[str]) -> list[ClassCode]:
        """Draw a new code for every static token of these accounts, all or none; raises NotFound if there is none."""

        def work(rows: Work) -> list[ClassCode]:
            tokens = [token for name in accounts for token in rows.tokens.describe_page("", PAGE, account=name)]
            codes = [self._redraw(rows, token) for token in tokens if token.kind is Kind.STATIC]
            if not codes:
                raise NotFound("none of these accounts has a static token")
            return codes

        return self._store.write(work)

    def _redraw(self, rows: Work, token: TokenFacts) -> ClassCode:
        code = draw_digits(self._random_octets)
        rows.tokens.set_secret(token.serial, code.encode("ascii"))
        self._record(rows, "static code redrawn", account=token.account, serial=token.serial)
        return ClassCode(token.account, token.serial, code)

    def _record(self, rows: Work, what: str, *, account: str = "", serial: str = "") -> None:
        now = self._clock()
        rows.audit.record([self._actor.event(now, EventKind.ADMINISTRATION, what, account=account, serial=serial)])


def _fob(seed: SeedRow) -> Token:
    drift = seed.drift_steps
    return Token(seed.serial, Kind.HARD, seed.secret, seed.profile, drift_steps=drift, base_drift_steps=drift)


def _find(rows: Work, serial: str) -> TokenFacts:
    found = rows.tokens.describe(serial)
    if found is None:
        raise _no_token(serial)
    return found


def _no_token(serial: str) -> NotFound:
    return NotFound(f"there is no token {serial}", hint="`watchword token list` shows them")


def _unknown(name: str) -> NotFound:
    return NotFound(f"no account {name!r} has ever been paired", hint="`watchword token add` pairs one")
