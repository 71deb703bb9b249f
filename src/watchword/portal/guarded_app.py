"""What holds for every request, whatever its page: who asks, for which host, how much they send, which headers leave.

A plain ASGI layer, since it also has to see what no route does.
"""

import secrets
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from watchword.portal.api import PREFIX, problems
from watchword.portal.forwarded import client_address
from watchword.portal.uploads import LARGEST_FORM_OCTETS, PAGE, Busy, Uploads
from watchword.settings.portal import PortalSettings

HEALTH = "/health"

_POLICY = (
    "default-src 'none'",
    "script-src 'nonce-{nonce}'",
    "style-src 'nonce-{nonce}'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
)

_HEADERS = {
    # OWASP ASVS 5.0, chapter 3.4.
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with that, browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "X-Frame-Options": "DENY",
}
_TWO_YEARS = "max-age=63072000; includeSubDomains"


class TooLarge(HTTPException):
    """More was sent than any page takes. It is one of the framework's own errors, or that would call it a bad form."""

    def __init__(self) -> None:
        super().__init__(413)


class GuardedApp:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, portal: PortalSettings, uploads: Uploads) -> None:
        self._app = app
        self._portal = portal
        self._uploads = uploads
        parts = urlsplit(portal.public_url)
        self._is_https = parts.scheme == "https"
        self._host = parts.netloc.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its address known, its size bounded and its answer's headers set."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # The proxy spoke TLS, and passes on plain HTTP: where the framework itself leads, it must not lead out of TLS.
        scope["scheme"] = "https" if self._is_https else "http"
        headers = Headers(scope=scope)
        nonce = secrets.token_urlsafe(16)
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["nonce"] = nonce
        peer = scope["client"][0] if scope.get("client") else ""
        state["address"] = client_address(peer, headers.getlist("x-forwarded-for"), self._portal.trusted_proxies)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._set_headers(MutableHeaders(scope=message), nonce)
            await send(message)

        largest = await self._uploads.largest(scope, headers)
        refusal = self._refusal(scope, headers, largest)
        if refusal is not None:
            await refusal(scope, receive, send_guarded)
        elif scope["path"] == PAGE and largest > LARGEST_FORM_OCTETS:
            await self._upload(scope, _bounded(receive, largest), send_guarded)
        else:
            await self._call(scope, _bounded(receive, largest), send_guarded)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._uploads.begin()
        except Busy:
            await PlainTextResponse("Somebody else is uploading: try again in a minute.\n", 503)(scope, receive, send)
            return
        try:
            await self._call(scope, receive, send)
        finally:
            self._uploads.end()

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application answer.

        What no handler foresaw was answered, and its type logged, before it comes here. It goes no farther: the server
        would print it, and a message may quote what was typed.
        """
        with suppress(Exception):
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers, largest: int) -> Response | None:
        """Answer what is no business of ours: another host's name, or more than any page takes."""
        if scope["path"] != HEALTH and headers.get("host", "").lower() != self._host:
            # RFC 9110, section 15.5.20. A name that is rebound to our address is not ours either.
            return self._refuse(scope, problems.WRONG_HOST, "This portal is at another address.\n")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > largest:
            return self._refuse(scope, problems.TOO_LARGE, "That is more than this page takes.\n")
        return None

    def _refuse(self, scope: Scope, problem: problems.Problem, text: str) -> Response:
        if scope["path"].startswith(PREFIX):
            return problems.respond(problem, self._portal.public_url)
        return PlainTextResponse(text, problem.status)

    def _set_headers(self, headers: MutableHeaders, nonce: str) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", "; ".join(_POLICY).format(nonce=nonce))
        headers.setdefault("Cache-Control", "no-store")
        if self._is_https:
            headers.setdefault("Strict-Transport-Security", _TWO_YEARS)


def _bounded(receive: Receive, largest: int) -> Receive:
    """Stop a body that says nothing of its length from growing without end."""
    taken = 0

    async def receive_some() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > largest:
            raise TooLarge
        return message

    return receive_some
