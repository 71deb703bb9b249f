"""Measure what a login pays for exemption files of 10, 10,000 and 100,000 lines in which nothing matches.

Each figure is the median CPU time of find_exemption() in interpreters that begin anew, as in sshd: first when nothing
is remembered of the file, then when all its lines are. A calibration loop is printed first: compare figures only
between runs whose calibration agrees.
"""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COUNTS = (10, 10_000, 100_000)
CHECKOUT = Path(__file__).resolve().parent.parent
# What pam_python has loaded before a module of ours comes; and no garbage collection, as in our shims.
LOGIN = """
import gc, os, re, sys, time, traceback
gc.disable()
sys.path[:0] = sys.argv[3:]
from watchword_pam.exemption_list import find_exemption
start = time.thread_time()
where = {"owner": os.getuid(), "state": sys.argv[2]}
found = find_exemption(sys.argv[1], "carol", "192.0.2.77", (2026, 6, 1, 12, 0, 0), str, **where)
print((time.thread_time() - start) * 1000)
assert not found.exempt and not found.line and not found.bad_line, found
"""


def _address(chance: random.Random) -> str:
    return f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}"


def _network(chance: random.Random) -> str:
    return f"10.{chance.randrange(256)}.{chance.randrange(256)}.0/{chance.choice((20, 24, 26, 28))}"


def _ipv6(chance: random.Random) -> str:
    return f"2001:db8:{chance.randrange(65536):x}::{chance.randrange(65536):x}"


def _date(chance: random.Random) -> str:
    return f"{chance.randrange(2024, 2028)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"


def plain(chance: random.Random) -> str:
    """Write one name, one IPv4 address, one date: what most lines of a real file are."""
    return f"+ : user{chance.randrange(99999):05} : {_address(chance)} : {_date(chance)}"


def compact(chance: random.Random) -> str:
    """Write the same without blanks, as files that come from pam_access are written."""
    return f"+:user{chance.randrange(99999):05}:{_address(chance)}:{_date(chance)}"


def aligned(chance: random.Random) -> str:
    """Write several names and addresses, in columns."""
    names = " ".join(f"user{chance.randrange(99999):05}" for _ in range(chance.randrange(1, 4)))
    where = " ".join(_address(chance) for _ in range(chance.randrange(1, 3)))
    return f"+ : {names:<32} : {where:<32} : {_date(chance)}"


def networks(chance: random.Random) -> str:
    """Write one name and a network, of IPv4 or IPv6."""
    where = _network(chance) if chance.random() < 0.5 else _ipv6(chance) + chance.choice(("", "/64"))
    return f"+ : user{chance.randrange(99999):05} : {where} : {_date(chance)}"


def mixed(chance: random.Random) -> str:
    """Write what a centre's file has after some years: 1 in 100 lines names a group, 2 in 1,000 ALL, some are notes."""
    kind = chance.random()
    if kind < 0.01:
        return f"+ : (project{chance.randrange(50)}) EXCEPT user1 : {_network(chance)} : {_date(chance)}"
    if kind < 0.012:
        return f"- : ALL EXCEPT (staff) admin : {_address(chance)}"
    if kind < 0.08:
        return chance.choice(("", "# asked for by the help desk, ticket 4711"))
    if kind < 0.12:
        return (
            f"+ : user{chance.randrange(99999):05} svc EXCEPT (staff) : {_address(chance)} : {_date(chance)}  # later"
        )
    return (plain if kind < 0.7 else networks if kind < 0.85 else aligned)(chance)


def groups(chance: random.Random) -> str:
    """Write one group and a network."""
    return f"+ : (project{chance.randrange(50)}) : {_network(chance)} : {_date(chance)}"


def everybody(chance: random.Random) -> str:
    """Write everybody and a network."""
    return f"- : ALL : {_network(chance)} : {_date(chance)}"


def own(chance: random.Random) -> str:
    """Write the account that logs in, from elsewhere."""
    return f"+ : carol : {_address(chance)} : {_date(chance)}"


def several(chance: random.Random) -> str:
    """Write a group and a name, an exception, a network and an address."""
    who = f"(project{chance.randrange(50)}) user{chance.randrange(99)} EXCEPT user{chance.randrange(999)}"
    return f"+ : {who} : {_network(chance)} {_address(chance)} : {_date(chance)}"


def any_of_these(chance: random.Random) -> str:
    """Write a line of any kind."""
    return chance.choice(MIXTURES[:-1])(chance)


MIXTURES = (plain, compact, aligned, networks, mixed, groups, everybody, own, several, any_of_these)


def _login_ms(path: Path, state: Path) -> float:
    roots = (str(CHECKOUT / "pam"), str(CHECKOUT / "src"))
    command = ["/usr/bin/python3", "-I", "-S", "-c", LOGIN, str(path), str(state), *roots]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


def _measure(directory: Path, mixture: str, times: int) -> dict[tuple[int, str], float]:
    """Return the median milliseconds by lines and by what is remembered; sizes take turns."""
    samples: dict[tuple[int, str], list[float]] = {}
    state = directory / "state"
    for _ in range(times):
        shutil.rmtree(state, ignore_errors=True)
        for remembered in ("nothing", "all"):
            for count in COUNTS:
                taken = _login_ms(directory / f"{mixture}{count}", state)
                samples.setdefault((count, remembered), []).append(taken)
    return {key: statistics.median(taken) for key, taken in samples.items()}


def _calibrate_ms() -> float:
    start = time.thread_time()
    sum(number * number for number in range(1_000_000))
    return (time.thread_time() - start) * 1000


def main(times: int) -> None:
    """Print a table."""
    print(f"calibration loop {_calibrate_ms():.0f} ms; figures in ms; 'more': than for 10 lines, all remembered")
    print(f"{'mixture':<14}{'10 lines':>9}{'10,000: anew':>14}{'remembered':>11}{'more':>6}", end="")
    print(f"{'100,000: anew':>15}{'remembered':>11}")
    with tempfile.TemporaryDirectory() as scratch:
        for mixture in MIXTURES:
            for count in COUNTS:
                chance = random.Random(20261122)
                file = Path(scratch) / f"{mixture.__name__}{count}"
                file.write_text("".join(mixture(chance) + "\n" for _ in range(count)))
            took = _measure(Path(scratch), mixture.__name__, times)
            ten, many = took[10, "all"], took[10_000, "all"]
            print(f"{mixture.__name__:<14}{ten:>9.1f}{took[10_000, 'nothing']:>14.1f}{many:>11.1f}", end="")
            print(f"{many - ten:>6.1f}{took[100_000, 'nothing']:>15.1f}{took[100_000, 'all']:>11.1f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 11)
