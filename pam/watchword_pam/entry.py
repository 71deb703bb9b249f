"""What the shims call: one function a module, from pamh and the arguments of its line to a PAM code."""

from __future__ import annotations

import os

from watchword_pam import system_log
from watchword_pam.conversation import Conversation
from watchword_pam.verdict import Granted, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from watchword_pam.verdict import Verdict

CONFIG_FILE = "/etc/watchword/pam.toml"
EXEMPTIONS_FILE = "/etc/watchword/exemptions.conf"
REFUSE_KEY = "refuse_key"


class WrongArguments(Exception):
    """A line of the PAM stack has an argument that its module doesn't know."""


def pubkey(pamh: Any, arguments: list[str]) -> int:
    """Succeed if sshd accepted a public key. `log=FILE`, for an sshd too old to say so."""
    options = _options(arguments, log="")
    return _code(pamh, _public_key(Conversation(pamh), options["log"]))


def exemption(pamh: Any, arguments: list[str]) -> int:
    """Succeed if the account is exempt, from this address, now. `exemptions=FILE`."""
    options = _options(arguments, exemptions=EXEMPTIONS_FILE)
    return _code(pamh, _exempt(Conversation(pamh), options["exemptions"]))


def token(pamh: Any, arguments: list[str]) -> int:
    """Ask for the second factor, as pam.toml says. `config=FILE`."""
    options = _options(arguments, config=CONFIG_FILE)
    return _code(pamh, _second_factor(Conversation(pamh), options["config"]))


def solaris(pamh: Any, arguments: list[str]) -> int:
    """Take a login with a public key to its end: exempt, or a right code. For stacks without jumps.

    `log=FILE exemptions=FILE config=FILE`. With `refuse_key` it does nothing but stop such a login: for the line
    after, so that who had a key and no right code is not asked for a password as well.
    """
    refuses_key = REFUSE_KEY in arguments
    rest = [argument for argument in arguments if argument != REFUSE_KEY]
    options = _options(rest, log="", exemptions=EXEMPTIONS_FILE, config=CONFIG_FILE)
    conversation = Conversation(pamh)
    key = _public_key(conversation, options["log"])
    if refuses_key:
        return int(pamh.PAM_AUTH_ERR if isinstance(key, Granted) else pamh.PAM_IGNORE)
    if isinstance(key, Refused):
        return _code(pamh, key)
    exempt = _exempt(conversation, options["exemptions"])
    if isinstance(exempt, Granted):
        return _code(pamh, exempt)
    return _code(pamh, _second_factor(conversation, options["config"]))


def _public_key(conversation: Conversation, log: str) -> Verdict:
    """Find out about the first factor; log a key."""
    from watchword_pam.first_factor import public_key_verdict  # noqa: PLC0415 - each module loads its own

    verdict = public_key_verdict(conversation, log)
    if isinstance(verdict, Granted):
        _log("pubkey", verdict, conversation)
    return verdict


def _exempt(conversation: Conversation, path: str) -> Verdict:
    """Look for an exemption; one is logged with its line."""
    from watchword_pam.clock import local_time  # noqa: PLC0415 - each module loads its own
    from watchword_pam.exemption_list import find_exemption  # noqa: PLC0415 - the same

    finding = find_exemption(path, conversation.account, conversation.origin, local_time(), system_log.write_text)
    return Granted("exempt", line=finding.line) if finding.exempt else Refused("not-exempt")


def _second_factor(conversation: Conversation, path: str) -> Verdict:
    """Ask for the second factor; log how it ended, and tell the person of a refusal."""
    from watchword_pam.settings import read_settings  # noqa: PLC0415 - each module loads its own
    from watchword_pam.token_login import TokenLogin  # noqa: PLC0415 - the same

    settings = read_settings(path, os.uname().nodename)
    login = TokenLogin(conversation, settings)
    verdict = login.verdict()
    _log("token", verdict, conversation, login.account)
    if isinstance(verdict, Refused) and verdict.text:
        conversation.tell(verdict.text)
    return verdict


def _log(module: str, verdict: Verdict, conversation: Conversation, account: str = "") -> None:
    """Write the one line that says what a module decided; with what was typed, if the account is spelled otherwise."""
    what, priority = "refused", system_log.NOTICE
    if isinstance(verdict, Granted):
        what, priority = "granted", system_log.ALERT if verdict.reason == "on-outage" else system_log.INFO
    typed = conversation.account
    person = {"account": account or typed, "from": conversation.origin}
    if account and account != typed:
        person["typed"] = typed
    system_log.write(priority, module, what, **person, reason=verdict.reason, **verdict.fields)


def _options(arguments: list[str], **defaults: str) -> dict[str, str]:
    """Return the arguments after the module's file name. An unknown one refuses: it may be a typo."""
    options = dict(defaults)
    for argument in arguments[1:]:
        key, equals, value = argument.partition("=")
        if key not in defaults or not equals:
            raise WrongArguments
        options[key] = value
    return options


def _code(pamh: Any, verdict: Verdict) -> int:
    # OpenSSH shows a text that it held back before a refusal, if the code is this one.
    return int(pamh.PAM_SUCCESS if isinstance(verdict, Granted) else pamh.PAM_AUTH_ERR)
