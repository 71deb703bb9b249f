"""The RADIUS server of this checkout, run as systemd would run it."""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness.ports import LOOPBACK, free_udp_port
from tests.harness.processes import Server, running
from tests.harness.watchword_command import COMMAND, Watchword


@dataclass(frozen=True)
class RadiusServer:
    """A running RADIUS server."""

    port: int
    secret: str = field(repr=False)
    watchword: Watchword
    server: Server

    @property
    def pam_toml(self) -> str:
        """Its table for pam.toml."""
        return f'[[server]]\nhost = "{LOOPBACK}"\nport = {self.port}\nsecret = "{self.secret}"\ntimeout_seconds = 2\n'


@dataclass(frozen=True)
class ServerSettings:
    """What several RADIUS servers have in common: a database and a keyring."""

    directory: Path
    database_url: str
    secret: str = field(repr=False, default_factory=lambda: secrets.token_hex(16))
    more: str = ""
    """Further tables of watchword.toml."""

    @property
    def keyring(self) -> Path:
        """The keyring's file."""
        return self.directory / "keyring"

    def write(self, name: str, port: int, *, workers: int = 1) -> Watchword:
        """Write the watchword.toml of one server; return the command that uses it."""
        config = self.directory / f"{name}.toml"
        text = (
            f'[database]\nurl = "{self.database_url}"\n'
            f'[keyring]\nfile = "{self.keyring}"\n'
            f'[audit]\nserver = "{name}"\nanchors = "{self.directory / "anchors"}"\n'
            f'[radius]\nlisten = ["{LOOPBACK}:{port}"]\nworkers = {workers}\n'
            f'[[radius.client]]\nname = "loopback"\nnetwork = "127.0.0.0/8"\nsecret = "{self.secret}"\n'
            f"{self.more}\n"
        )
        descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return Watchword(config)


@contextmanager
def running_radius_server(
    settings: ServerSettings, name: str = "radius1", *, workers: int = 1
) -> Iterator[RadiusServer]:
    """Give a RADIUS server that answers; the first one makes the keyring and the schema."""
    port = free_udp_port()
    watchword = settings.write(name, port, workers=workers)
    if not settings.keyring.exists():
        watchword.do("init")
    with _notify_socket() as (notify, address):
        argv: list[str | Path] = [COMMAND, "--config", watchword.config, "radius"]
        log = settings.directory / f"{name}.log"
        with running(argv, log, {"NOTIFY_SOCKET": address}) as server:
            server.wait_until(lambda: _says_ready(notify))
            yield RadiusServer(port, settings.secret, watchword, server)


@contextmanager
def _notify_socket() -> Iterator[tuple[socket.socket, str]]:
    """Give a socket for sd_notify(3), and its address: an abstract one, which leaves no file."""
    address = f"@watchword-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as receiver:
        receiver.bind(address.replace("@", "\0"))
        yield receiver, address


def _says_ready(receiver: socket.socket) -> bool:
    """Whether READY=1, as sd_notify(3) has it, lies in the socket."""
    try:
        return b"READY=1" in receiver.recv(4096).split(b"\n")
    except BlockingIOError:
        return False
