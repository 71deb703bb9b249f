"""A portal on a database of its own, with a clock that the test moves and people whose passwords it knows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path
from typing import Any, Self

from starlette.testclient import TestClient
from starlette.types import ASGIApp

from tests.contract.world import MovingClock
from tests.harness.one_time_codes import oathtool_code
from watchword.domain.people import Person
from watchword.portal.app import create_app
from watchword.services.roles import Roles
from watchword.services.sign_in import SignIn
from watchword.settings import Settings
from watchword.store import migrate
from watchword.store.keyring import KeyState, new_key, write_keys
from watchword.wiring.portal import Desk, open_desk, role_members

PUBLIC_URL = "https://mfa.example.org"
SECRET = bytes(range(20))
ROLES = {"admin": ["ada"], "helpdesk": ["(helpers)", "hugo"], "auditor": ["otto"]}


class KnownPeople:
    """A directory, and a first factor: whose password is `<account>'s password`."""

    def __init__(self) -> None:
        self.people = {
            name: Person(name, name=f"{name.title()} Example", mail=f"{name}@example.org")
            for name in ("alice", "bob", "carol", "dave", "erin", "ada", "hugo", "otto")
        }

    def find(self, account: str) -> Person | None:
        """Find a person."""
        return self.people.get(account)

    def check(self, account: str, password: str) -> bool:
        """Tell whether a password is right; like some modules, whatever the case of the name."""
        return account.lower() in self.people and password == password_of(account.lower())


def password_of(account: str) -> str:
    """Answer the password of somebody whom the directory knows."""
    return f"{account}'s password"


@dataclass
class Browser:
    """A browser with a cookie jar; it fills in the hidden fields of the form that it saw last."""

    client: TestClient
    page: str = ""

    def get(self, path: str, **headers: str) -> str:
        """Open a page, following redirects; answers its HTML."""
        return self._seen(self.client.get(path, headers=headers))

    def post(self, path: str, fields: Mapping[str, str] | None = None, **headers: str) -> str:
        """Send a form: its hidden fields as the page had them, and these; answers the page that it leads to."""
        return self._seen(self.client.post(path, data=self.hidden(path) | dict(fields or {}), headers=headers))

    def hidden(self, action: str) -> dict[str, str]:
        """Answer the hidden fields of the form on the page with this action."""
        for attributes, body in re.findall(r"<form\b([^>]*)>(.*?)</form>", self.page, re.DOTALL):
            if f'action="{action}"' in attributes:
                inputs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body)
                return {name: unescape(value) for name, value in inputs}
        return {}

    def sign_in(self, account: str) -> str:
        """Sign in with the right password."""
        self.get("/sign-in")
        return self.post("/sign-in", {"account": account, "password": password_of(account)})

    def prove(self, code: str) -> str:
        """Give a token code."""
        self.get("/prove")
        return self.post("/prove", {"code": code})

    @property
    def status(self) -> int:
        """The status of the answer seen last."""
        return self._status

    @property
    def path(self) -> str:
        """Where the browser is, query and all."""
        return self._path

    def _seen(self, response: object) -> str:
        from httpx2 import Response

        assert isinstance(response, Response)
        self.page, self._status = response.text, response.status_code
        self._path = response.url.raw_path.decode("ascii")
        self.headers = response.headers
        return self.page


@dataclass
class PortalWorld:
    """The portal, in this process."""

    url: str
    directory: Path
    clock: MovingClock = field(default_factory=MovingClock)
    more_settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        write_keys(self.directory / "keyring", [new_key(KeyState.PRIMARY, 1)])
        anchors = self.directory / "anchors"
        anchors.mkdir()
        given = dict(self.more_settings)
        portal = {"public_url": PUBLIC_URL, "roles": ROLES, "refusal_seconds": 0.1} | given.pop("portal", {})
        self.settings = Settings.model_validate(
            {
                "database": {"url": self.url},
                "keyring": {"file": str(self.directory / "keyring")},
                "audit": {"server": "web", "anchors": str(anchors)},
                "portal": portal,
                **given,
            }
        )
        self.people = KnownPeople()
        made = open_desk(self.settings, clock=self.clock)
        sign_in = SignIn(made.store, self.people, self.people, made.sessions, made.throttle, self.clock)
        self.desk: Desk = replace(
            made,
            directory=self.people,
            sign_in=sign_in,
            roles=Roles(role_members(self.settings), self.people, clock=self.clock),
        )
        migrate.upgrade(self.desk.store.database)
        self.app: ASGIApp = create_app(self.desk)
        self._clients: list[TestClient] = []

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        for client in self._clients:
            client.close()
        self.desk.close()

    def browser(self, *, address: str = "198.51.100.7") -> Browser:
        """Open a browser."""
        client = TestClient(self.app, base_url=PUBLIC_URL, client=(address, 50000), raise_server_exceptions=False)
        self._clients.append(client)
        return Browser(client)

    def signed_in(self, account: str, *, proved: bool = False) -> Browser:
        """Open a browser in which somebody is signed in; `proved`: with a soft token of SECRET, paired if need be."""
        if proved and not self.desk.store.read(lambda rows: rows.tokens.describe_page("", 1, account=account)):
            self.desk.services.pairer.add_soft(account, secret=SECRET)
        browser = self.browser()
        browser.sign_in(account)
        if proved:
            browser.prove(self.next_code())
        return browser

    def next_code(self, secret: bytes = SECRET) -> str:
        """Move the clock to the next step, and answer its code, as oathtool has it."""
        self.clock.seconds += 30
        return oathtool_code(secret.hex(), self.clock.seconds)

    def events(self, account: str | None = None) -> list[tuple[str, str, str, str, str]]:
        """Answer kind, result, reason, actor and detail of what the audit log has, oldest first."""
        found = self.desk.services.reporter.newest(1000, account=account)
        events = (chained.event for _, chained in found)
        return [(event.kind, event.result, event.reason, event.actor, event.detail) for event in events]
