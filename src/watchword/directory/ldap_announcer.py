"""What an account is paired with, written into LDAP: an attribute of the person's entry."""

from collections.abc import Mapping

from watchword.directory.ldap import LdapDirectory, LdapSettings


class LdapAnnouncer(LdapDirectory):
    """Finds people as LdapDirectory does, bound as somebody who may write one attribute of theirs."""

    def __init__(self, settings: LdapSettings, attribute: str, values: Mapping[str, str]) -> None:
        """Take who binds, where to write, and what to write for each kind (empty: unpaired).

        A value that is empty takes the attribute away.
        """
        super().__init__(settings)
        self._attribute = attribute
        self._values = values

    def announce(self, account: str, kind: str) -> bool:
        """Write a kind; False if the directory has no such account. Raises DirectoryUnavailable."""
        value = self._values[kind]
        values = [value] if value else []
        return self._at_a_server_that_answers(lambda url: self._write_at(url, account, values))

    def _write_at(self, url: str, account: str, values: list[str]) -> bool:
        from watchword.directory.ldap_session import ldap_editor  # noqa: PLC0415 - ldap3 takes 0.1 s to load

        with ldap_editor(url, self._settings) as (search, replace_values):
            entry = self._entry(search, account)
            if entry is None:
                return False
            replace_values(entry[0], self._attribute, values)
            return True
