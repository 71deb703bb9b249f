"""A conversation with one LDAP server, through ldap3."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ldap3 import ANONYMOUS, MODIFY_REPLACE, NONE, SIMPLE, SUBTREE, SYNC, Connection, Server, Tls
from ldap3.core.exceptions import LDAPBindError, LDAPException, LDAPOperationResult

from watchword.directory.ldap import Attributes, LdapSettings, Search, ServerSilent

Replace = Callable[[str, str, list[str]], None]
"""Puts values in place of all that an entry's attribute has; none of them takes the attribute away."""

_PORTS = {"ldap": 389, "ldaps": 636}

_STUMBLES = (LDAPException, OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError)
"""What ldap3 raises: its own errors and, where an answer is not LDAP, whatever its decoder falls over."""


# RFC 4511, appendix A: inappropriateAuthentication, invalidCredentials, insufficientAccessRights, unwillingToPerform
# (a locked entry, in some servers), constraintViolation (the same, by a password policy).
_REFUSALS = frozenset({48, 49, 50, 53, 19})


class _VerifyingTls(Tls):
    """TLS as Python's own default context does it; ldap3's leaves out SNI and addresses in certificates."""

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: ARG002 - ldap3's
        """Put TLS on a connection, its certificate and host name verified."""
        context = ssl.create_default_context(cafile=self.ca_certs_file)
        connection.socket = context.wrap_socket(connection.socket, server_hostname=connection.server.host)


@contextmanager
def ldap_session(url: str, settings: LdapSettings) -> Iterator[Search]:
    """Open and bind a connection, give its search, and close it whatever happens; raises ServerSilent."""
    with _bound(url, settings, read_only=True) as connection:
        yield _searcher(url, connection)


def first_entries(
    url: str, settings: LdapSettings, search_filter: str, attributes: list[str], limit: int
) -> list[tuple[str, Attributes]]:
    """Search for at most so many entries, on a connection of its own; raises ServerSilent."""
    with _bound(url, settings, read_only=True) as connection, _named(url):
        # One page of a paged search (RFC 2696): a size limit that is met would be an error.
        connection.search(settings.base_dn, search_filter, SUBTREE, attributes=attributes, paged_size=limit)
        return _entries(connection, attributes)[:limit]


@contextmanager
def ldap_editor(url: str, settings: LdapSettings) -> Iterator[tuple[Search, Replace]]:
    """Open and bind a connection as `ldap_session` does, and give its search and what replaces an attribute."""
    with _bound(url, settings, read_only=False) as connection:

        def replace_values(dn: str, attribute: str, values: list[str]) -> None:
            with _named(url):
                connection.modify(dn, {attribute: [(MODIFY_REPLACE, values)]})  # type: ignore[no-untyped-call]  # the stubs do not say

        yield _searcher(url, connection), replace_values


def _searcher(url: str, connection: Connection) -> Search:
    def search(base_dn: str, search_filter: str, attributes: list[str]) -> list[tuple[str, Attributes]]:
        with _named(url):
            return _search(connection, base_dn, search_filter, attributes)

    return search


@contextmanager
def _bound(url: str, settings: LdapSettings, *, read_only: bool) -> Iterator[Connection]:
    with _named(url):
        connection = _new_connection(urlsplit(url), settings, read_only=read_only)
    try:
        with _named(url):
            connection.open()
            if settings.start_tls:
                connection.start_tls()
            connection.bind()
        yield connection
    finally:
        # Not unbind: it would send, and wait, on a connection that may hang. And ldap3 forgets a socket that was
        # refused, so it is closed here.
        if connection.socket is not None:
            connection.socket.close()


def can_bind(url: str, settings: LdapSettings, dn: str, password: str) -> bool:
    """Tell whether an entry can be bound to with a password, on a connection of its own; raises ServerSilent."""
    theirs = replace(settings, bind_dn=dn, bind_password=password)
    with _named(url):
        connection = _new_connection(urlsplit(url), theirs)
    try:
        with _named(url):
            connection.open()
            if settings.start_tls:
                connection.start_tls()
        try:
            return bool(connection.bind())
        except LDAPOperationResult as refusal:
            if refusal.result in _REFUSALS:
                return False
            raise ServerSilent(f"{url}: {type(refusal).__name__}") from None
        except LDAPBindError:
            return False
        except _STUMBLES as error:
            raise ServerSilent(f"{url}: {type(error).__name__}") from None
    finally:
        if connection.socket is not None:
            connection.socket.close()


@contextmanager
def _named(url: str) -> Iterator[None]:
    """Turn what ldap3 raises into ServerSilent with the server's name."""
    try:
        yield
    except _STUMBLES as error:
        # The type alone: ldap3's text may quote what was sent.
        raise ServerSilent(f"{url}: {type(error).__name__}") from None


def _new_connection(url: SplitResult, settings: LdapSettings, *, read_only: bool = True) -> Connection:
    server = Server(
        url.hostname or "",
        port=url.port or _PORTS[url.scheme],
        use_ssl=url.scheme == "ldaps",
        tls=_VerifyingTls(validate=ssl.CERT_REQUIRED, ca_certs_file=settings.ca_file or None),
        get_info=NONE,
        connect_timeout=settings.timeout_seconds,
    )
    return Connection(
        server,
        user=settings.bind_dn or None,
        password=settings.bind_password or None,
        authentication=SIMPLE if settings.bind_dn else ANONYMOUS,
        client_strategy=SYNC,
        auto_referrals=False,
        check_names=False,
        read_only=read_only,
        raise_exceptions=True,
        receive_timeout=settings.timeout_seconds,
    )


def _search(
    connection: Connection, base_dn: str, search_filter: str, attributes: list[str]
) -> list[tuple[str, Attributes]]:
    """Search a tree; answer each entry's DN and its attributes as text, those that it lacks as empty lists."""
    connection.search(base_dn, search_filter, SUBTREE, attributes=attributes)
    return _entries(connection, attributes)


def _entries(connection: Connection, attributes: list[str]) -> list[tuple[str, Attributes]]:
    entries = [entry for entry in connection.response or [] if entry["type"] == "searchResEntry"]
    return [(entry["dn"], _texts(entry["raw_attributes"], attributes)) for entry in entries]


def _texts(raw: dict[str, list[bytes]], attributes: list[str]) -> Attributes:
    by_name = {name.lower(): values for name, values in raw.items()}
    return {
        name: [value.decode("utf-8", errors="replace") for value in by_name.get(name.lower(), [])]
        for name in attributes
    }
