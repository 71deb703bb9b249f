"""A MariaDB server that can be killed, frozen and begun again, with a user who is no administrator."""

import os
import secrets
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import run
from typing import Any

import pymysql

from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.processes import Server, ServerError

PROGRAM = "/usr/sbin/mariadbd"
USER = "watchword"
ANSWER_SECONDS = 60

# Small buffers, whole durability: that is the default, and said here since everything hangs on it.
LOG_SIZE = "--innodb-log-file-size=16M"
OPTIONS = (
    "--innodb-buffer-pool-size=32M",
    LOG_SIZE,
    "--innodb-flush-log-at-trx-commit=1",
    "--performance-schema=OFF",
    "--skip-name-resolve",
)


class MortalMariadb:
    """A MariaDB server whose process ends and begins, on the same data and the same port."""

    runs_as = "root"

    def __init__(self, directory: Path, *options: str, install_options: tuple[str, ...] = ()) -> None:
        """Take options of mariadbd, and those that mariadb-install-db must know as well."""
        self.directory = directory
        self.data = directory / "data"
        self.port = free_tcp_port()
        self._options = (*options, *install_options)
        self._install_options = install_options
        # In a directory that servers share, one that begins would remove another's temporary tables.
        self._temporary = directory / "tmp"
        self._socket = directory / "socket"
        self._password = secrets.token_hex(16)
        self._server: Server | None = None
        self._starts = 0

    def install(self) -> None:
        """Make the data directory, with its administrator's account."""
        self._temporary.mkdir()
        for path in (self.directory, self._temporary):
            shutil.chown(path, self.runs_as)
        argv = ["mariadb-install-db", "--no-defaults", f"--user={self.runs_as}", f"--datadir={self.data}"]
        argv += ["--auth-root-authentication-method=normal", "--skip-test-db", LOG_SIZE]
        argv += [f"--tmpdir={self._temporary}", *self._install_options]
        done = run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerError(f"mariadb-install-db failed:\n{done.stdout}{done.stderr}")

    def start(self, *more: str) -> None:
        """Begin the process; `wait_ready` waits until it accepts connections."""
        self._starts += 1
        files = [f"--datadir={self.data}", f"--tmpdir={self._temporary}", f"--socket={self._socket}"]
        listen = [f"--port={self.port}", f"--bind-address={LOOPBACK}"]
        argv = [PROGRAM, "--no-defaults", f"--user={self.runs_as}", *files, *listen, *OPTIONS]
        self._server = Server([*argv, *self._options, *more], self.directory / f"mariadb-{self._starts}.log")

    def wait_ready(self, seconds: float = 90) -> None:
        """Wait until it answers a question."""
        self.process.wait_until(self.answers, seconds)

    def answers(self) -> bool:
        """Whether it answers a question now."""
        with suppress(OSError, pymysql.Error):
            self.execute("SELECT 1")
            return True
        return False

    @property
    def process(self) -> Server:
        """The process that runs now."""
        assert self._server is not None
        return self._server

    def kill(self) -> None:
        """End it as `kill -9` does, and what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.stop()

    def freeze(self) -> None:
        """Stop the process where it stands."""
        self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send(signal.SIGCONT)

    def stop(self) -> None:
        """End it in good order."""
        if self._server is not None:
            self.process.stop()

    def create_database(self) -> str:
        """Make an empty database; return its name."""
        name = f"w{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        self.execute(f"CREATE USER IF NOT EXISTS {USER}@'%' IDENTIFIED BY '{self._password}'")
        # No right that would let it write to a database that is read-only.
        self.execute(f"GRANT ALL ON {name}.* TO {USER}@'%'")
        return name

    def url(self, database: str, password: str | None = None) -> str:
        """Return what watchword.toml calls the database."""
        secret = self._password if password is None else password
        return f"mysql+pymysql://{USER}:{secret}@{LOOPBACK}:{self.port}/{database}?charset=utf8mb4"

    @property
    def password(self) -> str:
        """The password of the user of the URLs."""
        return self._password

    def execute(self, statement: str) -> None:
        """Do something as the database's administrator."""
        self.select(statement)

    def select(self, statement: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Ask something as the database's administrator; raises OSError, pymysql.Error."""
        with socket.socket(socket.AF_UNIX) as peer:
            # Connected here: pymysql 1.1 leaves a socket open whose file nobody serves.
            peer.settimeout(ANSWER_SECONDS)
            peer.connect(str(self._socket))
            connection = pymysql.Connection(
                user="root", database=database, autocommit=True, read_timeout=ANSWER_SECONDS, defer_connect=True
            )
            connection.connect(peer)
            with connection, connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())


@contextmanager
def mortal_mariadb(directory: Path, *options: str, install_options: tuple[str, ...] = ()) -> Iterator[MortalMariadb]:
    """Give a MariaDB server that runs, unless the block leaves it dead."""
    database = MortalMariadb(directory, *options, install_options=install_options)
    database.install()
    try:
        database.start()
        database.wait_ready()
        yield database
    finally:
        database.stop()
