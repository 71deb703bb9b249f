"""Accounts by the thousand, each with a seed that the bench can work out again, and their codes."""

import hashlib
import hmac
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from tests.harness.watchword_command import Watchword
from watchword.domain.lockout import Standing
from watchword.domain.otp import OtpProfile
from watchword.domain.tokens import Kind, Token
from watchword.services.ports import Account
from watchword.settings import read_settings
from watchword.store.keyring import Keyring
from watchword.store.sealing import Sealer
from watchword.store.tokens import TokenRows

PERIOD_SECONDS = 30
ROWS_AT_ONCE = 100_000


def name_of(number: int) -> str:
    """Return an account's name."""
    return f"user{number:07}"


def serial_of(number: int) -> str:
    """Return the serial of an account's token."""
    return f"SOFT-{number:08X}"


def seed_of(number: int) -> bytes:
    """Return the seed of an account's token."""
    return hashlib.sha1(b"bench %d" % number).digest()


def step_now() -> int:
    """Return the time step that it is."""
    return int(time.time()) // PERIOD_SECONDS


def code_of(seed: bytes, step: int) -> str:
    """Return a seed's code of a time step (RFC 4226, section 5.3): the bench's own, and not ours."""
    digest = hmac.digest(seed, step.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


class Crowd:
    """Accounts that take turns, so that nobody's code is needed twice within one time step."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._turn = 0
        self._last_step: dict[int, int] = {}

    def codes(self, wanted: int) -> Iterator[tuple[int, str]]:
        """Yield the next accounts, each with a code that is good now and was never used."""
        for _ in range(wanted):
            person, self._turn = self._turn, (self._turn + 1) % self.count
            # Who comes again too soon types the next code, as of a clock that is fast.
            step = max(step_now(), self._last_step.get(person, 0) + 1)
            self._last_step[person] = step
            yield person, code_of(seed_of(person), step)


def populate(watchword: Watchword, count: int) -> None:
    """Pair so many accounts: the rows that `watchword token add` would write, loaded in bulk."""
    settings = read_settings(Path(watchword.config))
    engine = create_engine(settings.database.url.get_secret_value())
    sealer = Sealer(Keyring(settings.keyring.file))
    file = Path(watchword.config).with_suffix(".rows")
    for start in range(0, count, ROWS_AT_ONCE):
        some = range(start, min(start + ROWS_AT_ONCE, count))
        accounts = ({"id": number + 1, "name": name_of(number)} for number in some)
        with engine.begin() as connection:
            connection.exec_driver_sql(_loaded(file, "accounts", accounts))
            connection.exec_driver_sql(_loaded(file, "tokens", _token_rows(sealer, some)))
    file.unlink(missing_ok=True)
    engine.dispose()


def _token_rows(sealer: Sealer, numbers: Iterable[int]) -> Iterator[dict[str, Any]]:
    with create_engine("sqlite://").connect() as unused:
        rows = TokenRows(unused, sealer)
        now_seconds = int(time.time())
        for number in numbers:
            owner = Account(number + 1, name_of(number), Standing())
            token = Token(serial_of(number), Kind.SOFT, seed_of(number), OtpProfile())
            yield rows._row(token, owner, now_seconds)


def _loaded(file: Path, table: str, rows: Iterable[dict[str, Any]]) -> str:
    """Write rows to a file; return the statement that loads it."""
    columns: list[str] = []
    with file.open("w", encoding="ascii") as output:
        for row in rows:
            columns = columns or [f"@{name}" if isinstance(value, bytes) else name for name, value in row.items()]
            output.write("\t".join(map(_field, row.values())) + "\n")
    octets = ", ".join(f"{name[1:]} = UNHEX({name})" for name in columns if name.startswith("@"))
    statement = f"LOAD DATA INFILE '{file}' INTO TABLE {table} ({', '.join(columns)})"
    return f"{statement} SET {octets}" if octets else statement


def _field(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return str(int(value)) if isinstance(value, bool) else str(value)
