"""A phone with an app: oathtool, holding the secret that the server handed out."""

import base64
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.harness.one_time_codes import oathtool_code
from tests.harness.watchword_command import Watchword

PERIOD_SECONDS = 30


@dataclass
class SoftToken:
    """A paired soft token."""

    serial: str
    otpauth: str = field(repr=False)
    _last_step: int = 0

    def fresh_code(self) -> str:
        """Return a code that this method never returned before: now's, or one of the next steps, as of a fast clock."""
        self._last_step = max(int(time.time()) // PERIOD_SECONDS, self._last_step + 1)
        return self.code_of_step(self._last_step)

    def code_of_step(self, step: int) -> str:
        """Return the code of a time step."""
        return oathtool_code(self.secret_hex, step * PERIOD_SECONDS, period_seconds=PERIOD_SECONDS)

    @property
    def secret_hex(self) -> str:
        """The secret, as oathtool wants it."""
        (secret,) = parse_qs(urlsplit(self.otpauth).query)["secret"]
        return base64.b32decode(secret + "=" * (-len(secret) % 8)).hex()


def pair_soft_token(watchword: Watchword, account: str) -> SoftToken:
    """Give an account a soft token."""
    added = watchword.ask("token", "add", account, "--kind", "soft")
    return SoftToken(added["serial"], added["otpauth"])
