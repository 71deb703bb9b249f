"""A cluster of three databases, a RADIUS server on each."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Self

from tests.chaos.centre import REACH_STEPS, Centre, Story, pair
from tests.chaos.load import quiet_nodes, wait_until
from tests.chaos.login import Attempt, Outcome, log_in
from tests.chaos.people import Intent, Person, Try, make_people, now_step
from tests.harness.galera import Galera
from watchword_pam.settings import Settings

CODES_EACH = 2 * REACH_STEPS - 1
"""That a person has at any one moment, two less for those that are no good."""
PATIENCE_SECONDS = 10


class Cluster:
    """What happens to a cluster."""

    def __init__(self, galera: Galera) -> None:
        self._galera = galera

    def one_after_the_other(self, centre: Centre) -> Story:
        """One database node after the other is killed and joins again, by what it missed or by a whole copy."""
        chosen = self._galera.nodes[: centre.pace.nodes_killed]
        with centre.load() as load:
            for number, node in enumerate(chosen):
                node.kill()
                load.wait_for_grants(10, seconds=60)
                if number % 2:
                    node.forget_position()
                self._galera.join(node)
                self._galera.wait_whole()
                time.sleep(centre.pace.calm)
        return Story(load.attempts)

    def majority_lost(self, centre: Centre) -> Story:
        """Two of three database nodes are killed at once; a sysadmin lets the last one go on, and they join again."""
        last, *others = self._galera.nodes
        with centre.load() as load:
            for node in others:
                node.kill()
            load.expect_nobody(centre.pace.spell, centre.pace.nodes)
            wait_until(lambda: not last.is_synced, 30, "the last node to find itself alone")
            last.go_on_alone()
            load.wait_for_grants(10, seconds=60)
            for node in others:
                self._galera.join(node)
                node.wait_synced()
            self._galera.wait_whole()
        return Story(load.attempts)

    def races(self, centre: Centre) -> Story:
        """The same code goes to three servers, over three database nodes, at the same moment."""
        racers = make_people(centre.pace.races // CODES_EACH + 1, "racer")
        pair(centre.servers[0], racers)
        before = self._conflicts()
        attempts, winners = [], []
        with quiet_nodes(), _Starter(centre) as starter:
            for tried in islice(_tries(racers), centre.pace.races):
                at_once = starter.race(tried)
                attempts += at_once
                winners.append(sum(attempt.outcome is Outcome.GRANTED for attempt in at_once))
        assert len(winners) == centre.pace.races
        remark = f"{len(winners)} races, {winners.count(1)} with one accept; {self._conflicts() - before} conflicts"
        assert winners.count(1) == len(winners), remark
        return Story(attempts, remark)

    def _conflicts(self) -> int:
        """Count the transactions that the cluster rolled back since another node had been first."""
        query = "SHOW STATUS WHERE Variable_name IN ('wsrep_local_cert_failures', 'wsrep_local_bf_aborts')"
        return sum(int(count) for node in self._galera.nodes for _, count in node.select(query))


class _Starter:
    """Lets one code loose at every server at once."""

    def __init__(self, centre: Centre) -> None:
        ports = centre.ports
        self._nodes = [
            centre.nodes.settings(-2 - number, [port], timeout_seconds=PATIENCE_SECONDS)
            for number, port in enumerate(ports)
        ]
        self._line = threading.Barrier(len(ports))
        self._threads = ThreadPoolExecutor(len(ports))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def race(self, tried: Try) -> list[Attempt]:
        """Answer what became of it at each server."""
        return list(self._threads.map(lambda node: self._run(tried, node), self._nodes))

    def _run(self, tried: Try, node: Settings) -> Attempt:
        self._line.wait()
        return log_in(tried, node, one_shot=True)


def _tries(people: Sequence[Person]) -> Iterator[Try]:
    """Yield codes that nobody has sent, each person's in the order of their steps."""
    for ahead in range(-REACH_STEPS, REACH_STEPS + 1):
        for person in people:
            step = max(now_step() + ahead, person.last_tried + 1)
            if person.is_clear(step):
                person.last_tried = step
                yield Try(person, Intent.RIGHT, person.code(step), step)
