"""The accounts of this machine, as `getent passwd` shows them: files, SSSD, LDAP, whatever nsswitch.conf says."""

import grp
import os
import pwd

from watchword.domain.accounts import is_account_name
from watchword.domain.errors import DirectoryUnavailable
from watchword.domain.people import Person


class SystemDirectory:
    """Answers whether an account exists here, so that no text message goes to one that does not."""

    def find(self, account: str) -> Person | None:
        """Find an account by its exact name; raises DirectoryUnavailable."""
        if not is_account_name(account):
            return None
        try:
            entry = pwd.getpwnam(account)
        except KeyError:
            return None
        except OSError as error:
            raise DirectoryUnavailable(f"the system's accounts cannot be read: {error.strerror}") from None
        # Some sources fold case, so that "Alice" finds alice. We hold names to be different if they look different.
        if entry.pw_name != account:
            return None
        # The first field of GECOS is the full name, by custom.
        return Person(account, name=entry.pw_gecos.partition(",")[0], groups=_groups(account, entry.pw_gid))


def _groups(account: str, primary_gid: int) -> frozenset[str]:
    names = set()
    for gid in os.getgrouplist(account, primary_gid):
        try:
            names.add(grp.getgrgid(gid).gr_name)
        except KeyError:
            continue  # a number without a name cannot be named in a list either
    return frozenset(names)
