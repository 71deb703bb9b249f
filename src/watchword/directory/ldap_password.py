"""Passwords, checked by binding to LDAP with them."""

from watchword.directory.ldap import LdapDirectory
from watchword.domain.accounts import is_account_name


class LdapPassword:
    """Binds as the person."""

    def __init__(self, directory: LdapDirectory) -> None:
        self._directory = directory

    def check(self, account: str, password: str) -> bool:
        """Tell whether this is the account's password; raises DirectoryUnavailable."""
        # RFC 4513, section 5.1.2: a bind without a password succeeds, and proves nothing.
        if not password or not is_account_name(account):
            return False
        return self._directory.can_bind(account, password)
