"""Templates, and what every page knows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from watchword.portal.assets import Assets
from watchword.portal.browser_names import browser_name
from watchword.portal.cookies import Cookies, csrf_token
from watchword.portal.operators.paths import account_path, act_path, token_path
from watchword.settings import Settings

PARTS = ("icons", "layout", "forms", "tables")
"""Macros that every template has by these names."""


class Pages:
    """Renders templates; made once for each process."""

    def __init__(self, settings: Settings, assets: Assets) -> None:
        self._environment = Environment(
            loader=PackageLoader("watchword.portal"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            # What is installed does not change under a process: no page looks at the dates of a dozen files.
            auto_reload=False,
        )
        self._environment.globals.update(
            asset=assets.address,
            issuer=settings.soft.issuer,
            portal=settings.portal,
            quote=quote,
            account_path=account_path,
            token_path=token_path,
            act_path=act_path,
        )
        self._environment.filters["moment"] = moment
        self._environment.filters["machine_moment"] = machine_moment
        self._environment.filters["day"] = day
        self._environment.filters["browser_name"] = browser_name
        # Made once, and not for each page.
        for part in PARTS:
            self._environment.globals[part] = self._environment.get_template(f"parts/{part}.html").module

    def compile(self) -> None:
        """Compile every template before anybody comes: the first visitors would all do it at once, and wait long."""
        for name in self._environment.list_templates(extensions=["html"]):
            self._environment.get_template(name)

    def render(self, template: str, **context: object) -> str:
        """Render a template to HTML."""
        return self._environment.get_template(template).render(context)


def render(
    request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: object
) -> HTMLResponse:
    """Answer a page. It also knows who is signed in (`current`, or None), its `csrf_token` and its `nonce`."""
    pages: Pages = request.app.state.pages
    known: dict[str, Any] = {
        "request": request,
        "path": request.url.path,
        "nonce": request.state.nonce,
        "current": getattr(request.state, "current", None),
        "csrf_token": csrf_token(cookie) if (cookie := getattr(request.state, "form_cookie", "")) else "",
    }
    response = HTMLResponse(pages.render(template, **(known | context)), status, headers=dict(headers or {}))
    if new := getattr(request.state, "new_form_cookie", ""):
        cookies: Cookies = request.app.state.cookies
        cookies.set(response, cookies.form, new)
    return response


def go_to(path: str) -> RedirectResponse:
    """Answer a form by sending the browser to a page (303)."""
    return RedirectResponse(path, 303)


def safe_path(path: str) -> str:
    """Answer a path of this portal; anything that could lead elsewhere becomes the first page."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isascii() and path.isprintable()
    return path if plain and "\\" not in path else "/"


def quoted(request: Request) -> str:
    """Answer where a request wanted to go, to come back to it: its path for a page, the first page for a form."""
    return quote(request.url.path if request.method == "GET" else "/", safe="/")


def moment(seconds: float) -> str:
    """Write a time as people here read it, such as `2026-11-22 14:02 +0100`."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M %z")


def machine_moment(written: str) -> str:
    """Write what `moment` wrote as machines read it, such as `2026-11-22T14:02+0100`."""
    return written.replace(" ", "T", 1).replace(" ", "")


def day(seconds: float) -> str:
    """Write a day, such as `2026-11-22`."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d")
