"""Bring the schema up to this version of Watchword, and tell which version it has."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from watchword.store.database import Database


def upgrade(database: Database) -> None:
    """Run every step that is missing; safe to repeat. Raises StoreUnavailable."""
    database.write(lambda connection: command.upgrade(_config(connection), "head"))


def current_revision(database: Database) -> str:
    """Answer the schema's revision, empty for a database without one. Raises StoreUnavailable."""
    return database.read(lambda connection: MigrationContext.configure(connection).get_current_revision() or "")


def newest_revision() -> str:
    """Answer the revision that this version of Watchword needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
