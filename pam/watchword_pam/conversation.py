"""The only code that touches pamh: who logs in, from where, what sshd knows, and questions to the person."""

from __future__ import annotations

from watchword_pam.addresses import is_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST_ACCOUNT = 253  # bytes: what fits into User-Name


def can_be_account(name: str) -> bool:
    """Tell whether a name can be sent to a server as an account's."""
    return name.isprintable() and 0 < len(name.encode("utf-8", "replace")) <= LONGEST_ACCOUNT


class ConversationAborted(Exception):
    """The person hung up, or the program can't ask them."""


class Unreadable(Exception):
    """What was typed is not UTF-8."""


class Conversation:
    """One login, as PAM shows it to a module."""

    def __init__(self, pamh: Any) -> None:
        self._pamh = pamh

    @property
    def account(self) -> str:
        """Return the login name, or "" if there is none or it can't be one."""
        account = self._pamh.get_user(None)
        return account if isinstance(account, str) and can_be_account(account) else ""

    @property
    def ssh_connection(self) -> tuple[str, str] | None:
        """Return the person's numeric address and port as sshd knows them, or None if it doesn't say."""
        # From pamh.env alone: os.environ is the caller's under su.
        words = self._environment("SSH_CONNECTION").split(" ")
        address = words[0].partition("%")[0]  # a link-local address comes with its interface
        if len(words) != 4 or not is_address(address) or not words[1].isdecimal():
            return None
        return address, words[1]

    @property
    def origin(self) -> str:
        """Return where the person comes from: an address, or a name if that is all PAM has. A local login: ""."""
        connection = self.ssh_connection
        rhost = self._pamh.rhost
        return connection[0] if connection else rhost if isinstance(rhost, str) else ""

    @property
    def finished_methods(self) -> tuple[str, ...] | None:
        """Return a line for each authentication method that sshd finished, or None if sshd doesn't tell."""
        lines = self._environment("SSH_AUTH_INFO_0")
        return tuple(lines.split("\n")) if lines else None

    def ask(self, text: str, *, echo: bool) -> str:
        """Ask one question and return what was typed. Raises ConversationAborted and Unreadable."""
        style = self._pamh.PAM_PROMPT_ECHO_ON if echo else self._pamh.PAM_PROMPT_ECHO_OFF
        try:
            response = self._pamh.conversation(self._pamh.Message(style, text))
        except UnicodeDecodeError:
            raise Unreadable from None
        except self._pamh.exception as error:
            raise ConversationAborted from error
        typed = getattr(response, "resp", None)
        if not isinstance(typed, str):
            raise ConversationAborted
        return typed

    def tell(self, text: str) -> None:
        """Show a text. A person who has gone misses nothing."""
        try:
            self._pamh.conversation(self._pamh.Message(self._pamh.PAM_TEXT_INFO, text))
        except self._pamh.exception:
            return

    def _environment(self, name: str) -> str:
        try:
            value = self._pamh.env[name]
        except KeyError:
            return ""
        return value if isinstance(value, str) else ""
