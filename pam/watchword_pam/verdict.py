"""How a module's work ends. A verdict has no truth value: match on it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class _Verdict:
    __slots__ = ("fields", "reason")

    def __init__(self, reason: str, **fields: object) -> None:
        self.reason = reason  # a word for the log
        self.fields = fields  # and what else the log says

    def __bool__(self) -> NoReturn:
        raise TypeError("match on a verdict; it has no truth value")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.reason})"


class Granted(_Verdict):
    """The module lets the login pass."""

    __slots__ = ()


class Refused(_Verdict):
    """The module refuses; `text` is what the person reads, or empty."""

    __slots__ = ("text",)

    def __init__(self, reason: str, text: str = "", **fields: object) -> None:
        super().__init__(reason, **fields)
        self.text = text


Verdict = Granted | Refused
