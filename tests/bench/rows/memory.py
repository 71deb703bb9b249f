"""How much memory a RADIUS worker holds at a million accounts."""

from tests.bench.closed_loop import ClosedLoop
from tests.bench.figures import Series
from tests.bench.million import million, resident_mib
from tests.bench.people import Crowd, code_of, seed_of, step_now
from tests.bench.report import Aim, Row
from tests.bench.requests import Target
from tests.bench.stage import Stage

LOGINS = 60_000
QUICK_LOGINS = 10_000
AT_ONCE = 10_000
AIM_MIB = 120

NOTES = f"""\
- One worker, after {LOGINS:,} one-shot logins of as many accounts, drawn by chance from a million; Rss and Pss of
  `/proc/PID/smaps_rollup`, looked at after each {AT_ONCE:,}. The aim is held to the largest Rss, which counts shared
  libraries whole.
"""


def measure(stage: Stage) -> Row:
    """Log in until enough have, looking at the worker's memory in between."""
    large = million(stage)
    process = large.server.server.pid
    client = ClosedLoop(Target(large.server.port, large.server.secret), Crowd(1))
    seen = [resident_mib(process)]
    for turn in range((QUICK_LOGINS if stage.quick else LOGINS) // AT_ONCE):
        now = step_now()
        numbers = large.next_strangers(AT_ONCE)
        client.run_logins((number, code_of(seed_of(number), now)) for number in numbers)
        seen.append(resident_mib(process))
        stage.say(f"after {(turn + 1) * AT_ONCE:,} logins: {seen[-1]['Rss']:.0f} MiB")
    series = [Series(name, "MiB", tuple(sizes[name] for sizes in seen)) for name in ("Rss", "Pss")]
    most = max(series[0].values)
    measured = f"{most:.0f} MiB ({large.fresh_memory_mib:.0f} MiB before the first login)"
    what = f"memory of a RADIUS worker at {large.accounts:,} accounts, after {(len(seen) - 1) * AT_ONCE:,} logins"
    return Row("Memory", [Aim(what, "nothing", f"under {AIM_MIB} MiB", measured, most < AIM_MIB)], series, NOTES)
