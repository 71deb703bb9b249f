"""Debian's FreeRADIUS with radius/freeradius/watchword as its only site, run as Debian's service runs it."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness.ports import LOOPBACK, free_udp_port
from tests.harness.processes import Server, running
from tests.harness.radclient import Radclient
from tests.harness.shipped import CHECKOUT, edited

PROGRAM = "/usr/sbin/freeradius"
ITS_OWN = Path("/etc/freeradius/3.0")
SITE = CHECKOUT / "radius/freeradius/watchword"
GROUP = "freerad"
READY = "Ready to process requests"

UNWANTED = ["sites-enabled/default", "sites-enabled/inner-tunnel", "mods-enabled/eap"]
"""What docs/how-to/freeradius.md has a sysadmin remove."""


@dataclass(frozen=True)
class FreeRadius:
    """A running FreeRADIUS in front of two servers."""

    port: int
    secret: str = field(repr=False)
    server: Server

    @property
    def pam_toml(self) -> str:
        """Its table for pam.toml, with the timeout of docs/how-to/freeradius.md."""
        return f'[[server]]\nhost = "{LOOPBACK}"\nport = {self.port}\nsecret = "{self.secret}"\ntimeout_seconds = 24\n'

    def client(self, secret: str | None = None) -> Radclient:
        """Return radclient as a node would ask: again after 8 s and 16 s."""
        return Radclient(self.port, secret or self.secret, seconds=8, tries=3)


@contextmanager
def running_freeradius(ports: Sequence[int], their_secret: str, *, excused: bool = False) -> Iterator[FreeRadius]:
    """Give a FreeRADIUS that asks the servers at two ports; `excused`: it demands no signature of its clients."""
    port, secret = free_udp_port(), secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="freeradius-") as name:
        directory = Path(name)
        _copy_configuration(directory)
        site = _site(ports, their_secret, port, secret)
        if excused:
            site = site.replace("require_message_authenticator = yes", "require_message_authenticator = no")
        _write(directory / "sites-enabled/watchword", site)
        directory.chmod(0o755)
        argv: list[str | Path] = [PROGRAM, "-f", "-l", "stdout", "-d", directory]
        with running(argv, directory / "log") as server:
            server.wait_until(lambda: READY in server.log_text())
            yield FreeRadius(port, secret, server)


def _copy_configuration(directory: Path) -> None:
    """Copy Debian's configuration, take out what the how-to takes out, and put its paths here."""
    shutil.copytree(ITS_OWN, directory, symlinks=True, dirs_exist_ok=True)
    for name in UNWANTED:
        (directory / name).unlink(missing_ok=True)
    run = directory / "run"
    run.mkdir()
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            shutil.chown(path, group=GROUP)
    shutil.chown(run, GROUP)
    paths = {
        "raddbdir = .*": f"raddbdir = {directory}",
        "logdir = .*": f"logdir = {run}",
        "run_dir = .*": f"run_dir = {run}",
    }
    _write(directory / "radiusd.conf", edited(ITS_OWN / "radiusd.conf", paths))


def _site(ports: Sequence[int], their_secret: str, port: int, secret: str) -> str:
    """Return the shipped site with addresses, ports and secrets put in."""
    first, second = (f'ipaddr = {LOOPBACK}\n\tport = {one}\n\tsecret = "{their_secret}"' for one in ports)
    rest = r'\n\tport = 1812\n\tsecret = ".*"'
    changes = {
        r"ipaddr = 192\.0\.2\.11" + rest: first,
        r"ipaddr = 192\.0\.2\.12" + rest: second,
        r"\t\tipaddr = 192\.0\.2\.32/27\n\t\tsecret = .*": f'\t\tipaddr = 127.0.0.0/8\n\t\tsecret = "{secret}"',
        r"ipaddr = \*\n\t\tport = 1812": f"ipaddr = {LOOPBACK}\n\t\tport = {port}",
    }
    return edited(SITE, changes)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o640)
    shutil.chown(path, group=GROUP)
