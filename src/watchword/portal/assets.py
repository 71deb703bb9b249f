"""Style sheets, scripts and pictures: files of our own, named by their content, so that browsers keep them for good."""

import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_FOR_GOOD = "public, max-age=31536000, immutable"


class Assets:
    """The files of portal/static, in memory."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._contents: dict[str, tuple[bytes, str]] = {}
        for file in (files("watchword.portal") / "static").iterdir():
            stem, dot, suffix = file.name.rpartition(".")
            if dot + suffix not in _TYPES:
                continue
            content = file.read_bytes()
            name = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
            self._addresses[file.name] = f"/static/{name}"
            self._contents[name] = content, _TYPES[dot + suffix]

    def address(self, name: str) -> str:
        """Answer where a file is served, such as `/static/portal.0123456789ab.css`; raises KeyError."""
        return self._addresses[name]

    def respond(self, request: Request) -> Response:
        """Serve a file; its name is only ever looked up, never opened."""
        found = self._contents.get(request.path_params["name"])
        if found is None:
            return Response("There is no such file.\n", 404, media_type="text/plain")
        return Response(found[0], media_type=found[1], headers={"Cache-Control": _FOR_GOOD})
