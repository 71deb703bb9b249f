"""What pam_python hands to a module, with a person who types what a test says. Codes are libpam's own."""

from __future__ import annotations

from typing import NamedTuple


class PamException(Exception):
    """What pam_python raises for a PAM error."""


class PamMessage(NamedTuple):
    msg_style: int
    msg: str


class PamResponse(NamedTuple):
    resp: str | None
    resp_retcode: int = 0


class ScriptedPamh:
    """`typed` holds an answer for each prompt: text, bytes that need not be UTF-8, or None for hanging up."""

    PAM_SUCCESS = 0
    PAM_AUTH_ERR = 7
    PAM_IGNORE = 25
    PAM_PROMPT_ECHO_OFF = 1
    PAM_PROMPT_ECHO_ON = 2
    PAM_TEXT_INFO = 4
    Message = PamMessage
    exception = PamException

    def __init__(
        self,
        account: str | None,
        *typed: str | bytes | None,
        rhost: str | None = "192.0.2.7",
        env: dict[str, str] | None = None,
    ) -> None:
        self._account = account
        self._typed = list(typed)
        self.rhost = rhost
        self.env = env or {}
        self.prompts: list[str] = []
        self.echoes: list[bool] = []
        self.texts: list[str] = []

    def get_user(self, _prompt: str | None) -> str | None:
        return self._account

    def conversation(self, message: PamMessage) -> PamResponse:
        if message.msg_style == self.PAM_TEXT_INFO:
            self.texts.append(message.msg)
            return PamResponse("")
        self.prompts.append(message.msg)
        self.echoes.append(message.msg_style == self.PAM_PROMPT_ECHO_ON)
        typed = self._typed.pop(0) if self._typed else None
        if typed is None:
            raise PamException("Conversation error")
        return PamResponse(typed.decode("utf-8") if isinstance(typed, bytes) else typed)
