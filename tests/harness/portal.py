"""A portal as a centre runs it: `watchword portal` on loopback, with a proxy before it that speaks TLS."""

import http.client
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.pam_service import pam_service
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.processes import Server, running
from tests.harness.radius_server import ServerSettings
from tests.harness.shipped import CHECKOUT
from tests.harness.tls_proxies import new_tls_proxy, nginx, running_tls_proxy
from tests.harness.watchword_command import COMMAND, Watchword

UNUSED_PORT = 1812
"""A portal opens no port for RADIUS, but its file may name one."""

PAM_STACK = CHECKOUT / "conf/pam.d/watchword-portal"


@dataclass(frozen=True)
class Portal:
    """A running portal; `url` is what people type, `port` where it speaks plain HTTP."""

    url: str
    port: int
    watchword: Watchword
    server: Server


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
) -> Iterator[Portal]:
    """Give a portal behind nginx that answers over TLS; the keyring and the schema must be there.

    `keys` are further keys of [portal].
    """
    proxy = new_tls_proxy(directory)
    with (
        running_bare_portal(settings, free_tcp_port(), proxy.url, keys=keys, roles=roles) as portal,
        running_tls_proxy(nginx, proxy, f"{LOOPBACK}:{portal.port}"),
    ):
        yield portal


@contextmanager
def running_bare_portal(
    settings: ServerSettings,
    port: int,
    url: str,
    *,
    keys: Mapping[str, object] | None = None,
    roles: Mapping[str, Sequence[str]] | None = None,
    pam_name: str = "watchword-test-portal",
) -> Iterator[Portal]:
    """Give a portal that answers on a port of loopback, as `url`. People sign in by the PAM stack that we ship."""
    with pam_service(f"{pam_name}-{secrets.token_hex(3)}", PAM_STACK.read_text(encoding="utf-8")) as pam:
        table = portal_table(f"{LOOPBACK}:{port}", url, pam.name, keys or {}, roles or {})
        watchword = replace_more(settings, table).write("portal1", UNUSED_PORT)
        argv: list[str | Path] = [COMMAND, "--config", watchword.config, "portal"]
        with running(argv, settings.directory / "portal1.log") as server:
            server.wait_until(lambda: is_well(port), seconds=90)
            yield Portal(url, port, watchword, server)


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
