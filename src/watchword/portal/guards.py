"""What a page asks of whoever is signed in: what they have shown, and that they may.

None of these waits for anything (page_route.py looked it all up), so none needs a thread: each is `async`.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request

from watchword.portal.current import Current
from watchword.services.roles import Role
from watchword.wiring.portal import Desk


class NeedsSignIn(Exception):
    """Nobody is signed in."""


class NeedsProof(Exception):
    """Whoever is signed in has not given a token code in this session."""


class NeedsPairing(Exception):
    """An operator without a second factor."""


class Forbidden(Exception):
    """Signed in, and not allowed; or a form that is not ours."""


class Held(Forbidden):
    """Signed in, with an account that the help desk has to open first."""


async def the_desk(request: Request) -> Desk:
    """Answer the services."""
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(the_desk)]


async def signed_in(request: Request) -> Current:
    """Ask for a session; raises NeedsSignIn."""
    current: Current | None = request.state.current
    if current is None:
        raise NeedsSignIn
    return current


async def proved(current: Annotated[Current, Depends(signed_in)]) -> Current:
    """Ask for a token code in this session, of whoever has a token; raises NeedsProof, Held."""
    if current.is_held:
        raise Held
    if current.is_paired and not current.is_proved:
        raise NeedsProof
    return current


async def may_pair(current: Annotated[Current, Depends(proved)]) -> Current:
    """Ask for what somebody who pairs a device needs; raises NeedsPairing for an operator's first one."""
    if current.role is not None and not current.has_own_device:
        raise NeedsPairing
    return current


SignedIn = Annotated[Current, Depends(signed_in)]
Proved = Annotated[Current, Depends(proved)]
MayPair = Annotated[Current, Depends(may_pair)]


def operator(*roles: Role) -> Callable[[Current], Coroutine[Any, Any, Current]]:
    """Make the guard of pages for operators of these roles: role, pairing and proof, each time."""

    async def guard(current: SignedIn) -> Current:
        if current.role not in roles:
            raise Forbidden
        if current.is_held:
            raise Held
        if not current.has_own_device:
            raise NeedsPairing
        if not current.is_strongly_proved:
            raise NeedsProof
        return current

    return guard


Admin = Annotated[Current, Depends(operator(Role.ADMIN))]
HelpDesk = Annotated[Current, Depends(operator(Role.ADMIN, Role.HELPDESK))]
AnyOperator = Annotated[Current, Depends(operator(Role.ADMIN, Role.HELPDESK, Role.AUDITOR))]
