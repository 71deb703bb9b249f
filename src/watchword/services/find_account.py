"""Everything about one account, or one token, on one page."""

from collections.abc import Sequence
from dataclasses import dataclass

from watchword.clock import Clock
from watchword.domain.accounts import is_account_name
from watchword.domain.errors import DirectoryUnavailable, NotFound
from watchword.domain.lockout import Standing
from watchword.domain.people import Person
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports import Directory
from watchword.services.ports_search import NumberedEvent
from watchword.services.ports_tokens import TokenFacts


@dataclass(frozen=True, slots=True)
class Everything:
    """An account as an operator sees it.

    `person` is None if the directory has no such account, `directory_answers` says whether it could be asked. `more`
    is the row below which the story goes on, None at its beginning.
    """

    name: str
    standing: Standing
    is_known: bool
    """Whether it was ever paired or locked."""

    person: Person | None
    directory_answers: bool
    tokens: list[TokenFacts]
    story: list[NumberedEvent]
    more: int | None

    def addresses(self, most: int) -> Sequence[str]:
        """Answer where they came from of late, the newest first, each once."""
        return list(dict.fromkeys(event.event.address for event in self.story if event.event.address))[:most]


class AccountReader:
    """Reads what there is about an account; changes nothing."""

    def __init__(self, store: PortalStore, directory: Directory, *, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock

    def read(self, name: str, *, before: int | None = None, limit: int) -> Everything:
        """Answer everything about an account, and a page of its story; raises NotFound if nobody knows the name."""
        if not is_account_name(name):
            raise NotFound("no account is called that")
        person, answers = self._ask_the_directory(name)

        def work(rows: PortalWork) -> Everything:
            account = rows.search.account(name)
            events = rows.search.story(name, before, limit + 1)
            return Everything(
                name,
                account.standing.at(self._clock()) if account is not None else Standing(),
                account is not None,
                person,
                answers,
                account.tokens if account is not None else [],
                events[:limit],
                events[limit - 1].row if len(events) > limit else None,
            )

        found = self._store.read(work)
        if not (found.is_known or found.person is not None or found.story):
            raise NotFound("no account is called that")
        return found

    def token(self, serial: str) -> TokenFacts:
        """Answer what there is about a token; raises NotFound."""
        found = self._store.read(lambda rows: rows.tokens.describe(serial))
        if found is None:
            raise NotFound("there is no such token")
        return found

    def _ask_the_directory(self, name: str) -> tuple[Person | None, bool]:
        try:
            return self._directory.find(name), True
        except DirectoryUnavailable:
            return None, False
