"""A portal with keys to its API, and a client that shows them."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from tests.web.world import PUBLIC_URL, PortalWorld
from watchword.services.api_keys import ApiKeys, NewApiKey, Scope

ADDRESS = "198.51.100.7"
WHY = {"why": "olga, ticket 4711"}


@dataclass
class Client:
    """Somebody with a key, or with none."""

    http: TestClient
    key: str = field(default="", repr=False)

    def get(self, path: str, **headers: str) -> Response:
        """Read something."""
        return self.send("GET", path, None, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Response:
        """Change something; the headers' underscores are dashes."""
        return self.send("POST", path, WHY if body is None else body, **headers)

    def send(self, method: str, path: str, body: Any, **headers: str) -> Response:
        """Send a request to a path below /api/v1."""
        written = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            written.setdefault("Authorization", f"Bearer {self.key}")
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if content is not None:
            written.setdefault("Content-Type", "application/json")
        return self.http.request(method, f"/api/v1{path}", content=content, headers=written)


class ApiWorld(PortalWorld):
    """The portal, and its keys."""

    def keys(self) -> ApiKeys:
        """Answer what makes keys."""
        return ApiKeys(self.desk.store, clock=self.clock, random_octets=os.urandom, actor="ada")

    def new_key(self, *scopes: Scope, days: int = 30, networks: Sequence[str] = (), digest: bool = False) -> NewApiKey:
        """Make a key; without scopes, for everything."""
        return self.keys().add(
            "account portal", scopes=scopes or tuple(Scope), days=days, networks=networks, for_digest=digest
        )

    def client(self, *scopes: Scope, address: str = ADDRESS) -> Client:
        """Answer a client with a key for these scopes; without any, for everything."""
        return self.client_with(self.new_key(*scopes).key, address=address)

    def client_with(self, key: str, *, address: str = ADDRESS) -> Client:
        """Answer a client with a key, or with none (empty)."""
        return Client(self.browser(address=address).client, key)


@contextmanager
def api_world(directory: Path, **portal: object) -> Iterator[ApiWorld]:
    """Give an API on SQLite, at a centre that can text; `portal` are keys of [portal]."""
    sms = {"carrier": "recorder", "recorder_file": str(directory / "messages")}
    more = {"sms": sms, "portal": portal}
    with ApiWorld(f"sqlite:///{directory / 'watchword.db'}", directory, more_settings=more) as world:
        yield world


__all__ = ["ADDRESS", "PUBLIC_URL", "WHY", "ApiWorld", "Client", "api_world"]
