"""What a load balancer is told."""

import threading

from watchword.domain.errors import StoreUnavailable
from watchword.portal.health import GOOD_FOR_SECONDS, Health


class Database:
    """Counts how often it is asked; away if told so."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False

    def ping(self) -> None:
        """Answer."""
        self.asked += 1
        if self.is_away:
            raise StoreUnavailable("away")


class Clock:
    """Stands still."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_however_often_it_is_asked_the_database_is_asked_once_a_moment() -> None:
    database, clock = Database(), Clock()
    health = Health(database.ping, monotonic=clock)
    assert all(health.is_well() for _ in range(100))
    assert database.asked == 1
    database.is_away = True
    clock.now += GOOD_FOR_SECONDS
    assert not any(health.is_well() for _ in range(100))
    assert database.asked == 2


def test_while_one_waits_for_a_database_that_hangs_the_others_are_answered() -> None:
    begun, let_go = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        let_go.wait()

    health = Health(hang, monotonic=Clock())
    waiting = threading.Thread(target=health.is_well)
    waiting.start()
    begun.wait()
    assert not health.is_well()
    let_go.set()
    waiting.join()
    assert health.is_well()
