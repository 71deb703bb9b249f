"""A store as it is after years: a million accounts, ten million audit events, and a server of ours on it."""

import functools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.history import write_history
from tests.bench.stage import Stage
from tests.harness.radius_server import RadiusServer

ACCOUNTS, EVENTS = 1_000_000, 10_000_000
QUICK_ACCOUNTS, QUICK_EVENTS = 50_000, 100_000
SEED = 20261122


@dataclass
class Million:
    """The server, and its accounts in no order."""

    accounts: int
    events: int
    server: RadiusServer
    fresh_memory_mib: float
    strangers: Iterator[int]
    """Each account once: no cache of a server or a database has met it."""

    def next_strangers(self, count: int) -> list[int]:
        """Return accounts that have not logged in yet."""
        return [next(self.strangers) for _ in range(count)]


@functools.cache
def million(stage: Stage) -> Million:
    """Make it once in a run."""
    accounts, events = (QUICK_ACCOUNTS, QUICK_EVENTS) if stage.quick else (ACCOUNTS, EVENTS)
    store = stage.store("million", accounts)
    stage.say(f"writing {events:,} audit events")
    write_history(store, events, accounts)
    server = stage.radius_server(store, "million-radius", keep=True)
    strangers = iter(random.Random(SEED).sample(range(accounts), accounts))
    return Million(accounts, events, server, resident_mib(server.server.pid)["Rss"], strangers)


def resident_mib(process: int) -> dict[str, float]:
    """Return a process's Rss and Pss in MiB, as the kernel counts them."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    sizes = dict(line.split()[:2] for line in lines if line.startswith(("Rss:", "Pss:")))
    return {name.rstrip(":"): int(kib) / 1024 for name, kib in sizes.items()}
