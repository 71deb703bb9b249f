"""What each module of a stack does in a login, and what it returns when a certain person comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from watchword.cli.doctor.pam_file import StackLine
from watchword.cli.doctor.pam_walk import SUCCESS


class Role(StrEnum):
    """What a module is for, in a login."""

    PUBKEY = "pubkey"
    PASSWORD = "password"  # noqa: S105 - a role, not a password
    EXEMPTION = "exemption"
    TOKEN = "token"  # noqa: S105 - the same
    SOLARIS = "solaris"
    PERMIT = "permit"
    DENY = "deny"
    NEUTRAL = "neutral"
    ROOT_ONLY = "root only"
    OTHER = "other"
    UNKNOWN = "unknown"


OURS = {"pubkey.py": Role.PUBKEY, "exemption.py": Role.EXEMPTION, "token.py": Role.TOKEN, "solaris.py": Role.SOLARIS}
SECOND_FACTOR = (Role.EXEMPTION, Role.TOKEN, Role.SOLARIS)
REFUSE_KEY = "refuse_key"

PASSWORD_MODULES = frozenset(
    f"pam_{name}.so"
    for name in (
        *("unix", "unix2", "unix_auth", "sss", "ldap", "ldapd", "krb5", "krb5_migrate", "heimdal", "winbind"),
        *("userdb", "pwdfile", "mysql", "pgsql", "lsass", "vas3", "centrifydc", "himmelblau", "tacplus", "radius_auth"),
    )
)

# Modules that prove nothing about who somebody is.
NO_PROOF = frozenset(
    f"pam_{name}.so"
    for name in (
        *("access", "afs_session", "cap", "echo", "exec", "faildelay", "faillock", "ftp", "gnome_keyring"),
        *("group", "issue", "keyinit", "lastlog", "limits", "listfile", "localuser", "loginuid", "mail", "mkhomedir"),
        *("motd", "namespace", "nologin", "script", "securetty", "selinux", "sepermit", "shells", "slurm"),
        *("slurm_adopt", "succeed_if", "systemd", "tally", "tally2", "time", "umask", "usertype", "warn", "wheel"),
    )
)

# Where root is who asks, not who logs in: in sshd, pam_rootok.so says yes to everybody.
ASKED_BY_THE_PERSON = ("su", "su-l", "sudo", "sudo-i", "runuser", "runuser-l", "chsh", "chfn")

# pam_env.so: "ignore" in a login, success when credentials are set.
_FIXED = {
    "pam_env.so": Role.NEUTRAL,
    "pam_permit.so": Role.PERMIT,
    "pam_deny.so": Role.DENY,
    "pam_rootok.so": Role.ROOT_ONLY,
}

# A broken module must refuse as a wrong code does: sshd without Python, or a file that isn't there.
FAILURES = ("auth_err", "service_err", "open_err", "symbol_err")
WRONG_PASSWORD = ("auth_err", "user_unknown", "authinfo_unavail", "acct_expired", "maxtries")
ANYTHING = (SUCCESS, "auth_err", "ignore", "user_unknown")
# What asks for something says yes or no; to think that it might also look away would make everything a problem.
YES_OR_NO = (SUCCESS, "auth_err", "user_unknown")


def role_of(line: StackLine) -> Role:
    """Tell what a line's module is for."""
    if line.runs_python:
        return OURS.get(line.name, Role.UNKNOWN)
    if line.name in PASSWORD_MODULES:
        return Role.PASSWORD
    if line.name in NO_PROOF:
        return Role.OTHER
    return _FIXED.get(line.name, Role.UNKNOWN)


def when_credentials_are_set(line: StackLine) -> Sequence[str]:
    """Answer what a module may return to pam_setcred, which sshd calls in another process than the login's."""
    match role_of(line):
        case Role.DENY:
            return ("cred_err",)
        case Role.OTHER:
            return (SUCCESS, "ignore")
        case _:
            return (SUCCESS,)


@dataclass(frozen=True, slots=True)
class Person:
    """Who comes: with a key or not, whose password is right in one module or in none, exempt or not, with a code."""

    key: bool = False
    password: StackLine | None = None
    exempt: bool = False
    code: bool = False
    is_root: bool = False

    def returns(self, line: StackLine) -> Sequence[str]:
        """Answer what a module may return; a module that we don't know may return anything."""
        match role_of(line):
            case Role.SOLARIS:
                return self._solaris(line)
            case Role.OTHER:
                return ANYTHING
            case Role.NEUTRAL:
                return ("ignore",)
            case Role.UNKNOWN:
                return YES_OR_NO
            case Role.PASSWORD:
                return (SUCCESS,) if self.password is line else WRONG_PASSWORD
            case role:
                return (SUCCESS,) if self._convinces(role) else FAILURES

    def _convinces(self, role: Role) -> bool:
        facts = {
            Role.PUBKEY: self.key,
            Role.EXEMPTION: self.exempt,
            Role.TOKEN: self.code,
            Role.PERMIT: True,
            Role.DENY: False,
            Role.ROOT_ONLY: self.is_root,
        }
        return facts[role]

    def _solaris(self, line: StackLine) -> Sequence[str]:
        if REFUSE_KEY in line.arguments:
            return ("auth_err",) if self.key else ("ignore",)
        return (SUCCESS,) if self.key and (self.exempt or self.code) else FAILURES
