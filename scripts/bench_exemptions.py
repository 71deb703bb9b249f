"""Measure how long a login takes to read exemption files of 10, 10,000 and 100,000 lines in which nothing matches.

Each figure is the median of several readings of a real file (open, decode, compile, match), the first one left out. A
calibration loop is printed first: compare figures only between runs whose calibration agrees.
"""

from __future__ import annotations

import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from watchword.domain.exemptions import Login, find

NOW = (2026, 6, 1, 12, 0, 0)
AIM_MS = {10: 1.0, 10_000: 10.0, 100_000: 60.0}


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


MIXTURES = (plain, compact, aligned, networks, mixed)


def _read(path: str) -> None:
    text = Path(path).read_bytes().decode("utf-8", "surrogateescape")
    login = Login("carol", "192.0.2.77", NOW, lambda _: False, lambda _, __: False)
    finding = find(text, login)
    assert not finding.exempt
    assert finding.line == 0
    assert finding.bad_line == 0, finding


def _median_ms(path: str, times: int) -> tuple[float, float]:
    taken = []
    for _ in range(times):
        re.purge()  # a login compiles its pattern anew
        start = time.perf_counter()
        _read(path)
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken[1:]), min(taken)


def _import_ms() -> float:
    """Time the import in a fresh interpreter as bare as the one in sshd."""
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); start = time.perf_counter(); "
        "import watchword.domain.exemptions; print((time.perf_counter() - start) * 1000)"
    )
    source = str(Path(__file__).resolve().parent.parent / "src")
    runs = [
        float(
            subprocess.run([sys.executable, "-I", "-S", "-c", script, source], capture_output=True, check=True).stdout
        )
        for _ in range(15)
    ]
    return statistics.median(runs)


def _calibrate_ms() -> float:
    start = time.perf_counter()
    sum(number * number for number in range(1_000_000))
    return (time.perf_counter() - start) * 1000


def main() -> None:
    """Print a table."""
    print(f"calibration loop {_calibrate_ms():.0f} ms; import, once a login: {_import_ms():.2f} ms")
    print(f"{'mixture':<10}{'lines':>8}{'median ms':>11}{'best ms':>9}{'aim ms':>8}")
    for mixture in MIXTURES:
        for count, aim in AIM_MS.items():
            chance = random.Random(20261122)
            with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as file:
                file.writelines(mixture(chance) + "\n" for _ in range(count))
            median, best = _median_ms(file.name, 51 if count < 100_000 else 11)
            Path(file.name).unlink()
            print(f"{mixture.__name__:<10}{count:>8}{median:>11.3f}{best:>9.3f}{aim:>8.0f}")


if __name__ == "__main__":
    main()
