"""A small centre to attack: a RADIUS server on SQLite, and accounts in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.radius_server import RadiusServer, ServerSettings
from watchword.settings import read_settings
from watchword.wiring import Services, assemble


def sqlite_settings(directory: Path, more: str = "") -> ServerSettings:
    """Return settings with a database in a file."""
    return ServerSettings(directory, f"sqlite:///{directory / 'watchword.db'}", more=more)


@contextmanager
def services_of(server: RadiusServer) -> Iterator[Services]:
    """Give the services of a running server's configuration: what an operator does by the hundred."""
    services = assemble(read_settings(server.watchword.config), role="test", actor="test")
    try:
        yield services
    finally:
        services.close()
