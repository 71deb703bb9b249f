"""`python -m tests.fuzz`: the long form, some eight minutes. Run by `make fuzz`."""

import argparse
import importlib.util
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from tests.fuzz.mutation import Mutator
from tests.fuzz.server_under_fire import endure
from tests.fuzz.targets import TARGETS, Target
from tests.harness.radius_server import ServerSettings, running_radius_server

SLOWEST_INPUT_SECONDS = 10


def main() -> int:
    """Fuzz everything; answers how many targets broke a promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--packets", type=int, default=1_000_000, help="sent to a real server")
    parser.add_argument("--seconds", type=int, default=25, help="for each target")
    parser.add_argument("--number", type=int, default=secrets.randbelow(2**32), help="what chance is drawn from")
    asked = parser.parse_args()
    print(f"chance is drawn from {asked.number}", flush=True)
    fire_at_server(asked.packets, asked.number)
    led = importlib.util.find_spec("atheris") is not None
    print(f"each target {asked.seconds} s, {'led by coverage (atheris)' if led else 'by chance: no atheris here'}")
    return sum(not (fuzz_led if led else fuzz_by_chance)(target, asked.seconds, asked.number) for target in TARGETS)


def fire_at_server(packets: int, number: int) -> None:
    """Send packets to a real server; raises if it stumbles."""
    with tempfile.TemporaryDirectory() as scratch:
        settings = ServerSettings(Path(scratch), f"sqlite:///{scratch}/watchword.db")
        with running_radius_server(settings) as server:
            start = time.monotonic()
            found = endure(server, packets, number)
            rate = packets / (time.monotonic() - start)
    print(
        f"server: {found.packets} packets, {rate:.0f} a second; memory {found.memory_before / 2**20:.0f} MiB before, "
        f"{found.memory_after / 2**20:.0f} MiB after; {found.log_lines} lines in its log",
        flush=True,
    )


def fuzz_led(target: Target, seconds: int, number: int) -> bool:
    """Fuzz a target in a process of its own, led by coverage; answers whether it kept its promise."""
    argv = [
        sys.executable,
        "-m",
        "tests.fuzz.coverage",
        target.name,
        "--seconds",
        str(seconds),
        "--number",
        str(number),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    figures = dict(line.removeprefix("stat::").split(":") for line in said.splitlines() if line.startswith("stat::"))
    count, rate = (figures.get(key, "0").strip() for key in ("number_of_executed_units", "average_exec_per_sec"))
    peak, slowest = (figures.get(key, "?").strip() for key in ("peak_rss_mb", "slowest_unit_time_sec"))
    kept = done.returncode == 0
    print(f"{target.name}: {count} inputs, {rate} a second, peak {peak} MiB, slowest {slowest} s", flush=True)
    if not kept:
        print(said[-4000:], flush=True)
    return kept


def fuzz_by_chance(target: Target, seconds: int, number: int) -> bool:
    """Fuzz a target in this process, without leading; answers whether it kept its promise."""
    signal.signal(signal.SIGALRM, _hang)
    mutator = Mutator(target.seeds, target.words, number)
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        octets = mutator.next_input()
        signal.alarm(SLOWEST_INPUT_SECONDS)
        try:
            target.check(octets)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            print(f"{target.name}: {type(error).__name__}: {error}: {octets!r}", flush=True)
            return False
        finally:
            signal.alarm(0)
        count += 1
    print(f"{target.name}: {count} inputs, {count // seconds} a second", flush=True)
    return True


def _hang(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"more than {SLOWEST_INPUT_SECONDS} s for one input")


if __name__ == "__main__":
    sys.exit(main())
