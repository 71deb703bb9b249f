"""People in LDAP: looked up by account, on the first of several servers that answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from watchword.domain.accounts import is_account_name
from watchword.domain.errors import DirectoryUnavailable, SettingsError
from watchword.domain.people import Person

Attributes = dict[str, list[str]]
Search = Callable[[str, str, list[str]], list[tuple[str, Attributes]]]
"""Searches below a DN, by a filter, for some attributes; answers each entry's DN and attributes."""

Answer = TypeVar("Answer")

_LAST_NAME = "sn"  # RFC 4519, section 2.32

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_SCHEMES = ("ldap", "ldaps")

_FILTER_SIGNS = str.maketrans({sign: f"\\{ord(sign):02x}" for sign in "\\*()\0"})
"""RFC 4515, section 3: what must be escaped in a filter's value."""


class ServerSilent(DirectoryUnavailable):
    """One server gave no answer that can be used; another may."""


@dataclass(frozen=True, slots=True)
class LdapSettings:
    """Where people are and which attributes say what; an attribute left empty is not asked for.

    `servers` are URLs, tried in this order. `timeout_seconds` holds for connecting and for each wait for an answer.
    Groups are those in `group_attribute` and, with `group_base_dn`, the entries that name the account or its DN as
    a member. Without TLS only loopback is spoken to, unless `allow_plaintext`. Raises SettingsError.
    """

    servers: tuple[str, ...]
    base_dn: str
    bind_dn: str = ""
    bind_password: str = field(default="", repr=False)
    start_tls: bool = False
    ca_file: str = ""
    allow_plaintext: bool = False
    timeout_seconds: int = 3
    people_filter: str = "(objectClass=posixAccount)"
    account_attribute: str = "uid"
    name_attribute: str = "cn"
    mail_attribute: str = "mail"
    phone_attribute: str = "mobile"
    group_attribute: str = ""
    group_base_dn: str = ""
    pairing_attribute: str = ""

    def __post_init__(self) -> None:
        """Refuse settings that cannot work, or would say more than they should."""
        if not self.servers or not self.base_dn:
            raise SettingsError("[ldap] needs servers and base_dn")
        if not 1 <= self.timeout_seconds <= 30:
            raise SettingsError("[ldap] timeout_seconds must be 1 to 30")
        # RFC 4513, section 5.1.2: a name without a password is taken as anonymous, and looks like success.
        if bool(self.bind_dn) != bool(self.bind_password):
            raise SettingsError("[ldap] bind_dn and bind_password go together")
        for server in self.servers:
            self._check_server(server)

    def _check_server(self, server: str) -> None:
        url = urlsplit(server)
        if url.scheme not in _SCHEMES or not url.hostname:
            raise SettingsError(f"[ldap] {server!r} is not ldap://host or ldaps://host")
        if self.start_tls and url.scheme == "ldaps":
            raise SettingsError(f"[ldap] start_tls is for ldap://, and {server!r} has TLS from the start")
        safe = self.start_tls or url.scheme == "ldaps" or url.hostname in _LOOPBACK
        if not safe and not self.allow_plaintext:
            raise SettingsError(
                f"[ldap] {server!r} would be spoken to in the clear", hint="use ldaps://, start_tls or allow_plaintext"
            )


class LdapDirectory:
    """Finds people in LDAP. Each lookup has a connection of its own, so a broken one spoils no other."""

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._first = 0

    @property
    def first_server(self) -> str:
        """The server that is asked first."""
        return self._settings.servers[self._first]

    def find(self, account: str) -> Person | None:
        """Find a person by the exact name of their account; raises DirectoryUnavailable.

        It is raised if no server answers, or if two people have the account.
        """
        if not is_account_name(account):
            return None
        return self._at_a_server_that_answers(lambda url: self._find_at(url, account))

    def search(self, begins: str, limit: int) -> list[Person]:
        """List people of whom the full or last name, or the mail address, begins so; raises DirectoryUnavailable."""
        settings = self._settings
        attributes = [name for name in (settings.name_attribute, _LAST_NAME, settings.mail_attribute) if name]
        alternatives = "".join(f"({attribute}={_escape(begins)}*)" for attribute in attributes)
        wanted = f"(&{settings.people_filter}(|{alternatives}))"
        return self._at_a_server_that_answers(lambda url: self._search_at(url, wanted, limit))

    def _search_at(self, url: str, wanted: str, limit: int) -> list[Person]:
        from watchword.directory.ldap_session import first_entries  # noqa: PLC0415 - ldap3 is slow to load

        settings = self._settings
        found = first_entries(url, settings, wanted, _asked(settings), limit)
        named = [(account, attributes) for _, attributes in found for account in attributes[settings.account_attribute]]
        return [self._person(account, attributes, frozenset()) for account, attributes in named]

    def can_bind(self, account: str, password: str) -> bool:
        """Tell whether the account's entry can be bound to with this password; raises DirectoryUnavailable."""
        return self._at_a_server_that_answers(lambda url: self._can_bind_at(url, account, password))

    def _at_a_server_that_answers(self, ask: Callable[[str], Answer]) -> Answer:
        """Ask the server that answered last first: a hung one costs its timeout once, not at every lookup."""
        count = len(self._settings.servers)
        mistakes = []
        for place in [(self._first + offset) % count for offset in range(count)]:
            try:
                answer = ask(self._settings.servers[place])
            except ServerSilent as silence:
                mistakes.append(str(silence))
                continue
            self._first = place
            return answer
        raise DirectoryUnavailable("no LDAP server answers: " + "; ".join(mistakes), hint="try ldapsearch by hand")

    def _can_bind_at(self, url: str, account: str, password: str) -> bool:
        from watchword.directory.ldap_session import can_bind, ldap_session  # noqa: PLC0415 - ldap3 is slow to load

        with ldap_session(url, self._settings) as search:
            entry = self._entry(search, account)
        return entry is not None and can_bind(url, self._settings, entry[0], password)

    def _find_at(self, url: str, account: str) -> Person | None:
        from watchword.directory.ldap_session import ldap_session  # noqa: PLC0415 - ldap3 takes 0.1 s to load

        with ldap_session(url, self._settings) as search:
            entry = self._entry(search, account)
            if entry is None:
                return None
            dn, attributes = entry
            return self._person(account, attributes, self._groups(search, account, dn, attributes))

    def _entry(self, search: Search, account: str) -> tuple[str, Attributes] | None:
        """Find the one entry of an account."""
        settings = self._settings
        wanted = f"(&{settings.people_filter}({settings.account_attribute}={_escape(account)}))"
        entries = search(settings.base_dn, wanted, _asked(settings))
        # Servers fold case and white space in uid, so " alice" finds alice: hold to the exact name.
        exact = [entry for entry in entries if account in entry[1][settings.account_attribute]]
        if len(exact) > 1:
            raise DirectoryUnavailable("LDAP has two entries for one account", hint="narrow [ldap] people_filter")
        return exact[0] if exact else None

    def _groups(self, search: Search, account: str, dn: str, attributes: Attributes) -> frozenset[str]:
        groups = {_group_name(value) for value in attributes.get(self._settings.group_attribute, [])}
        if self._settings.group_base_dn:
            # RFC 2307 groups name accounts, groupOfNames (RFC 4519) names DNs.
            named, listed = _escape(account), _escape(dn)
            members = f"(|(memberUid={named})(member={listed})(uniqueMember={listed}))"
            for _, found in search(self._settings.group_base_dn, members, ["cn"]):
                groups.update(found["cn"][:1])
        return frozenset(groups)

    def _person(self, account: str, attributes: Attributes, groups: frozenset[str]) -> Person:
        settings = self._settings

        def first(attribute: str) -> str:
            return next(iter(attributes.get(attribute, [])), "")

        return Person(
            account,
            name=first(settings.name_attribute),
            mail=first(settings.mail_attribute),
            phone=first(settings.phone_attribute),
            groups=groups,
            pairing=first(settings.pairing_attribute),
        )


def _asked(settings: LdapSettings) -> list[str]:
    asked = [
        settings.account_attribute,
        settings.name_attribute,
        settings.mail_attribute,
        settings.phone_attribute,
        settings.group_attribute,
        settings.pairing_attribute,
    ]
    return [attribute for attribute in asked if attribute]


def _group_name(value: str) -> str:
    """Take the name out of a group's DN, as memberOf has it."""
    first, _, _ = value.partition(",")
    attribute, equals, name = first.partition("=")
    return name.strip() if equals and attribute.strip().lower() == "cn" else value


def _escape(value: str) -> str:
    return value.translate(_FILTER_SIGNS)
