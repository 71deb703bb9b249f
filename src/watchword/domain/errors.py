"""One tree of errors.

WatchwordError
├── SettingsError       a configuration file is wrong
├── NotFound            no such account, token, file
├── Conflict            it is there already, or in a state that forbids this
├── InvalidValue        a value that a person gave cannot be used
├── SeedFileError       a file of seeds cannot be imported; nothing was
├── KeyringError        the keyring is missing, unsafe, or lacks a key
├── SealError           sealed data is altered, or belongs to another row
├── StoreUnavailable    the database does not answer
├── KeeperUnavailable   the keeper of the seeds does not answer
├── DirectoryUnavailable   LDAP does not answer
└── DeliveryFailed      a message could not be handed over
"""


class WatchwordError(Exception):
    """Root of everything that Watchword raises on purpose; `hint` says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SettingsError(WatchwordError):
    """A configuration file cannot be used."""


class NotFound(WatchwordError):
    """What was named is not there."""


class Conflict(WatchwordError):
    """What was asked for contradicts what is there."""


class InvalidValue(WatchwordError):
    """A value that a person gave cannot be used."""


class SeedFileError(WatchwordError):
    """A file of seeds cannot be imported, and nothing of it was."""


class KeyringError(WatchwordError):
    """The keyring cannot be used, or lacks the key that sealed something."""


class SealError(WatchwordError):
    """Sealed data was altered, or belongs to another row."""


class StoreUnavailable(WatchwordError):
    """The database does not answer."""


class KeeperUnavailable(WatchwordError):
    """The keeper, which alone opens seeds for the portal, does not answer."""


class DirectoryUnavailable(WatchwordError):
    """The directory does not answer."""


class DeliveryFailed(WatchwordError):
    """A message could not be handed over; `final` says that trying again will not help."""

    def __init__(self, message: str, *, final: bool = False, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.final = final
