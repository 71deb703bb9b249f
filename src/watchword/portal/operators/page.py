"""Operators' pages: the frame around them."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request, Response

from watchword.domain.audit import AuditEvent
from watchword.domain.errors import WatchwordError
from watchword.portal.pages import render
from watchword.services.roles import Role
from watchword.services.tell_story import Sentence, Tone, tell
from watchword.wiring.portal import Desk

_TABS = (("/operators/", "Find"), ("/operators/live", "Now"), ("/operators/charts", "Charts"))
_ADMINS_TABS = (("/operators/import", "Fobs"), ("/operators/classes", "Classes"), ("/operators/api-keys", "API keys"))

_KINDS = {Tone.GOOD: "ok", Tone.BAD: "danger", Tone.QUIET: "muted", Tone.ACT: "warn"}
"""How a sentence looks: a class of the style sheet."""


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence on a page; `row` is its number in the audit log, `seconds` its time since 1970."""

    row: int
    account: str
    seconds: float
    sentence: Sentence

    @property
    def kind(self) -> str:
        """How it looks."""
        return _KINDS[self.sentence.tone]


def told(desk: Desk, row: int, event: AuditEvent) -> Line:
    """Put an event into words."""
    sentence = tell(event, allowed_failures=desk.settings.lockout.failures)
    return Line(row, event.account, event.at_milliseconds / 1000, sentence)


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: object,
) -> Response:
    """Answer a page of templates/operators."""
    return render(
        request,
        f"operators/{template}",
        status=status,
        headers=headers,
        tabs=tabs_of(request.state.current.role),
        **context,
    )


def tabs_of(role: Role | None) -> list[tuple[str, str]]:
    """List the areas that a role may see."""
    return [*_TABS, *(_ADMINS_TABS if role is Role.ADMIN else ())]


def in_words(error: WatchwordError) -> str:
    """Say what is wrong, for a page; a hint that names a command is for whoever is at a terminal."""
    hint = f"; {error.hint}" if error.hint and "`" not in error.hint else ""
    text = f"{error}{hint}."
    return text[:1].upper() + text[1:]
