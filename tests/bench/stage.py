"""What the rows share: a durable MariaDB, the databases in it, scratch space."""

import secrets
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.bench.figures import calibration_milliseconds
from tests.bench.people import populate
from tests.harness.mariadb import Mariadb, running_mariadb
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".bench"
"""Kept between runs: what peers are installed in. Git knows nothing of it."""

SECRET = secrets.token_hex(16)
"""What all RADIUS clients and servers of a run share."""

DURABLE = ("--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=6G", "--innodb-log-file-size=1G")


@dataclass(eq=False)
class Stage:
    """One run of the bench. What a row starts ends with it (`undo`), what later rows use too at the end (`keep`)."""

    directory: Path
    keep: ExitStack
    undo: ExitStack = field(default_factory=ExitStack)
    quick: bool = False
    only: frozenset[str] = frozenset()
    """Of those that are compared, these; all if empty."""
    versions: dict[str, str] = field(default_factory=dict)
    calibrations: list[float] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Tell whoever waits what is being done."""
        sys.stderr.write(f"[{time.monotonic() - self._began:5.0f} s] {text}\n")
        sys.stderr.flush()

    def calibrate(self) -> None:
        """Note how fast the machine itself is now."""
        self.calibrations.append(calibration_milliseconds())

    def wants(self, name: str) -> bool:
        """Whether this one of those that are compared is asked for."""
        return not self.only or name in self.only

    def folder(self, name: str) -> Path:
        """Make a directory in this run's scratch space."""
        path = self.directory / name
        path.mkdir(parents=True)
        return path

    @cached_property
    def mariadb(self) -> Mariadb:
        """A MariaDB that has on disk what it has said is committed; all that is compared uses this one."""
        self.say("starting MariaDB")
        return self.keep.enter_context(running_mariadb(self.folder("mariadb"), *DURABLE))

    def store(self, name: str, accounts: int = 0, *, more: str = "") -> ServerSettings:
        """Make a database in which so many accounts are paired; `more` is for its servers' watchword.toml."""
        settings = ServerSettings(self.folder(name), self.mariadb.create_database(), SECRET, more)
        # Any port: this configuration is the operator's, and no server has it.
        operator = settings.write("operator", 1812)
        operator.do("init")
        if accounts:
            self.say(f"pairing {accounts:,} accounts")
        populate(operator, accounts)
        return settings

    def radius_server(
        self, settings: ServerSettings, name: str, *, workers: int = 1, keep: bool = False
    ) -> RadiusServer:
        """Start a RADIUS server of ours that runs until the end of the row; with `keep`, of the run."""
        until = self.keep if keep else self.undo
        return until.enter_context(running_radius_server(settings, name, workers=workers))
