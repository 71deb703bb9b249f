"""The keyring file: the keys that seal secrets and chain the audit log, kept out of the database.

A TOML file with a `[[key]]` for each key. Exactly one is `primary`: it seals whatever is sealed now. `standby` keys
are known but not yet used, so that every server can learn of a key before the first one uses it. `retired` keys
only open what they once sealed; they are kept, since the audit log's old lines are verified with them.
"""

import base64
import binascii
import enum
import fcntl
import hmac
import os
import stat
import threading
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from watchword.domain.errors import KeyringError

KEY_OCTETS = 32
KEY_ID_OCTETS = 4


class KeyState(enum.StrEnum):
    """What a key is for now."""

    PRIMARY = "primary"
    STANDBY = "standby"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `key_id` is eight hex digits, `secret` 32 random octets."""

    key_id: str
    state: KeyState
    created_at: int
    secret: bytes = field(repr=False)

    def derive(self, purpose: str) -> bytes:
        """Derive the 32 octets for one purpose (HKDF, RFC 5869), so that no key serves two."""
        return HKDF(SHA256(), KEY_OCTETS, salt=None, info=f"watchword {purpose}".encode()).derive(self.secret)


class Keyring:
    """The keys as the file has them, read again whenever the file has changed. Safe for several threads."""

    def __init__(self, path: Path) -> None:
        """Read the keyring; raises KeyringError."""
        self.path = path
        self._reading = threading.Lock()
        self._version: tuple[int, ...] = ()
        self._keys: dict[str, Key] = {}
        self._derived: dict[tuple[str, str], bytes] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the file again if it has changed.

        Raises KeyringError if it cannot be used now; the keys stay as they were.
        """
        version = _version(self.path)
        with self._reading:
            if version == self._version:
                return
            keys = {key.key_id: key for key in read_keys(self.path)}
            self._keys, self._derived, self._version = keys, {}, version

    @property
    def primary(self) -> Key:
        """The key that seals now."""
        return next(key for key in self._keys.values() if key.state is KeyState.PRIMARY)

    def keys(self) -> list[Key]:
        """List the keys in the file's order."""
        return list(self._keys.values())

    def derived(self, key_id: str, purpose: str) -> bytes:
        """Answer the octets of a key for a purpose; raises KeyringError for a key that is not here."""
        known = self._derived.get((key_id, purpose))
        if known is not None:
            return known
        if key_id not in self._keys:
            self.refresh()
        if key_id not in self._keys:
            raise KeyringError(
                f"the keyring {self.path} has no key {key_id}",
                hint="copy the keyring from the server that rotated last",
            )
        octets = self._keys[key_id].derive(purpose)
        self._derived[key_id, purpose] = octets
        return octets

    def mark(self, purpose: str, octets: bytes) -> bytes:
        """Answer 32 octets that stand for others: who has no key can't try guesses against them.

        With the oldest key, which every server has, so that they stay the same when keys are rotated.
        """
        oldest = min(self._keys.values(), key=lambda key: (key.created_at, key.key_id))
        return hmac.digest(self.derived(oldest.key_id, purpose), octets, "sha256")


def _version(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError as error:
        raise KeyringError(
            f"the keyring {path} cannot be read: {error.strerror}", hint="make one with `watchword init`"
        ) from error
    if status.st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise KeyringError(
            f"the keyring {path} can be reached by others",
            hint=f"chmod 0640 {path}, owned by root and the server's group",
        )
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def read_keys(path: Path) -> list[Key]:
    """Read every key of the file; raises KeyringError, which never quotes the file."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KeyringError(f"the keyring {path} cannot be read: {type(error).__name__}") from error
    try:
        keys = [_key(entry) for entry in document["key"]]
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise KeyringError(f"the keyring {path} is damaged", hint="restore it from your backup") from error
    if sum(key.state is KeyState.PRIMARY for key in keys) != 1 or len({key.key_id for key in keys}) != len(keys):
        raise KeyringError(f"the keyring {path} is damaged: it must have one primary key and no key twice")
    return keys


def _key(entry: dict[str, str | int]) -> Key:
    secret = base64.b64decode(str(entry["secret"]), validate=True)
    key_id = str(entry["id"])
    if len(secret) != KEY_OCTETS or len(bytes.fromhex(key_id)) != KEY_ID_OCTETS:
        raise ValueError
    return Key(key_id, KeyState(str(entry["state"])), int(entry["created"]), secret)


def new_key(state: KeyState, now_seconds: int) -> Key:
    """Make a key from the system's randomness."""
    return Key(os.urandom(KEY_ID_OCTETS).hex(), state, now_seconds, os.urandom(KEY_OCTETS))


def write_keys(path: Path, keys: Iterable[Key]) -> None:
    """Replace the file in one step, keeping its owner; a new one is its maker's alone (0600)."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    text = "# Watchword's keyring. Back it up: without it, no sealed secret can be opened again.\n"
    for key in keys:
        secret = base64.b64encode(key.secret).decode("ascii")
        text += (
            f'\n[[key]]\nid = "{key.key_id}"\nstate = "{key.state}"\ncreated = {key.created_at}\nsecret = "{secret}"\n'
        )
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if path.exists():
                status = path.stat()
                os.fchown(file.fileno(), status.st_uid, status.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode))
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_directory(path.parent)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def change_keys(path: Path, change: Callable[[list[Key]], list[Key]]) -> list[Key]:
    """Change the keyring while nobody else can; answers the new keys. Raises KeyringError, also if a key would go.

    A key that is gone takes with it every secret that it sealed.
    """
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        before = read_keys(path)
        after = change(before)
        if {key.key_id for key in before} - {key.key_id for key in after}:
            raise KeyringError("a key would be lost; the keyring was left as it is")
        write_keys(path, after)
        return after
    finally:
        os.close(directory)


def _sync_directory(directory: Path) -> None:
    """Have the new name on disk before anything is sealed with what it names."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def promote(keys: list[Key], now_seconds: int) -> list[Key]:
    """Make the newest standby key, or a new one, primary, and retire the primary of before."""
    standby = [key for key in keys if key.state is KeyState.STANDBY]
    chosen = standby[-1] if standby else new_key(KeyState.STANDBY, now_seconds)
    retired = [replace(key, state=KeyState.RETIRED) if key.state is KeyState.PRIMARY else key for key in keys]
    others = [key for key in retired if key.key_id != chosen.key_id]
    return [*others, replace(chosen, state=KeyState.PRIMARY)]
