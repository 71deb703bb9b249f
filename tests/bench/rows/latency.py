"""How long a login's two exchanges take while the server does half of what it can."""

from tests.bench import open_loop
from tests.bench.closed_loop import ClosedLoop
from tests.bench.figures import Series, percentile
from tests.bench.open_loop import Login
from tests.bench.people import Crowd
from tests.bench.report import Aim, Row
from tests.bench.requests import Target
from tests.bench.stage import Stage

ACCOUNTS = 100_000
WINDOWS = 5
WINDOW_SECONDS = 6.0
AIM_MILLISECONDS = 50

NOTES = """\
- In turns: how many one-shot logins the server takes a second (64 in flight), then logins of two
  exchanges come for 6 seconds at half of that, counted in requests, so at a quarter of it in logins.
- The load is open: logins begin at random moments (Poisson), whether or not the ones before were answered, and a
  login's time counts from the moment it was due to the Access-Accept. The answer leaves when the challenge comes.
  Generator, server and database share two cores.
- One line for each window's median and 99th percentile, of *begin* (due to challenge), *answer* (challenge to accept)
  and both together. The aim is held to both together.
"""


def measure(stage: Stage) -> Row:
    """Measure windows of load, each after a look at what the server can do just then."""
    store = stage.store("latency", ACCOUNTS)
    server = stage.radius_server(store, "latency")
    target, crowd = Target(server.port, server.secret), Crowd(ACCOUNTS)
    full_load = ClosedLoop(target, crowd)
    full_load(1.0)
    windows, rates = [], []
    for _ in range(2 if stage.quick else WINDOWS):
        stage.calibrate()
        rates.append(full_load(2.0) / 4)
        people = crowd.codes(int(rates[-1] * WINDOW_SECONDS))
        windows.append(open_loop.run(target, people, rates[-1]))
        both = _both(windows[-1])
        stage.say(f"{rates[-1]:.0f} logins/s: median {percentile(both, 50):.1f} ms, p99 {percentile(both, 99):.1f} ms")
    series = [Series("load", "logins/s", tuple(rates)), *_series(windows)]
    median, p99 = series[-2].median, series[-1].median
    measured = f"p99 {p99:.1f} ms, median {median:.1f} ms"
    what = "a login's two exchanges (*begin*, *answer*) at half that load"
    aim = Aim(what, "nothing", f"p99 under {AIM_MILLISECONDS} ms", measured, p99 < AIM_MILLISECONDS)
    return Row("Latency under load", [aim], series, NOTES)


def _begin(window: list[Login]) -> list[float]:
    return [(login.challenged - login.due) * 1000 for login in window]


def _answer(window: list[Login]) -> list[float]:
    return [(login.accepted - login.challenged) * 1000 for login in window]


def _both(window: list[Login]) -> list[float]:
    return [(login.accepted - login.due) * 1000 for login in window]


def _series(windows: list[list[Login]]) -> list[Series]:
    return [
        Series(f"{name}, {word}", "ms", tuple(percentile(times(window), percent) for window in windows))
        for name, times in (("begin", _begin), ("answer", _answer), ("both", _both))
        for word, percent in (("median", 50), ("p99", 99))
    ]
