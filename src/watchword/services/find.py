"""Find an account or a token by what the help desk has: the beginning of a name or a serial, or a person's name."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from watchword.clock import Clock
from watchword.domain.accounts import is_account_name
from watchword.domain.lockout import Standing
from watchword.domain.people import Person
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports import Account
from watchword.services.ports_search import FoundToken

HITS = 25
"""On one page."""

LONGEST_TYPED = 128

SHORTEST_PERSON = 3
"""Characters of a person's name or address that are worth asking the directory for."""

MOST_PEOPLE = 50


@runtime_checkable
class PeopleSearch(Protocol):
    """A directory that finds people by their names; not every one can."""

    def search(self, begins: str, limit: int) -> list[Person]:
        """List people of whom a name or the mail address begins so; raises DirectoryUnavailable."""


@dataclass(frozen=True, slots=True)
class AccountHit:
    """An account in a list: its tokens' kinds, and how it stands now."""

    name: str
    kinds: list[str]
    standing: Standing
    person: str = ""


@dataclass(frozen=True, slots=True)
class Hits:
    """A page of accounts and of tokens; each `more_…_after` is where its next page begins, empty at the end."""

    accounts: list[AccountHit]
    tokens: list[FoundToken]
    more_accounts_after: str = ""
    more_tokens_after: str = ""


class Finder:
    """Finds by index: a million accounts are searched as fast as a thousand."""

    def __init__(self, store: PortalStore, *, clock: Clock, people: PeopleSearch | None = None) -> None:
        """Take the ports; without `people`, nobody is found by a person's name."""
        self._store = store
        self._clock = clock
        self._people = people

    def find(self, typed: str, *, accounts_after: str = "", tokens_after: str = "", limit: int = HITS) -> Hits:
        """List what begins as typed; whoever is called exactly so is the first of their list."""
        wanted = typed.strip()[:LONGEST_TYPED]
        if not is_account_name(wanted):
            return Hits([], [])

        def work(rows: PortalWork) -> Hits:
            accounts = rows.search.accounts_like(_spellings(wanted, wanted.lower()), accounts_after, limit + 1)
            tokens = rows.search.serials_like(_spellings(wanted, wanted.upper()), tokens_after, limit + 1)
            return Hits(
                self._hits(rows, accounts[:limit]),
                tokens[:limit],
                accounts[limit - 1].name if len(accounts) > limit else "",
                tokens[limit - 1].serial if len(tokens) > limit else "",
            )

        return self._store.read(work)

    def find_person(self, typed: str) -> list[AccountHit]:
        """List accounts of people whose name or mail address begins as typed; raises DirectoryUnavailable."""
        begins = " ".join(typed.split())[:LONGEST_TYPED]
        if self._people is None or len(begins) < SHORTEST_PERSON:
            return []
        people = {person.account: person for person in self._people.search(begins, MOST_PEOPLE)}

        def work(rows: PortalWork) -> list[AccountHit]:
            kinds = rows.search.kinds_of(people)
            found = {name: rows.accounts.find(name) for name in people}
            return [
                AccountHit(name, kinds.get(name, []), self._standing(found[name]), person.name)
                for name, person in sorted(people.items())
            ]

        return self._store.read(work)

    def locked(self, after: str = "", limit: int = HITS) -> tuple[list[AccountHit], str]:
        """List accounts that are locked now, by name, beyond `after`; and where the next page begins."""

        def work(rows: PortalWork) -> tuple[list[AccountHit], str]:
            shut = rows.search.shut(int(self._clock()), after, limit + 1)
            return self._hits(rows, shut[:limit]), shut[limit - 1].name if len(shut) > limit else ""

        return self._store.read(work)

    def _hits(self, rows: PortalWork, accounts: list[Account]) -> list[AccountHit]:
        kinds = rows.search.kinds_of([account.name for account in accounts]) if accounts else {}
        return [
            AccountHit(account.name, list(kinds.get(account.name, [])), self._standing(account)) for account in accounts
        ]

    def _standing(self, account: Account | None) -> Standing:
        return account.standing.at(self._clock()) if account is not None else Standing()


def _spellings(typed: str, usual: str) -> list[str]:
    """Answer what to look for: as typed and, since a telephone has no capitals, as such things are usually written."""
    return sorted({typed, usual})
