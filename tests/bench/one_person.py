"""Somebody who logs in again and again with the code of now: what servers remember of a code is put back each time."""

import base64
import secrets
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.bench.people import code_of, step_now
from tests.harness.radius_server import ServerSettings
from tests.harness.soft_token import pair_soft_token
from tests.harness.watchword_command import Watchword


class OurPerson:
    """An account with a soft token of ours."""

    def __init__(self, store: ServerSettings, watchword: Watchword, account: str) -> None:
        token = pair_soft_token(watchword, account)
        self._seed = bytes.fromhex(token.secret_hex)
        self._serial = token.serial
        self._engine = create_engine(store.database_url)

    def code(self) -> str:
        """Return the code of now, good once more."""
        with self._engine.begin() as database:
            forget = text("UPDATE tokens SET last_step = -1, drift_steps = 0 WHERE serial = :serial")
            database.execute(forget, {"serial": self._serial})
        self._engine.dispose()
        return code_of(self._seed, step_now())


class GooglePerson:
    """An account with a file of pam_google_authenticator, as its program writes it for whoever says yes to all."""

    def __init__(self, directory: Path) -> None:
        self._seed = secrets.token_bytes(20)
        self._file = directory / "google_authenticator"

    @property
    def line(self) -> str:
        """The line of a PAM stack."""
        return f"auth required pam_google_authenticator.so secret={self._file} user=root"

    def code(self) -> str:
        """Return the code of now, good once more."""
        secret = base64.b32encode(self._seed).decode("ascii")
        options = ("RATE_LIMIT 3 30", "WINDOW_SIZE 17", "DISALLOW_REUSE", "TOTP_AUTH")
        self._file.write_text("\n".join([secret, *(f'" {option}' for option in options), ""]), encoding="ascii")
        self._file.chmod(0o400)
        return code_of(self._seed, step_now())
