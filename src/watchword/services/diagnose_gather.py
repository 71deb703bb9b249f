"""Look up what `diagnose` needs: the directory, the list of exemptions, the account's rows, its newest events."""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from watchword.clock import Clock
from watchword.domain.accounts import is_account_name
from watchword.domain.audit import AuditEvent
from watchword.domain.enforcement import Mode
from watchword.domain.errors import DirectoryUnavailable, InvalidValue, WatchwordError
from watchword.domain.exemptions import Finding, Login, find
from watchword.domain.people import Person
from watchword.services import exemption_file
from watchword.services.diagnose_facts import Facts, Presence
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports import Directory
from watchword.services.ports_search import AccountFacts
from watchword.services.tell_story import local_time, visible

EVENTS = 60
"""The newest of an account's that are looked at."""

SIMILAR = 3


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a centre has decided about logins, as far as the portal is told; `exemptions` is where the list lies."""

    mode: Mode
    deadline: date | None
    drift_seconds: int
    exemptions: Path


@dataclass(frozen=True, slots=True)
class _Rows:
    account: AccountFacts | None
    events: list[AuditEvent]
    newest_event_at: float
    similar: list[str]


class Investigator:
    """Finds out everything about one account. Nothing of it is changed."""

    def __init__(self, store: PortalStore, directory: Directory, circumstances: Circumstances, *, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._circumstances = circumstances
        self._clock = clock

    def gather(self, name: str, address: str = "") -> Facts:
        """Look up an account, and whether it is exempt from an address if one is given.

        What does not answer is a fact too, all but the store: raises StoreUnavailable, InvalidValue for the address.
        """
        origin = check_address(address) if address else ""
        now = self._clock()
        presence, groups = self._look_in_the_directory(name)
        rows = self._store.read(lambda work: _look_at_rows(work, name, is_absent=presence is Presence.ABSENT))
        trouble, exemption = "", None
        if origin:
            try:
                exemption = self._look_at_exemptions(name, origin, groups)
            except WatchwordError as error:
                trouble = str(error)
        return Facts(
            account=name,
            now_seconds=now,
            today=local_time(now).date(),
            presence=presence,
            mode=self._circumstances.mode,
            deadline=self._circumstances.deadline,
            drift_seconds=self._circumstances.drift_seconds,
            standing=rows.account.standing if rows.account is not None else None,
            tokens=rows.account.tokens if rows.account is not None else (),
            events=rows.events,
            address=origin,
            exemption=exemption,
            exemption_trouble=trouble,
            newest_event_at=rows.newest_event_at,
            similar=rows.similar,
        )

    def exemptions_from(self, name: str, person: Person | None, addresses: Sequence[str]) -> list[tuple[str, Finding]]:
        """Answer which of these addresses an account is exempt from, and by which line; `person`: whose it is."""
        is_in_group = _groups_of(person)
        try:
            findings = [(address, self._look_at_exemptions(name, address, is_in_group)) for address in addresses]
        except WatchwordError:
            return []
        return [(address, finding) for address, finding in findings if finding.exempt]

    def _look_in_the_directory(self, name: str) -> tuple[Presence, Callable[[str], bool | None]]:
        """Answer whether the account is there, and what tells its groups (None: cannot be found out)."""
        if not is_account_name(name):
            return Presence.ABSENT, _groups_of(None)
        try:
            person = self._directory.find(name)
        except DirectoryUnavailable:
            return Presence.UNKNOWN, _groups_of(None)
        return Presence.ABSENT if person is None else Presence.THERE, _groups_of(person)

    def _look_at_exemptions(self, name: str, address: str, is_in_group: Callable[[str], bool | None]) -> Finding:
        """Ask the list as a node does; of netgroups the portal knows nothing. Raises NotFound."""
        text = exemption_file.read(self._circumstances.exemptions)
        now = local_time(self._clock()).timetuple()
        finding = find(text, Login(name, address, now, is_in_group, lambda _netgroup, _host: None))
        finding.bad_reason = visible(finding.bad_reason)
        return finding


def _groups_of(person: Person | None) -> Callable[[str], bool | None]:
    """Answer what tells somebody's groups; None: cannot be found out."""
    # A directory that is not asked for groups answers none at all.
    groups = person.groups if person is not None else frozenset()
    return lambda group: group in groups if groups else None


def check_address(typed: str) -> str:
    """Return an address in its usual form; raises InvalidValue."""
    try:
        return str(ipaddress.ip_address(typed.strip()))
    except ValueError:
        raise InvalidValue("that is not an address", hint="write it in numbers, as 192.0.2.7 or 2001:db8::7") from None


def _look_at_rows(rows: PortalWork, name: str, *, is_absent: bool) -> _Rows:
    return _Rows(
        rows.search.account(name),
        [numbered.event for numbered in rows.search.story(name, None, EVENTS)],
        rows.search.newest_event_at() / 1000,
        _similar(rows, name) if is_absent else [],
    )


def _similar(rows: PortalWork, name: str) -> list[str]:
    """Find names that begin as this one does, for whoever misheard its end."""
    for length in range(len(name) - 1, max(len(name) // 2, 2), -1):
        if found := rows.search.accounts_like([name[:length].lower()], "", SIMILAR):
            return [account.name for account in found]
    return []
