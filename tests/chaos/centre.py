"""A centre: a database, several RADIUS servers, nodes, and people with phones."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count as count_from
from itertools import cycle
from pathlib import Path
from typing import Any

from tests.chaos.ledger import Ask, read_ledger
from tests.chaos.load import Load, Nodes, wait_until
from tests.chaos.login import Attempt
from tests.chaos.oracle import Findings, judge
from tests.chaos.pace import Pace
from tests.chaos.people import Crowd, Person, make_people
from tests.chaos.wire import listen
from tests.harness.fake_clock import FakeClock
from tests.harness.mortal_mariadb import MortalMariadb
from tests.harness.radius_fleet import MortalRadiusServer, radius_fleet
from tests.harness.radius_server import ServerSettings
from tests.harness.wiretap import Wiretap, wiretap
from watchword.settings import read_settings
from watchword.wiring import Services, assemble

BAD_SHARE = 0.2
ONE_SHOT_SHARE = 0.3
REACH_STEPS = 8
"""Servers take codes of ten steps around now; a margin is left for logins that wait."""
HELD = 5
QUIET_SECONDS = 0.3
LONGEST_ECHO_SECONDS = 20


@dataclass(frozen=True)
class Story:
    """What the people of a scenario met."""

    attempts: Sequence[Attempt]
    remark: str = ""


@dataclass
class Centre:
    """What a scenario is given, and may break."""

    directory: Path
    pace: Pace
    settings: ServerSettings
    servers: Sequence[MortalRadiusServer]
    databases: Sequence[MortalMariadb]
    """One, or a cluster's nodes."""
    people: Crowd
    tap: Wiretap
    ask: Ask
    nodes: Nodes

    @property
    def ports(self) -> list[int]:
        """Where the servers listen."""
        return [server.port for server in self.servers]

    @property
    def database(self) -> MortalMariadb:
        """The database, if there is one alone."""
        (database,) = self.databases
        return database

    @contextmanager
    def load(
        self,
        *,
        people: Crowd | None = None,
        ports: Sequence[int] | None = None,
        bad_share: float = BAD_SHARE,
        one_shot_share: float = ONE_SHOT_SHARE,
        reach_steps: int = REACH_STEPS,
        **pam_toml: Any,
    ) -> Iterator[Load]:
        """Let people log in as long as the block; the first and the last seconds are calm."""
        pace = self.pace
        crowd = people or self.people
        crowd.begin_anew()
        load = Load(
            crowd,
            rate=pace.logins_a_second,
            reach_steps=reach_steps,
            bad_share=bad_share,
            one_shot_share=one_shot_share,
        )
        settings = [self.nodes.settings(n, ports or self.ports, **pam_toml) for n in range(pace.nodes)]
        with load.running(settings):
            load.wait_for_grants(1)
            time.sleep(pace.calm)
            yield load
            load.wait_for_grants(1, seconds=90)
            time.sleep(pace.calm)

    def examine(self, name: str, scenario: "Scenario") -> Findings:
        """Run a scenario, and have the oracle judge it."""
        self.tap.take()
        story = scenario(self)
        self._wait_quiet()
        heard = listen(self.tap.take(), self.ports, self.settings.secret.encode())
        ledger = read_ledger(self.ask, self.servers[0].watchword if self.pace.verifies_each else None)
        return judge(name, story.attempts, heard, ledger, story.remark)

    def log_is_whole(self) -> bool:
        """Whether `watchword audit verify` finds nothing wrong."""
        return read_ledger(self.ask, self.servers[0].watchword).is_whole

    def _wait_quiet(self) -> None:
        """Wait until no server has anything more to say."""
        before = -1

        def is_quiet() -> bool:
            nonlocal before
            before, last = self.tap.count, before
            if before != last:
                time.sleep(QUIET_SECONDS)
            return before == last

        wait_until(is_quiet, LONGEST_ECHO_SECONDS, "the servers to fall quiet")


Scenario = Callable[[Centre], Story]
"""Breaks something while people log in."""


@contextmanager
def opened_centre(
    directory: Path,
    pace: Pace,
    databases: Sequence[MortalMariadb],
    *,
    more: str = "",
    workers: Sequence[int] = (1, 1, 2),
    clocks: Sequence[FakeClock | None] = (None,),
) -> Iterator[Centre]:
    """Give a centre of as many servers as `workers` names; each uses the next database and the next clock."""
    name = databases[0].create_database()
    settings = [ServerSettings(directory, databases[0].url(name), more=more)]
    password = databases[0].password
    settings += [replace(settings[0], database_url=other.url(name, password)) for other in databases[1:]]
    fleet = [
        MortalRadiusServer(chosen, f"radius{number}", workers=count, clock=clock)
        for number, count, chosen, clock in zip(count_from(1), workers, cycle(settings), cycle(clocks), strict=False)
    ]
    crowd = _set_stage(databases[0], fleet[0], pace)
    nodes = Nodes(directory, settings[0].secret, pace.timeout, pace.dead)

    def ask(statement: str) -> Sequence[tuple[Any, ...]]:
        return next(database for database in databases if database.answers()).select(statement, name)

    with radius_fleet(fleet), wiretap([server.port for server in fleet]) as tap:
        yield Centre(directory, pace, settings[0], fleet, databases, crowd, tap, ask, nodes)


def _set_stage(database: MortalMariadb, server: MortalRadiusServer, pace: Pace) -> Crowd:
    """Make the schema, and people with phones, some of whom are held."""
    people, held = make_people(pace.people), make_people(HELD, "held")
    database.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 0")  # only until the play begins
    server.watchword.do("init")
    pair(server, people, held)
    database.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
    return Crowd(people, held, random.Random(pace.people))


@contextmanager
def services_of(server: MortalRadiusServer) -> Iterator[Services]:
    """Give the use cases of a server's configuration, to set the stage with."""
    services = assemble(read_settings(server.watchword.config), role="stage")
    try:
        yield services
    finally:
        services.close()


def pair(server: MortalRadiusServer, people: Sequence[Person], held: Sequence[Person] = ()) -> None:
    """Give people their phones; hold the accounts of some."""
    with services_of(server) as services:
        for person in [*people, *held]:
            services.pairer.add_soft(person.account, secret=person.secret)
        for person in held:
            services.administrator.lock(person.account)
