"""Look a pairing up in LDAP. Loaded only where pam.toml says so: ldap3 is slow to load."""

from __future__ import annotations

import ssl
from contextlib import suppress

from ldap3 import NONE, SUBTREE, Connection, Tls
from ldap3 import Server as LdapServer
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars

from watchword_pam import system_log
from watchword_pam.clock import boot_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from watchword_pam.settings import Ldap

UNPAIRED = "unpaired"


class LookupFailed(Exception):
    """One directory server gave no usable answer; the message is ours, and quotes nothing."""


def find_kind(ldap: Ldap, account: str, until: float) -> str:
    """Return the kind of the account's token, "unpaired" for none, and "" if no server tells.

    The servers are asked in order until one answers. "unpaired" is an answer that must be proved: one entry, and the
    directory's word that it has no such attribute. An account that LDAP doesn't know is not unpaired: the node knows
    it, so that the search is wrong, or went to a directory that doesn't hold it.
    """
    for uri in ldap.uris:
        if boot_seconds() >= until:
            break
        try:
            return _kind_of(ldap, _values(ldap, uri, account))
        except Exception as error:  # noqa: BLE001 - struct.error and pyasn1's, too: unknown, which counts as paired
            why = str(error) if isinstance(error, LookupFailed) else type(error).__name__
            system_log.write(system_log.WARNING, "token", "no pairing from LDAP", server=uri, why=why)
    return ""


def _kind_of(ldap: Ldap, values: list[str]) -> str:
    """Translate what the attribute holds. A value that the table doesn't know still is a pairing, of no known kind."""
    if not values:
        return UNPAIRED
    kinds = {ldap.kinds.get(value, "") if ldap.kinds else value for value in values}
    return kinds.pop() if len(kinds) == 1 else ""


def _values(ldap: Ldap, uri: str, account: str) -> list[str]:
    """Ask one server for the attribute's values."""
    tls = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=ldap.ca_file)
    server = LdapServer(uri, tls=tls, get_info=NONE, connect_timeout=ldap.timeout_seconds)
    connection = Connection(
        server,
        user=ldap.bind_dn or None,
        password=ldap.bind_password or None,
        receive_timeout=ldap.timeout_seconds,
        auto_referrals=False,
    )
    try:
        connection.open()
        if ldap.start_tls:
            connection.start_tls(read_server_info=False)
        if not connection.bind():
            raise LookupFailed("the bind is refused")
        search_filter = ldap.filter.replace("{account}", escape_filter_chars(account))
        values = _single_entry(connection, ldap, search_filter)
        if not values:
            _prove_absent(connection, ldap, search_filter)
        return values
    finally:
        _close(connection)


def _close(connection: Connection) -> None:
    """Take leave. ldap3 itself leaves the socket open when TLS fails."""
    peer = connection.socket
    with suppress(LDAPException, OSError):
        connection.unbind()
    if peer is not None:
        peer.close()


def _single_entry(connection: Connection, ldap: Ldap, search_filter: str) -> list[str]:
    """Return the attribute's values in the one entry that is found."""
    entries = _entries(connection, ldap, search_filter)
    if not entries:
        referred = any(found["type"] == "searchResRef" for found in connection.response or ())
        raise LookupFailed("it refers to another server" if referred else "the account is not there")
    if len(entries) > 1:
        raise LookupFailed("the account has several entries")
    return [value.decode("utf-8", "replace") for value in entries[0]["raw_attributes"].get(ldap.attribute, ())]


def _prove_absent(connection: Connection, ldap: Ldap, search_filter: str) -> None:
    """Raise LookupFailed unless the directory says that the entry lacks the attribute.

    A misspelt attribute, or one that we may not see, comes back as empty as an absent one. But in a filter it is
    Undefined, and so is its negation (RFC 4511 section 4.5.1.7): then the entry isn't found.
    """
    if not _entries(connection, ldap, f"(&{search_filter}(!({ldap.attribute}=*)))"):
        raise LookupFailed("the attribute is unknown there, or hidden")


def _entries(connection: Connection, ldap: Ldap, search_filter: str) -> list[Any]:
    connection.search(ldap.base, search_filter, SUBTREE, attributes=[ldap.attribute], size_limit=2)
    if connection.result["result"] != 0:
        raise LookupFailed("the search is refused")
    return [found for found in connection.response or () if found["type"] == "searchResEntry"]
