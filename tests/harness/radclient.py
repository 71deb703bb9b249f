"""FreeRADIUS's radclient: what a sysadmin tries a RADIUS server with."""

import re
import subprocess
from dataclasses import dataclass, field

from tests.harness.ports import LOOPBACK

RECEIVED = re.compile(r"^Received (?P<code>[\w-]+) Id .*$\n(?P<attributes>(?:\t.*\n?)*)", re.MULTILINE)
ATTRIBUTE = re.compile(r"^\t(?P<name>[\w-]+) = (?P<value>.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Heard:
    """What radclient printed of a reply; an empty code, and no attributes, if none came."""

    printed: str = field(repr=False)
    code: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    """Names and values as printed, in the order of the packet."""

    @property
    def names(self) -> list[str]:
        """The names of the attributes."""
        return [name for name, _ in self.attributes]

    def all(self, name: str) -> list[str]:
        """Return the values of an attribute, without quotes."""
        return [value.strip('"') for found, value in self.attributes if found == name]

    @property
    def state(self) -> str:
        """The one State, as it can be written into the next request."""
        (state,) = self.all("State")
        return state


@dataclass(frozen=True)
class Radclient:
    """radclient, with the port of a server on loopback and the secret shared with it."""

    port: int
    secret: str = field(repr=False)
    seconds: float = 5
    """Until the same packet is sent again."""
    tries: int = 1

    def ask(self, attributes: str, command: str = "auth") -> Heard:
        """Send one request, its attributes in the order given; return the reply to it."""
        options = ["-x", "-r", str(self.tries), "-t", str(self.seconds)]
        argv = ["radclient", *options, f"{LOOPBACK}:{self.port}", command, self.secret]
        done = subprocess.run(argv, input=attributes, capture_output=True, text=True, check=False)
        printed = done.stdout + done.stderr
        found = RECEIVED.search(printed)
        if found is None:
            return Heard(printed)
        attributes_heard = tuple((line["name"], line["value"]) for line in ATTRIBUTE.finditer(found["attributes"]))
        return Heard(printed, found["code"], attributes_heard)

    def pairing_query(self, account: str) -> Heard:
        """Ask which kind of token an account has."""
        return self.ask(f"{_about(account)},Service-Type=Authorize-Only")

    def begin(self, account: str) -> Heard:
        """Begin a login."""
        return self.ask(f'{_about(account)},User-Password=""')

    def answer(self, account: str, typed: str, state: str) -> Heard:
        """Answer a challenge."""
        return self.ask(f"{_about(account)},User-Password={typed},State={state}")

    def one_shot(self, account: str, code: str) -> Heard:
        """Send a code at once."""
        return self.ask(f"{_about(account)},User-Password={code}")

    def status(self) -> Heard:
        """Ask whether the server is alive."""
        return self.ask("Message-Authenticator=0x00", "status")


def _about(account: str) -> str:
    return f"Message-Authenticator=0x00,User-Name={account},NAS-Identifier=login1,Calling-Station-Id=192.0.2.77"
