"""How many logins notice that one of three RADIUS servers has died, and for how long."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.figures import Series
from tests.bench.one_person import OurPerson
from tests.bench.pam_logins import PamLogins
from tests.bench.report import Aim, Row
from tests.bench.stage import Stage
from tests.harness.ports import LOOPBACK
from tests.harness.radius_server import RadiusServer

LOGINS = 1000
SERVERS = 3
ACCOUNTS = ("alice", "bob")
"""Each logs in as fast as it can, one beside the other."""

TIMEOUT_SECONDS = 3
DEAD_SECONDS = 15
WHAT = f"one of {SERVERS} RADIUS servers black-holed"

NOTES = f"""\
- {LOGINS:,} logins through `token.py`, each a pamtester process, two at a time, with what logins remember of the
  servers in `/run/watchword`; three servers of ours on one store. The black hole is a socket that is bound and never
  read: no ICMP, no answer. `timeout_seconds = {TIMEOUT_SECONDS}`, as shipped; `dead_seconds = {DEAD_SECONDS}` (60, as
  shipped, would show too few periods).
- A login waited if it took longer than nine tenths of that timeout. A dead period begins when a login has waited, or
  when it is time for one to try again, and lasts `dead_seconds`.
"""


@dataclass(frozen=True)
class Login:
    """One login: when it began (seconds from the start), and how long it took (seconds)."""

    began: float
    took: float

    @property
    def waited(self) -> bool:
        """Whether it has met the black hole."""
        return self.took > TIMEOUT_SECONDS * 0.9


def measure(stage: Stage) -> Row:
    """Log in with all servers alive, then with one of them dead."""
    store = stage.store("dead-store")
    servers = [stage.radius_server(store, f"dead-radius{number}") for number in range(SERVERS)]
    logins = PamLogins(stage, "dead-node", accounts=ACCOUNTS)
    logins.layout.write_service("token", logins.layout.token())
    people = {account: OurPerson(store, servers[0].watchword, account) for account in ACCOUNTS}
    count = 200 if stage.quick else LOGINS
    stage.calibrate()
    _configure(logins, servers, [server.port for server in servers])
    alive = _run(logins, people, count)
    with _black_hole() as port:
        _configure(logins, servers, [servers[0].port, port, servers[2].port])
        dead = _run(logins, people, count)
    stage.calibrate()
    return _row(alive, dead)


def _row(alive: list[Login], dead: list[Login]) -> Row:
    waited = [login for login in dead if login.waited]
    most = _most_in_one_period(waited)
    longest = max((login.took for login in waited), default=0.0)
    periods = int(max(login.began + login.took for login in dead) / DEAD_SECONDS) + 1
    measured = (
        f"{len(waited)} of {len(dead):,} waited, at most {most} in one of {periods} dead periods, "
        f"{longest:.2f} s at most; all alive: {sum(login.waited for login in alive)} waited"
    )
    aim = f"at most one login in each dead period waits, and for one timeout ({TIMEOUT_SECONDS} s)"
    met = most <= 1 and longest < TIMEOUT_SECONDS * 1.5
    series = [
        Series("all alive", "ms", tuple(login.took * 1000 for login in alive)),
        Series("one dead, those that did not wait", "ms", tuple(x.took * 1000 for x in dead if not x.waited)),
        Series("one dead, those that waited", "ms", tuple(login.took * 1000 for login in waited) or (0.0,)),
    ]
    return Row("A dead RADIUS server", [Aim(WHAT, "all three alive", aim, measured, met)], series, NOTES)


def _most_in_one_period(waited: list[Login]) -> int:
    """Return how many of these logins began within `dead_seconds` of another, at most."""
    begins = sorted(login.began for login in waited)
    return max((sum(0 <= other - begin < DEAD_SECONDS for other in begins) for begin in begins), default=0)


def _configure(logins: PamLogins, servers: list[RadiusServer], ports: list[int]) -> None:
    """Write pam.toml, and have nothing remembered."""
    tables = [
        f'[[server]]\nhost = "{LOOPBACK}"\nport = {port}\nsecret = "{server.secret}"\n'
        f"timeout_seconds = {TIMEOUT_SECONDS}\n"
        for server, port in zip(servers, ports, strict=True)
    ]
    keys = f'mode = "full"\ninfo_url = "https://mfa.example.org"\nnode = "login1"\ndead_seconds = {DEAD_SECONDS}'
    logins.layout.config.write_text("\n".join([keys, *tables, ""]), encoding="ascii")
    logins.layout.config.chmod(0o600)
    logins.do("rm", "-rf", "/run/watchword")


def _run(logins: PamLogins, people: dict[str, OurPerson], count: int) -> list[Login]:
    """Have everybody log in, at the same time, again and again."""
    start = time.perf_counter()
    done: list[Login] = []
    failures: list[Exception] = []

    def log_in(number: int, account: str) -> None:
        try:
            for _ in range(count // len(people)):
                code = people[account].code()
                began = time.perf_counter() - start
                taken = logins.log_in("token", code, account=account, driver=number)
                done.append(Login(began, taken.wall_ms / 1000))
        except Exception as error:  # noqa: BLE001  (whatever it was, it belongs to the thread that waits)
            failures.append(error)

    threads = [threading.Thread(target=log_in, args=who) for who in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return done


@contextmanager
def _black_hole() -> Iterator[int]:
    """Give a port at which somebody listens, and nobody reads."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((LOOPBACK, 0))
        yield bound.getsockname()[1]
