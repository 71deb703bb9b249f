"""A portal as a centre runs it: `watchword portal` on loopback, with a proxy before it that speaks TLS."""

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.pam_service import pam_service
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.processes import Server, running
from tests.harness.radius_server import ServerSettings
from tests.harness.shipped import CHECKOUT
from tests.harness.tls_proxies import TlsProxy, new_tls_proxy, nginx, running_tls_proxy
from tests.harness.watchword_command import COMMAND, Watchword

UNUSED_PORT = 1812
"""A portal opens no port for RADIUS, but its file may name one."""

PAM_STACK = CHECKOUT / "conf/pam.d/watchword-portal"


@dataclass(frozen=True)
class Portal:
    """A running portal, and the proxy that browsers see."""

    proxy: TlsProxy
    port: int
    watchword: Watchword
    server: Server

    @property
    def url(self) -> str:
        """What people type."""
        return self.proxy.url


def portal_table(
    listen: str, public_url: str, pam: str, keys: Mapping[str, object], roles: Mapping[str, Sequence[str]]
) -> str:
    """Write [portal] and [portal.roles] of watchword.toml; JSON's strings, numbers and lists are TOML's too."""
    fixed = {"listen": listen, "public_url": public_url, "pam_service": pam, "trusted_proxies": [f"{LOOPBACK}/32"]}
    lines = [f"{key} = {json.dumps(value)}" for key, value in {**fixed, **keys}.items()]
    named = [f"{role} = {json.dumps(list(members))}" for role, members in roles.items()]
    return "\n".join(["[portal]", *lines, "[portal.roles]", *named, ""])


@contextmanager
def running_portal(
    settings: ServerSettings,
    directory: Path,
    *,
    keys: Mapping[str, object] | None = None,
    roles: Mapping[str, Sequence[str]] | None = None,
    name: str = "portal1",
) -> Iterator[Portal]:
    """Give a portal behind nginx that answers; the keyring and the schema must be there.

    `keys` are further keys of [portal]. People sign in with their system passwords, by the PAM stack that we ship.
    """
    with ExitStack() as undo:
        proxy = new_tls_proxy(directory)
        port = free_tcp_port()
        pam = undo.enter_context(pam_service(f"watchword-{directory.name}", PAM_STACK.read_text(encoding="utf-8")))
        table = portal_table(f"{LOOPBACK}:{port}", proxy.url, pam.name, keys or {}, roles or {})
        watchword = replace_more(settings, table).write(name, UNUSED_PORT)
        argv: list[str | Path] = [COMMAND, "--config", watchword.config, "portal"]
        server = undo.enter_context(running(argv, directory / f"{name}.log"))
        server.wait_until(lambda: is_well(port))
        undo.enter_context(running_tls_proxy(nginx, proxy, f"{LOOPBACK}:{port}"))
        yield Portal(proxy, port, watchword, server)


def replace_more(settings: ServerSettings, more: str) -> ServerSettings:
    """Return the settings with further tables."""
    return ServerSettings(settings.directory, settings.database_url, settings.secret, f"{settings.more}\n{more}")


def is_well(port: int) -> bool:
    """Whether a portal says that it is well."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
