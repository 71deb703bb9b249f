"""Somebody at the centre's portal: a browser's cookies and forms, and TLS that trusts the centre's own authority."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape

from httpx2 import Client, Response

from tests.docker.centre import Centre
from tests.harness.soft_token import SoftToken

TIMEOUT_SECONDS = 20
FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass
class Visitor:
    """Opens pages and sends the forms on them."""

    client: Client
    account: str
    page: str = ""
    path: str = ""

    def open(self, path: str) -> str:
        """Open a page; answers what is there, wherever that led."""
        return self._see(self.client.get(path))

    def send(self, action: str, **fields: str) -> str:
        """Send the form of the page that was seen last; answers the page that it leads to."""
        return self._see(self.client.post(action, data=self._hidden(action) | fields))

    def sign_in(self, password: str) -> str:
        """Sign in, whatever comes of it."""
        self.open("/sign-in")
        return self.send("/sign-in", account=self.account, password=password)

    def pair_app(self) -> SoftToken:
        """Pair an app by the link that opens it on a phone."""
        self.open("/pair")
        (otpauth,) = re.findall(r'href="(otpauth:[^"]+)"', self.send("/pair", kind="soft"))
        phone = SoftToken("", unescape(otpauth))
        self.send("/pair/code", code=phone.fresh_code())
        assert self.path == "/pair/done", self.page
        return phone

    def _hidden(self, action: str) -> dict[str, str]:
        forms = [body for attributes, body in FORM.findall(self.page) if f'action="{action}"' in attributes]
        return {name: unescape(value) for name, value in HIDDEN.findall(forms[0])} if forms else {}

    def _see(self, response: Response) -> str:
        self.page, self.path = response.text, response.url.path
        return self.page


@contextmanager
def visiting(centre: Centre, account: str) -> Iterator[Visitor]:
    """Give somebody who has opened nothing yet."""
    trust = ssl.create_default_context(cadata=centre.secret("portal_ca"))
    with Client(base_url=centre.portal_url, verify=trust, follow_redirects=True, timeout=TIMEOUT_SECONDS) as client:
        yield Visitor(client, account)
