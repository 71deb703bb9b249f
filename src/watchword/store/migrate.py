"""Bring the schema up to this version of Watchword, and tell which version it has."""

# ruff: noqa: PLC0415 - alembic takes a quarter of a second to load, and most commands never need it

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from watchword.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config


def upgrade(database: Database) -> None:
    """Run every step that is missing; safe to repeat. Raises StoreUnavailable."""
    from alembic import command

    database.write(lambda connection: command.upgrade(_config(connection), "head"))


def current_revision(database: Database) -> str:
    """Answer the schema's revision, empty for a database without one. Raises StoreUnavailable."""
    from alembic.runtime.migration import MigrationContext

    return database.read(lambda connection: MigrationContext.configure(connection).get_current_revision() or "")


def newest_revision() -> str:
    """Answer the revision that this version of Watchword needs."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
