"""Skip the password after a public key: what /etc/pam.d names, see docs/reference/pam.md."""
# ruff: noqa: ARG001 - libpam calls with these three
# ruff: noqa: BLE001, PLC0415, TRY301 - even the import may fail, and whatever fails must refuse
# ruff: noqa: PTH116 - pathlib is slow to load

import gc
import os
import sys
import syslog

MODULE = "pubkey"
# Links resolved, so that a login during an upgrade sees one release, whole.
LIBRARY = os.path.realpath(__file__).rsplit("/", 2)[0] + "/lib"


def pam_sm_authenticate(pamh, flags, argv):
    """Refuse on anything unforeseen: no exception leaves this function, and no message of one is logged."""
    try:
        gc.disable()  # a login is over before garbage matters, and collecting costs a twentieth of it
        if LIBRARY not in sys.path:
            status = os.stat(LIBRARY)
            if status.st_uid != 0 or status.st_mode & 0o022:
                raise PermissionError
            sys.path.insert(0, LIBRARY)  # before Debian's own packages, which may hold another pyrad
        from watchword_pam import entry

        return getattr(entry, MODULE)(pamh, argv)
    except BaseException as error:
        syslog.openlog("watchword", syslog.LOG_PID, syslog.LOG_AUTHPRIV)
        syslog.syslog(syslog.LOG_ERR, f"{MODULE}: refused reason=error type={type(error).__name__}")
        syslog.closelog()
        return pamh.PAM_AUTH_ERR


def pam_sm_setcred(pamh, flags, argv):
    """Succeed: there are no credentials to set, and a failure here would end an sshd session."""
    return pamh.PAM_SUCCESS


def ignore(pamh, flags, argv):
    """Say neither yes nor no, where a line of /etc/pam.d names this module by mistake."""
    return pamh.PAM_IGNORE


pam_sm_acct_mgmt = pam_sm_open_session = pam_sm_close_session = pam_sm_chauthtok = ignore
