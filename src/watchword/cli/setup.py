"""`watchword init`: a keyring, and a database with its tables."""

import grp
import os
import pwd
from pathlib import Path

import typer

from watchword.cli.context import settings_of
from watchword.cli.output import AsJson, say, say_json
from watchword.clock import now_seconds
from watchword.domain.errors import KeyringError, SettingsError
from watchword.settings import Settings
from watchword.store import migrate
from watchword.store.database import Database
from watchword.store.keyring import Keyring, KeyState, new_key, write_keys

SERVICE_ACCOUNT = "watchword"

KEYS_GROUP = "watchword-keys"
"""Where the installer has put the daemons' accounts."""


def init(context: typer.Context, as_json: AsJson = False) -> None:
    """Make the keyring and the tables. Safe to repeat: what is there stays.

    Run as root, it gives the daemon's own account what the daemon must read and write.

    Example: watchword --config /etc/watchword/watchword.toml init
    """
    os.umask(0o077)  # a SQLite database takes its mode from here
    settings = settings_of(context)
    made = _make_keyring(settings.keyring.file)
    settings.audit.anchors.mkdir(parents=True, exist_ok=True, mode=0o750)
    revision = _make_schema(settings)
    _share_with_service(settings)
    if as_json:
        say_json({"keyring": str(settings.keyring.file), "keyring_made": made, "schema": revision})
        return
    say(f"{'made' if made else 'kept'} the keyring {settings.keyring.file}" + (": back it up" if made else ""))
    say(f"the schema has revision {revision}")


def _make_keyring(path: Path) -> bool:
    if path.exists():
        Keyring(path)
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_keys(path, [new_key(KeyState.PRIMARY, int(now_seconds()))])
    except OSError as error:
        raise KeyringError(
            f"the keyring {path} cannot be written: {error.strerror}", hint="run this as root"
        ) from error
    return True


def _make_schema(settings: Settings) -> str:
    database = Database(settings.database.url.get_secret_value())
    try:
        migrate.upgrade(database)
        return migrate.current_revision(database)
    finally:
        database.close()


def _share_with_service(settings: Settings) -> None:
    """Let the daemons' accounts read the keyring, which stays root's; give one the anchors and a SQLite database."""
    if os.geteuid() != 0:
        return
    try:
        service = pwd.getpwnam(SERVICE_ACCOUNT)
    except KeyError:
        return  # no daemon of its own here: a checkout, a demo
    os.chown(settings.keyring.file, 0, _keys_group(service))
    settings.keyring.file.chmod(0o640)
    _give(settings.audit.anchors, service, os.O_DIRECTORY)
    database_file = Database(settings.database.url.get_secret_value()).file
    if database_file is not None:
        _give(database_file, service, 0)


def _keys_group(service: pwd.struct_passwd) -> int:
    """Answer the group of all daemons; where the installer has made none, the one daemon's own."""
    try:
        return grp.getgrnam(KEYS_GROUP).gr_gid
    except KeyError:
        return service.pw_gid


def _give(path: Path, service: pwd.struct_passwd, flags: int) -> None:
    """Make the daemon's account the owner, but of no place that a link put there by it leads to."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags)
    except OSError as error:
        raise SettingsError(
            f"{path} is not what it should be: {error.strerror}", hint="look who put it there"
        ) from error
    try:
        os.fchown(descriptor, service.pw_uid, service.pw_gid)
    finally:
        os.close(descriptor)
