"""Did sshd accept a public key for this login? Unknown means no."""

from __future__ import annotations

import os

from watchword_pam import system_log
from watchword_pam.verdict import Granted, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchword_pam.conversation import Conversation
    from watchword_pam.verdict import Verdict


def public_key_verdict(conversation: Conversation, log: str) -> Verdict:
    """Grant if sshd says that a public key, or a certificate, was accepted in this connection.

    `log` is what an sshd older than 7.8 needs, which doesn't say: a log file, `journal` or `journal:DIRECTORY`; or "".
    """
    methods = conversation.finished_methods
    if methods is not None:
        accepted = any(method.split(" ")[0] == "publickey" for method in methods)
        return Granted("sshd-says-so") if accepted else Refused("other-method")
    connection = conversation.ssh_connection
    if not log or connection is None or not conversation.account:
        return Refused("no-key")
    from watchword_pam.login_log import KeyAccepted, search_log  # noqa: PLC0415 - needed by old servers only

    # PAM runs in a child of the process that checks the key and logs it (sshd's monitor).
    wanted = KeyAccepted(os.getppid(), conversation.account, *connection)
    try:
        found = search_log(log, wanted)
    except (OSError, ValueError) as error:
        system_log.write(system_log.ERROR, "pubkey", "can't search the log", log=log, type=type(error).__name__)
        return Refused("log-unusable")
    return Granted("log-says-so", log=log) if found else Refused("not-in-log")
