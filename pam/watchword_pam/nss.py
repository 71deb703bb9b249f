"""Ask the node how an account is spelled, and who is in which group. None means: it cannot be found out.

A group that is not there and a group whose directory does not answer look the same from here, so both are None; and an
account that is not there has no groups that could be told. What a rule makes of None is for the domain to say: it never
exempts. `ctypes` (some 10 ms) is imported only for a file that names a netgroup.
"""

from __future__ import annotations

import grp
import os
import pwd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def as_the_node_spells(account: str) -> str | None:
    """Return the account's one name on this node, whichever spelling was typed; None if the node does not know it.

    A directory that ignores case, or takes a domain, lets `Alice` and `alice@example.org` in as `alice`. Whoever
    decides about an account must decide about that one name, or another spelling walks round the decision.
    """
    try:
        return pwd.getpwnam(account).pw_name or None
    except (KeyError, ValueError, OSError):
        return None


class Membership:
    """The groups and netgroups of one account, looked up once each and only when asked for."""

    __slots__ = ("_account", "_answers", "_gids", "_log", "_netgroups")

    def __init__(self, account: str, log: Callable[[str], None]) -> None:
        self._account = account
        self._log = log
        self._gids: list[int] | None = None
        self._answers: dict[tuple[str, ...], bool | None] = {}
        self._netgroups: _Netgroups | None = None

    def is_in_group(self, group: str) -> bool | None:
        """Tell whether the account is in the group, as primary group or by being listed."""
        if (group,) not in self._answers:
            self._answers[group,] = self._ask_group(group)
        return self._answers[group,]

    def is_in_netgroup(self, netgroup: str, host: str | None) -> bool | None:
        """Tell whether the netgroup holds the host; or, if host is None, the account."""
        question = ("@", netgroup, host or "")
        if question not in self._answers:
            self._answers[question] = self._ask_netgroup(netgroup, host)
        return self._answers[question]

    def _ask_group(self, group: str) -> bool | None:
        try:
            found = grp.getgrnam(group)
            if self._gids is None:
                entry = pwd.getpwnam(self._account)
                self._gids = os.getgrouplist(entry.pw_name, entry.pw_gid)
        except (KeyError, OSError, ValueError) as error:
            # The type alone: the message may quote the account.
            self._log(f"exemptions: cannot tell who is in group {group} ({type(error).__name__})")
            return None
        return found.gr_gid in self._gids or self._account in found.gr_mem

    def _ask_netgroup(self, netgroup: str, host: str | None) -> bool | None:
        try:
            if self._netgroups is None:
                self._netgroups = _Netgroups()
            answer = self._netgroups.holds(netgroup, host, self._account if host is None else None)
        except (ImportError, OSError, AttributeError, ValueError) as error:
            self._log(f"exemptions: netgroups cannot be looked up here ({type(error).__name__})")
            return None
        if answer is None:
            self._log(f"exemptions: there is no netgroup {netgroup}, or it cannot be looked up")
        return answer


class _Netgroups:
    """The C library's innetgr(3), and setnetgrent(3) to tell an empty answer from no answer."""

    def __init__(self) -> None:
        import ctypes  # noqa: PLC0415  # costly, and seldom wanted

        self._libc = ctypes.CDLL(None, use_errno=True)
        name = ctypes.create_string_buffer(256)
        self._domain = None
        if self._libc.getdomainname(name, len(name)) == 0 and name.value not in (b"", b"(none)"):
            self._domain = name.value

    def holds(self, netgroup: str, host: str | None, account: str | None) -> bool | None:
        """Ask for (host, account, NIS domain); None if there is no such netgroup."""
        name = netgroup.encode()
        known = self._libc.setnetgrent(name)
        self._libc.endnetgrent()
        if not known:
            return None
        who = None if account is None else account.encode()
        where = None if host is None else host.encode()
        return bool(self._libc.innetgr(name, where, who, self._domain))
