"""How an area of the API says what its routes ask for and how they may fail."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from fastapi import APIRouter

from watchword.portal.api.keyed_route import TERMS, KeyedRoute, Terms
from watchword.services.api_keys import Scope

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class ApiRouter:
    """One area; its name is the tag of its operations."""

    def __init__(self, area: str) -> None:
        self.routes = APIRouter(route_class=KeyedRoute, tags=[area])
        self.terms: dict[str, Terms] = {}

    def read(self, path: str, scope: Scope | None, *, fails: tuple[int, ...] = ()) -> Callable[[Endpoint], Endpoint]:
        """Add a GET, for keys with a scope (None: any key); `fails` has statuses that are not clear from its kind."""
        return self._add("GET", path, Terms(scope, fails=fails), 200)

    def write(
        self, path: str, scope: Scope, *, status: int = 200, fails: tuple[int, ...] = (), secret: bool = False
    ) -> Callable[[Endpoint], Endpoint]:
        """Add a POST that an Idempotency-Key keeps from happening twice; `secret`: its answer holds a new secret."""
        return self._add("POST", path, Terms(scope, repeatable=True, fails=fails, secret=secret), status)

    def ask(self, path: str, scope: Scope, *, fails: tuple[int, ...] = ()) -> Callable[[Endpoint], Endpoint]:
        """Add a POST whose answer may never be given again."""
        return self._add("POST", path, Terms(scope, fails=fails), 200)

    def _add(self, method: str, path: str, terms: Terms, status: int) -> Callable[[Endpoint], Endpoint]:
        # What a path names may not be there.
        terms = replace(terms, fails=(*terms.fails, 404)) if "{account}" in path or "{serial" in path else terms

        def add(endpoint: Endpoint) -> Endpoint:
            setattr(endpoint, TERMS, terms)
            name = getattr(endpoint, "__name__", "")
            self.terms[name] = terms
            self.routes.add_api_route(
                path, endpoint, methods=[method], status_code=status, operation_id=name, summary=_summary(endpoint)
            )
            return endpoint

        return add


def _summary(endpoint: Callable[..., Any]) -> str:
    return (endpoint.__doc__ or "").partition("\n")[0].rstrip(".")
