"""What a million accounts and ten million audit events cost a login."""

from collections.abc import Iterable, Iterator

from sqlalchemy import create_engine, text

from tests.bench.closed_loop import IN_FLIGHT, ClosedLoop
from tests.bench.figures import Series, ratio
from tests.bench.million import million
from tests.bench.people import Crowd, code_of, seed_of, step_now
from tests.bench.report import Aim, Row
from tests.bench.requests import Target
from tests.bench.stage import Stage
from tests.harness.radius_server import ServerSettings

ROUNDS = 30
FEW = 1000
ALONE = 200
"""Of these, who log in one after the other in a turn of those."""
OFFSETS = range(-2, 3)
SEARCHED = range(-12, 14)
"""The steps that a server looks through, and a few more: time goes on."""

AIM_TIMES = 1.1

NOTES = """\
- Two databases in one MariaDB (6 GiB of buffer pool, which holds both, durable commits), a server of ours with one
  worker on each, 64 one-shot logins in flight, in turns. Time a login is the inverse of logins a second: what it costs
  a machine that is never idle.
- A turn is 5,000 logins of 1,000 accounts: each with five codes, two steps late to two steps early, in order. In the
  small store these are all its accounts, whose codes are put back before the turn; in the large one, accounts drawn
  by chance, none of them twice.
- "One at a time" is what a person waits who logs in alone: the next login is sent when the last one is answered. 200
  accounts with a code each: in the small store the same ones in each turn, in the large one others.
- The rows of accounts and tokens are as the product writes them, loaded in bulk. The audit events are another
  writer's, on the same accounts, in random order by account, in indexes that are 70 % full, as after years of growth.
"""


def measure(stage: Stage) -> Row:
    """Load both in turns."""
    small = stage.store("thousand", FEW)
    small_server = stage.radius_server(small, "thousand-radius")
    large = million(stage)
    few = ClosedLoop(Target(small_server.port, small_server.secret), Crowd(FEW))
    many = ClosedLoop(Target(large.server.port, large.server.secret), Crowd(FEW))
    aims, series = [], []
    ways = ((f"{IN_FLIGHT} in flight", IN_FLIGHT, FEW, OFFSETS), ("one at a time", 1, ALONE, range(1)))
    for how, in_flight, accounts, offsets in ways:
        times: dict[str, list[float]] = {"few": [], "many": []}
        for turn in range(1 + (2 if stage.quick else ROUNDS)):
            stage.calibrate()
            _put_back(small)
            runs = [("few", few, range(accounts)), ("many", many, large.next_strangers(accounts))]
            for name, loop, numbers in runs if turn % 2 else reversed(runs):
                took = 1000 / loop.run_logins(_codes(numbers, offsets), in_flight=in_flight)
                if turn:  # the first one warms up
                    times[name].append(took)
            if turn:
                stage.say(f"{times['few'][-1]:.3f} ms a login of {FEW:,}, {times['many'][-1]:.3f} ms of many; {how}")
        compared = ratio(times["many"], times["few"])
        what = f"accounts: {FEW:,} to {large.accounts:,}, and {large.events:,} audit rows; {how}"
        aim, met = f"at most {AIM_TIMES} times", compared.middle <= AIM_TIMES
        aims.append(Aim(what, f"itself at {FEW:,}", aim, f"{compared} times", met))
        series += [
            Series(f"{FEW:,} accounts, {how}", "ms a login", tuple(times["few"])),
            Series(f"{large.accounts:,} accounts, {large.events:,} events, {how}", "ms a login", tuple(times["many"])),
        ]
    return Row("A thousand accounts and a million", aims, series, NOTES)


def _codes(numbers: Iterable[int], offsets: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Yield codes of each account, one for each of these steps from now, the oldest first, an account's own far apart.

    One account in some thousands has the same code at two steps now, and is left out: the second is refused as spent.
    """
    now = step_now()
    some = [number for number in numbers if _all_differ(number, now)]
    for offset in offsets:
        for number in some:
            yield number, code_of(seed_of(number), now + offset)


def _all_differ(number: int, now: int) -> bool:
    codes = [code_of(seed_of(number), now + offset) for offset in SEARCHED]
    return len(set(codes)) == len(codes)


def _put_back(store: ServerSettings) -> None:
    """Make every code good again."""
    engine = create_engine(store.database_url)
    with engine.begin() as database:
        database.execute(text("UPDATE tokens SET last_step = -1, drift_steps = 0"))
    engine.dispose()
