"""The one cookie: what names a session, or, before there is one, a form."""

import hashlib
import hmac
import secrets

from starlette.requests import Request
from starlette.responses import Response

from watchword.settings.portal import PortalSettings

LONGEST_COOKIE = 64


class Cookies:
    """Reads and sets the portal's cookie, as `public_url` allows."""

    def __init__(self, portal: PortalSettings) -> None:
        self._secure = portal.public_url.startswith("https:")
        # A __Host- cookie is this host's alone, for all its paths, and never leaves TLS. Browsers take it only so;
        # plain http is for one's own machine.
        prefix = "__Host-" if self._secure else ""
        self.session = f"{prefix}watchword"
        self.form = f"{prefix}watchword-form"

    def read(self, request: Request, name: str) -> str:
        """Answer a cookie's value, empty if there is none that we can have set."""
        value = request.cookies.get(name, "")
        return value if len(value) <= LONGEST_COOKIE and value.isascii() else ""

    def set(self, response: Response, name: str, value: str) -> None:
        """Set a cookie that ends with the browser."""
        response.set_cookie(name, value, path="/", secure=self._secure, httponly=True, samesite="lax")

    def drop(self, response: Response, name: str) -> None:
        """Take a cookie away."""
        response.delete_cookie(name, path="/", secure=self._secure, httponly=True, samesite="lax")


def new_form_cookie() -> str:
    """Make the value that ties a form to a browser that has no session yet."""
    return secrets.token_urlsafe(32)


def csrf_token(cookie: str) -> str:
    """Derive what a form has to bring from the cookie that its browser holds: nobody else can."""
    return hmac.new(cookie.encode("utf-8", "surrogatepass"), b"csrf", hashlib.sha256).hexdigest()


def is_csrf_token(typed: str, cookie: str) -> bool:
    """Compare in constant time; without a cookie nothing is right."""
    return bool(cookie) and hmac.compare_digest(csrf_token(cookie).encode(), typed.encode("utf-8", "surrogatepass"))
