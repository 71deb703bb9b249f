"""A MariaDB server of one's own."""

import getpass
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import run

import pymysql

from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.processes import Server, ServerError, running

USER = "watchword"
READY = "ready for connections"

# Small buffers: many of these may run at once. Nothing that changes what a transaction means.
ECONOMY = ("--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M", "--performance-schema=OFF")


class Mariadb:
    """A running MariaDB server on loopback."""

    def __init__(self, server: Server, socket: Path, port: int) -> None:
        self.server = server
        self.port = port
        self._socket = socket
        self._password = secrets.token_hex(16)

    def create_database(self) -> str:
        """Make an empty database; return its URL for watchword.toml."""
        name = f"w{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return f"mysql+pymysql://{USER}:{self._password}@{LOOPBACK}:{self.port}/{name}?charset=utf8mb4"

    def answers(self) -> bool:
        """Whether the server has said that it accepts connections."""
        return READY in self.server.log_text()

    def create_user(self) -> None:
        """Make the database user of the URLs, who may do everything, as in a test."""
        self.execute(f"CREATE USER {USER}@'%' IDENTIFIED BY '{self._password}'")
        self.execute(f"GRANT ALL ON *.* TO {USER}@'%'")

    def execute(self, statement: str, *, database: str | None = None) -> None:
        """Do something as the database's administrator."""
        with (
            pymysql.connect(unix_socket=str(self._socket), user="root", database=database) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@contextmanager
def running_mariadb(directory: Path, *options: str) -> Iterator[Mariadb]:
    """Give a MariaDB server with its data in `directory`."""
    data, socket, port = directory / "data", directory / "socket", free_tcp_port()
    # Run as who we are: Debian's mysql account comes with the package of the service, which nobody needs here.
    # Temporary tables of its own, too: two that begin at once would take each other's away.
    common = ["--no-defaults", f"--user={getpass.getuser()}", f"--datadir={data}", f"--tmpdir={directory}"]
    _install(common)
    listen = [f"--socket={socket}", f"--port={port}", f"--bind-address={LOOPBACK}", "--skip-name-resolve"]
    with running(["/usr/sbin/mariadbd", *common, *listen, *ECONOMY, *options], directory / "mariadb.log") as server:
        mariadb = Mariadb(server, socket, port)
        server.wait_until(mariadb.answers, seconds=60)
        mariadb.create_user()
        yield mariadb


def _install(options: list[str]) -> None:
    argv = ["mariadb-install-db", *options, "--auth-root-authentication-method=normal", "--skip-test-db"]
    done = run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServerError(f"mariadb-install-db failed:\n{done.stdout}{done.stderr}")
