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
from watchword.services import exemption_file
from watchword.services.diagnose_facts import Facts, Presence
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports import Account, Directory
from watchword.services.ports_tokens import TokenFacts
from watchword.services.tell_story import local_time, visible

EVENTS = 60
"""The newest of an account's that are looked at."""

TOKENS = 50
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
    account: Account | None
    tokens: list[TokenFacts]
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
        rows = self._store.read(lambda work: self._look_at_rows(work, name))
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
            tokens=rows.tokens,
            events=rows.events,
            address=origin,
            exemption=exemption,
            exemption_trouble=trouble,
            newest_event_at=rows.newest_event_at,
            similar=rows.similar if presence is Presence.ABSENT else (),
        )

    def exemptions_from(self, name: str, addresses: Sequence[str]) -> list[tuple[str, Finding]]:
        """Answer which of these addresses an account is exempt from, and by which line."""
        _, groups = self._look_in_the_directory(name)
        try:
            findings = [(address, self._look_at_exemptions(name, address, groups)) for address in addresses]
        except WatchwordError:
            return []
        return [(address, finding) for address, finding in findings if finding.exempt]

    def _look_in_the_directory(self, name: str) -> tuple[Presence, Callable[[str], bool | None]]:
        """Answer whether the account is there, and what tells its groups (None: cannot be found out)."""
        if not is_account_name(name):
            return Presence.ABSENT, lambda _group: None
        try:
            person = self._directory.find(name)
        except DirectoryUnavailable:
            return Presence.UNKNOWN, lambda _group: None
        if person is None:
            return Presence.ABSENT, lambda _group: None
        # A directory that is not asked for groups answers none at all.
        return Presence.THERE, lambda group: group in person.groups if person.groups else None

    def _look_at_rows(self, rows: PortalWork, name: str) -> _Rows:
        tokens = rows.tokens.describe_page("", TOKENS, account=name)
        newest = rows.audit.page(None, 1)
        return _Rows(
            rows.accounts.find(name),
            sorted(tokens, key=lambda token: (token.rank, token.serial)),
            [chained.event for _, chained in rows.audit.page(None, EVENTS, account=name)],
            newest[0][1].event.at_milliseconds / 1000 if newest else 0,
            _similar(rows, name),
        )

    def _look_at_exemptions(self, name: str, address: str, is_in_group: Callable[[str], bool | None]) -> Finding:
        """Ask the list as a node does; of netgroups the portal knows nothing. Raises NotFound."""
        text = exemption_file.read(self._circumstances.exemptions)
        now = local_time(self._clock()).timetuple()
        finding = find(text, Login(name, address, now, is_in_group, lambda _netgroup, _host: None))
        finding.bad_reason = visible(finding.bad_reason)
        return finding


def check_address(typed: str) -> str:
    """Return an address in its usual form; raises InvalidValue."""
    try:
        return str(ipaddress.ip_address(typed.strip()))
    except ValueError:
        raise InvalidValue("that is not an address", hint="write it in numbers, as 192.0.2.7 or 2001:db8::7") from None


def _similar(rows: PortalWork, name: str) -> list[str]:
    """Find names that begin as this one does, for whoever misheard its end."""
    for length in range(len(name) - 1, max(len(name) // 2, 2), -1):
        if found := rows.search.accounts_like([name[:length].lower()], "", SIMILAR):
            return [account.name for account in found]
    return []
