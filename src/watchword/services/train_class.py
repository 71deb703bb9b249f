"""Training classes: accounts by the dozen, each with a code that does not change."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from watchword.domain.accounts import check_account_name
from watchword.domain.errors import Conflict, InvalidValue
from watchword.domain.otp import OtpProfile
from watchword.domain.tokens import Kind, Token, make_serial
from watchword.services.administer import Administrator, ClassCode
from watchword.services.pair import Pairer
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports_tokens import TokenFacts
from watchword.services.text_codes import draw_digits

MOST_PLACES = 200
"""In one class."""

SHORTEST_BEGINNING = 3
"""Characters before the number: a class is not everybody whose name begins with an s."""

_RANGE = re.compile(r"(?P<stem>[A-Za-z0-9._-]*[A-Za-z._-])(?P<first>[0-9]{1,6})\.\.(?:(?P=stem))?(?P<last>[0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Training:
    """A class: its accounts, and which of them have tokens already."""

    accounts: list[str]
    tokens: list[TokenFacts] = field(default_factory=list)

    @property
    def static(self) -> list[TokenFacts]:
        """The codes that can be drawn anew."""
        return [token for token in self.tokens if token.kind is Kind.STATIC]

    @property
    def other(self) -> list[TokenFacts]:
        """Tokens that no training account should have."""
        return [token for token in self.tokens if token.kind is not Kind.STATIC]


class ClassMaker:
    """Makes classes and gives them new codes, in the name of whoever `pairer` and `administrator` act for."""

    def __init__(self, store: PortalStore, *, random_octets: Callable[[int], bytes]) -> None:
        self._store = store
        self._random_octets = random_octets

    def look(self, spelled: str) -> Training:
        """Show a class that was spelled `train01..train30`; raises InvalidValue."""
        accounts = spell_out(spelled)
        return self._store.read(lambda rows: _training(rows, accounts))

    def make(self, spelled: str, pairer: Pairer) -> list[ClassCode]:
        """Pair each account with a code, all or none; raises InvalidValue, and Conflict if one has a token already."""
        accounts = spell_out(spelled)

        def work(rows: PortalWork) -> list[ClassCode]:
            for account in accounts:  # locked before they are looked at: somebody else may be making the same class
                rows.accounts.ensure(account)
            if taken := _training(rows, accounts).tokens:
                raise Conflict(
                    f"{taken[0].account} has a token already, {taken[0].serial}; nothing was made",
                    hint="draw new codes for a class that is there",
                )
            return [self._pair(rows, pairer, account) for account in accounts]

        return self._store.write(work)

    def renew(self, spelled: str, administrator: Administrator) -> list[ClassCode]:
        """Draw a new code for every account of a class that has one, all or none; raises InvalidValue, NotFound."""
        return administrator.redraw(spell_out(spelled))

    def _pair(self, rows: PortalWork, pairer: Pairer, account: str) -> ClassCode:
        code = draw_digits(self._random_octets)
        serial = make_serial(Kind.STATIC, self._random_octets(4))
        pairer.tie(rows, account, Token(serial, Kind.STATIC, code.encode("ascii"), OtpProfile()))
        return ClassCode(account, serial, code)


def spell_out(spelled: str) -> list[str]:
    """List the accounts of `train01..train30`; raises InvalidValue."""
    found = _RANGE.fullmatch(spelled.strip().replace(" ", ""))
    if found is None:
        raise InvalidValue("that is not a class", hint="write its first and last account, as train01..train30")
    stem, first, last = found["stem"], found["first"], found["last"]
    if len(stem) < SHORTEST_BEGINNING:
        raise InvalidValue(f"the name before the number has fewer than {SHORTEST_BEGINNING} characters")
    places = range(int(first), int(last) + 1)
    if not 0 < len(places) <= MOST_PLACES:
        raise InvalidValue(f"a class has 1 to {MOST_PLACES} places", hint="write the lower number first")
    return [check_account_name(f"{stem}{place:0{len(first)}}") for place in places]


def _training(rows: PortalWork, accounts: list[str]) -> Training:
    tokens = [token for account in accounts for token in rows.tokens.describe_page("", MOST_PLACES, account=account)]
    return Training(accounts, tokens)
