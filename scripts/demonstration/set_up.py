"""Put the parts of the demo together, and take them apart again."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.accounts import Account, temporary_account
from tests.harness.node import Node, installed_modules
from tests.harness.portal import Portal, replace_more, running_bare_portal
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.soft_token import SoftToken, pair_soft_token
from tests.harness.sshd import Sshd, running_sshd_as_root

from scripts.demonstration.interruption import Interruption

PAM_SERVICE = "watchword-demo"
ACCOUNT_PREFIX = "wwdemo"


@dataclass(frozen=True)
class Demo:
    """What is up."""

    sshd: Sshd
    account: Account
    token: SoftToken
    portal: Portal


@contextmanager
def demo(interruption: Interruption) -> Iterator[Demo]:
    """Give the demo while it is up; raises Interrupted between two steps."""
    with ExitStack() as undo:
        home = Path(
            undo.enter_context(tempfile.TemporaryDirectory(prefix="watchword-demo-", dir=_place_for_programs()))
        )
        _tell("Setting up:")
        modules = installed_modules(_folder(home, "modules"))
        _tell(f"  PAM modules    below {modules}")
        interruption.check()
        settings = _settings(home)
        port = free_tcp_port()
        url = f"http://{LOOPBACK}:{port}"
        # Whoever is refused reads where to ask.
        told = replace_more(settings, f'[portal]\npublic_url = "{url}"\n')
        servers = _start_servers(told, undo, interruption)
        account = undo.enter_context(temporary_account(ACCOUNT_PREFIX))
        token = pair_soft_token(servers[0].watchword, account.name)
        _tell(f"  account        {account.name}, paired with {token.serial}")
        interruption.check()
        node = Node(modules, _folder(home, "node"))
        node.write_settings(*(server.pam_toml for server in servers), mode="full")
        node.write_exemptions()
        sshd = undo.enter_context(_start_sshd(home, node, account))
        _tell(f"  sshd           {LOOPBACK}:{sshd.port}, PAM service {sshd.service.name}")
        interruption.check()
        portal = undo.enter_context(_start_portal(settings, port, url, account))
        _tell(f"  portal         {portal.url}")
        interruption.check()
        yield Demo(sshd, account, token, portal)


def _settings(home: Path) -> ServerSettings:
    """Say what the servers and the portal have in common: one SQLite store."""
    directory = _folder(home, "servers")
    more = '[soft]\nissuer = "Watchword demo"\n'
    return ServerSettings(directory, f"sqlite:///{directory / 'watchword.db'}", more=more)


def _start_servers(settings: ServerSettings, undo: ExitStack, interruption: Interruption) -> list[RadiusServer]:
    """Start two RADIUS servers."""
    servers = []
    for name in ("radius1", "radius2"):
        servers.append(undo.enter_context(running_radius_server(settings, name)))
        _tell(f"  RADIUS server  {LOOPBACK}:{servers[-1].port}")
        interruption.check()
    return servers


def _start_sshd(home: Path, node: Node, account: Account) -> AbstractContextManager[Sshd]:
    """Start an sshd for this account alone, with a password, then a code."""
    settings = {"AuthenticationMethods": "keyboard-interactive:pam", "AllowUsers": account.name}
    return running_sshd_as_root(_folder(home, "sshd"), node.stack(), settings, name=PAM_SERVICE)


def _start_portal(settings: ServerSettings, port: int, url: str, account: Account) -> AbstractContextManager[Portal]:
    """Start a portal in which the account is an operator too; a browser trusts this machine itself without TLS."""
    keys = {"mode": "full", "help": "This is a demo: nobody is there to ask."}
    roles = {"admin": [account.name]}
    return running_bare_portal(settings, port, url, keys=keys, roles=roles, pam_name=f"{PAM_SERVICE}-portal")


def _folder(home: Path, name: str) -> Path:
    directory = home / name
    directory.mkdir()
    return directory


def _place_for_programs() -> str:
    """Return a directory for temporary files from which programs may be started: a copy of sshd lies there."""
    for place in (tempfile.gettempdir(), "/var/tmp", "/var/lib"):
        if not os.statvfs(place).f_flag & os.ST_NOEXEC:
            return place
    raise RuntimeError("no directory for temporary files lets programs start: set TMPDIR to one")


def _tell(line: str) -> None:
    print(line, flush=True)
