"""Who may send more than a form takes, and how many at once: a body is in memory before any page sees it."""

from collections.abc import Callable

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

LARGEST_FORM_OCTETS = 64 * 1024
LARGEST_UPLOAD_OCTETS = 16 * 1024 * 1024

PAGE = "/operators/import"
API = ("/api/v1/seeds/preview", "/api/v1/seeds/import")
"""The only places that take files of seeds. The API reads a body only of whoever has a key."""

MOST_AT_ONCE = 2


class Busy(Exception):
    """As many files as may be are on their way."""


class Uploads:
    """Tells how much a request may bring, and counts the large ones."""

    def __init__(self, cookie_name: str, is_signed_in: Callable[[str], bool]) -> None:
        self._cookie_name = cookie_name
        self._is_signed_in = is_signed_in
        self._under_way = 0

    async def largest(self, scope: Scope, headers: Headers) -> int:
        """Answer how many octets a request's body may have."""
        if scope["path"] in API:
            return LARGEST_UPLOAD_OCTETS
        is_file = headers.get("content-type", "").startswith("multipart/form-data")
        if scope["path"] != PAGE or scope["method"] != "POST" or not is_file:
            return LARGEST_FORM_OCTETS
        cookie = cookie_parser(headers.get("cookie", "")).get(self._cookie_name, "")
        known = bool(cookie) and await run_in_threadpool(self._is_signed_in, cookie)
        return LARGEST_UPLOAD_OCTETS if known else LARGEST_FORM_OCTETS

    def begin(self) -> None:
        """Take one of the places for files; raises Busy. All of this is one thread's, the event loop's."""
        if self._under_way >= MOST_AT_ONCE:
            raise Busy
        self._under_way += 1

    def end(self) -> None:
        """Give the place back."""
        self._under_way -= 1
