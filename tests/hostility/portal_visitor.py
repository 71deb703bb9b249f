"""One form sent to a portal, with a stopwatch: how long until the answer is there, and what it says."""

import http.client
import json
import re
import time
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

PATIENCE_SECONDS = 90

_CSRF = re.compile(r'name="csrf_token" value="([0-9a-f]{64})"')
# What is new in every answer, whoever asks.
_NEW_EACH_TIME = re.compile(r'(nonce="|nonce-)[A-Za-z0-9_-]{22}|\b[0-9a-f]{64}\b')

# And what depends on when, and how often, anything was asked.
_CLOCKS = {"date", "retry-after", "ratelimit"}


@dataclass(frozen=True)
class Seen:
    """What somebody outside sees of an answer, but for what is new each time; whoever asked is called ACCOUNT."""

    status: int
    headers: tuple[tuple[str, str], ...]
    octets: int
    body: str


@dataclass
class Visitor:
    """A browser without a person: it asks for a form once, and sends it as often as it is told."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict, repr=False)
    csrf_token: str = field(default="", repr=False)

    def open(self, path: str) -> None:
        """Get a page, and keep its cookie and what its form has to bring; raises AssertionError without a form."""
        _, _, page = self._ask("GET", path, {}, "")
        found = _CSRF.search(page)
        assert found, f"no form at {path}"
        self.csrf_token = found[1]

    def send(self, path: str, account: str, fields: dict[str, str], address: str = "") -> tuple[float, Seen]:
        """Send the form from an address; answer the seconds until all of the answer was there, and the answer."""
        body = urlencode({"csrf_token": self.csrf_token, **fields})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if address:
            headers["X-Forwarded-For"] = address
        seconds, answer, page = self._ask("POST", path, headers, body)
        return seconds, _seen(account, answer, page)

    def ask_api(self, path: str, account: str, key: str, body: dict[str, str]) -> tuple[float, Seen]:
        """Send JSON with a key of the REST API; answer as `send` does."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        seconds, answer, page = self._ask("POST", path, headers, json.dumps(body))
        return seconds, _seen(account, answer, page)

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: str
    ) -> tuple[float, http.client.HTTPResponse, str]:
        at = urlsplit(self.url)
        connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=PATIENCE_SECONDS)
        try:
            connection.connect()
            if self.cookies:
                headers |= {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
            began = time.perf_counter()
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            page = answer.read().decode("utf-8")
            seconds = time.perf_counter() - began
        finally:
            connection.close()
        for cookie in answer.headers.get_all("set-cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
        return seconds, answer, page


def _seen(account: str, answer: http.client.HTTPResponse, page: str) -> Seen:
    headers = sorted((name.lower(), _same(account, value)) for name, value in answer.getheaders())
    told = tuple(pair for pair in headers if pair[0] not in _CLOCKS)
    length = len(page.encode("utf-8")) - page.count(account) * len(account.encode("utf-8"))
    return Seen(answer.status, told, length, _same(account, page))


def _same(account: str, text: str) -> str:
    return _NEW_EACH_TIME.sub("NEW", text).replace(account, "ACCOUNT")
