"""Measure whether refusals can be told apart by their time, over a real ssh: thousands of logins, interleaved.

Run by `make hostility`. Everything is printed as the tables of docs/hostility.md have it.
"""

import json
import multiprocessing
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.harness.mariadb import running_mariadb
from tests.harness.radius_server import ServerSettings
from tests.hostility.comparison import compare, spread
from tests.hostility.strangers import BEFORE_THE_CODE, LOCKOUT, PAST_THE_KEY, Place, running_place, strangers
from tests.hostility.timed_login import Timings, time_refusal
from tests.hostility.wire_timing import Measured, measure_at_the_server

LOGINS_OF_A_ROUND = 10
"""Of each kind, under one name. sshd draws out what it refuses by a delay of each name's own: so there must be many."""

IN_FLIGHT = 3
IN_FLIGHT_AT_THE_PASSWORD = 10
"""pam_unix makes a wrong password wait for some two seconds, in which nobody works."""

PROMPT = "prompt"


def measure_refusals(logins: int, raw_file: Path | None = None) -> None:
    """Measure so many logins of each kind, and print what came out."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        (database := directory / "mariadb").mkdir()
        with running_mariadb(database) as mariadb:
            settings = ServerSettings(directory, mariadb.create_database(), more=LOCKOUT)
            with running_place(directory, settings) as place:
                measured = measure_at_the_server(place.server, place.services, logins)
                measured |= _measure(place, logins)
    if raw_file is not None:
        raw_file.write_text(json.dumps(measured), encoding="utf-8")
    for line in report(measured):
        print(line, flush=True)


def _measure(place: Place, logins: int) -> Measured:
    measured: Measured = defaultdict(lambda: defaultdict(list))
    # Processes, not threads: one login's cryptography must not hold up another's stopwatch.
    spawn = multiprocessing.get_context("spawn")
    for kinds, in_flight in ((PAST_THE_KEY, IN_FLIGHT), (BEFORE_THE_CODE, IN_FLIGHT_AT_THE_PASSWORD)):
        with ProcessPoolExecutor(in_flight, mp_context=spawn) as pool:
            try_once(place, kinds, LOGINS_OF_A_ROUND, pool)  # warms up
            for begun in range(0, logins, LOGINS_OF_A_ROUND):
                for timings in try_once(place, kinds, min(LOGINS_OF_A_ROUND, logins - begun), pool):
                    _sort_in(measured, timings)
                print(f"  {begun + LOGINS_OF_A_ROUND} of {logins} logins of each: {', '.join(kinds)}", flush=True)
    return measured


def try_once(place: Place, kinds: Sequence[str], logins: int, pool: Executor) -> list[Timings]:
    """Have each kind of stranger log in so many times, in an order drawn by chance."""
    with strangers(place) as people:
        turns = [people[kind] for kind in kinds for _ in range(logins)]
        random.shuffle(turns)
        return list(pool.map(partial(time_refusal, place.sshd.port), turns))


def _sort_in(measured: Measured, timings: Timings) -> None:
    who = "at the password" if timings.kind in BEFORE_THE_CODE else "with a key"
    measured[f"{PROMPT}, {who}"][timings.kind].append(timings.prompt)
    for number, seconds in enumerate(timings.refusals, 1):
        measured[f"refusal {number}, {who}"][timings.kind].append(seconds)


def report(measured: Measured, kinds: Sequence[str] = (*PAST_THE_KEY, *BEFORE_THE_CODE)) -> Iterable[str]:
    """Yield Markdown: for each thing waited for, the `kinds` in this order, each compared with the first."""
    head = ("what was waited for", "kind", "times", "median ms", "quartiles ms", "difference ms (95 %)", "longer", "p")
    yield f"| {' | '.join(head)} |"
    yield "|" + " --- |" * len(head)
    for what, by_kind in measured.items():
        yield from _rows(what, by_kind, [kind for kind in kinds if kind in by_kind])


def _rows(what: str, by_kind: dict[str, list[float]], kinds: Sequence[str]) -> Iterator[str]:
    first = kinds[0]
    for kind in kinds:
        times = by_kind[kind]
        lies = spread(times)
        cells = [what, kind, str(lies.count), _ms(lies.median), f"{_ms(lies.low)} to {_ms(lies.high)}"]
        if kind == first:
            cells += ["", "", ""]
        else:
            found = compare(times, by_kind[first])
            low, high = found.interval
            cells += [f"{found.difference * 1000:+.2f} ({low * 1000:+.2f} to {high * 1000:+.2f})"]
            cells += [f"{found.superiority:.1%}", f"{found.chance:.2g}"]
        yield f"| {' | '.join(cells)} |"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"
