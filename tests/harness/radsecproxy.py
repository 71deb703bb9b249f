"""Debian's radsecproxy with the files of radius/radsecproxy, run as Debian's service runs it."""

import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness.certificate_authority import Identity
from tests.harness.ports import LOOPBACK, free_tcp_port, free_udp_port
from tests.harness.processes import Server, running
from tests.harness.radclient import Radclient
from tests.harness.radius_server import RadiusServer
from tests.harness.shipped import CHECKOUT, edited

PROGRAM = "/usr/sbin/radsecproxy"
ACCOUNT = "radsecproxy"
SHIPPED = CHECKOUT / "radius/radsecproxy"
SECRET = 'secret ".*"'


@dataclass(frozen=True)
class NodesEnd:
    """A running radsecproxy with node.conf."""

    port: int
    secret: str = field(repr=False)
    server: Server

    @property
    def pam_toml(self) -> str:
        """Its table for pam.toml, with the timeout of docs/how-to/radsecproxy.md."""
        return f'[[server]]\nhost = "{LOOPBACK}"\nport = {self.port}\nsecret = "{self.secret}"\ntimeout_seconds = 12\n'

    def client(self) -> Radclient:
        """Return radclient as a node would ask: again after 4 s and 8 s."""
        return Radclient(self.port, self.secret, seconds=4, tries=3)

    def connections(self) -> int:
        """Count the connections to servers that were made."""
        return len(re.findall("TLS connection to .* up$", self.server.log_text(), re.MULTILINE))


@dataclass(frozen=True)
class ServersEnd:
    """A running radsecproxy with server.conf."""

    port: int
    server: Server


@contextmanager
def running_servers_end(directory: Path, identity: Identity, behind: RadiusServer) -> Iterator[ServersEnd]:
    """Give the end of the tunnel that stands beside a RADIUS server."""
    port = free_tcp_port()
    changes = {
        **_identity(identity),
        r"ListenTLS \*:2083": f"ListenTLS {LOOPBACK}:{port}",
        r"host 192\.0\.2\.32/27": "host 127.0.0.0/8",
        r"port 1812": f"port {behind.port}",
        SECRET: f'secret "{behind.secret}"',
    }
    with _running(directory / f"server-{port}.conf", edited(SHIPPED / "server.conf", changes)) as server:
        server.wait_until(lambda: "listening for tls" in server.log_text())
        yield ServersEnd(port, server)


@contextmanager
def running_nodes_end(directory: Path, identity: Identity, ports: Sequence[int]) -> Iterator[NodesEnd]:
    """Give the end of the tunnel that stands on a node, with two servers; it may not be connected yet."""
    port, secret = free_udp_port(), secrets.token_hex(16)
    first, second = (f"host {LOOPBACK}\n\tport {one}" for one in ports)
    changes = {
        **_identity(identity),
        r"ListenUDP 127\.0\.0\.1:1812": f"ListenUDP {LOOPBACK}:{port}",
        r"host 192\.0\.2\.11\n\tport 2083": first,
        r"host 192\.0\.2\.12\n\tport 2083": second,
        SECRET: f'secret "{secret}"',
    }
    with _running(directory / f"node-{port}.conf", edited(SHIPPED / "node.conf", changes)) as server:
        server.wait_until(lambda: "listening for udp" in server.log_text())
        yield NodesEnd(port, secret, server)


def _identity(identity: Identity) -> dict[str, str]:
    """Return the changes that put a machine's certificate in place."""
    return {
        "/etc/radsecproxy/ca.pem": str(identity.ca),
        "/etc/radsecproxy/this-machine.pem": str(identity.certificate),
        "/etc/radsecproxy/this-machine.key": str(identity.key),
    }


@contextmanager
def _running(configuration: Path, text: str) -> Iterator[Server]:
    configuration.write_text(text, encoding="utf-8")
    configuration.chmod(0o640)
    shutil.chown(configuration, group=ACCOUNT)
    # -d 3 tells on stderr what syslog would be told by default, and each connection.
    argv: list[str | Path] = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups"]
    with running([*argv, PROGRAM, "-f", "-d", "3", "-c", configuration], configuration.with_suffix(".log")) as server:
        yield server
