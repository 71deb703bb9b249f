"""RADIUS servers die, and come back."""

import time
from itertools import cycle

from tests.chaos.centre import Centre, Story

DEAD_SECONDS = 0.3


def nothing(centre: Centre) -> Story:
    """Nothing is broken."""
    with centre.load() as load:
        time.sleep(centre.pace.harm / 2)
    return Story(load.attempts)


def one_after_the_other(centre: Centre) -> Story:
    """One RADIUS server after the other is killed (`kill -9`), again and again; then all at once."""
    with centre.load() as load:
        until = time.monotonic() + centre.pace.harm
        for server in cycle(centre.servers):
            server.kill()
            time.sleep(DEAD_SECONDS)
            server.start()
            server.wait_ready()
            if time.monotonic() > until:
                break
        for server in centre.servers:
            server.kill()
        for server in centre.servers:
            server.start()
        for server in centre.servers:
            server.wait_ready()
    return Story(load.attempts)


def workers(centre: Centre) -> Story:
    """Workers of a RADIUS server with two are killed, again and again; their supervisor begins them anew."""
    server = next(server for server in centre.servers if len(server.workers()) > 1)
    with centre.load() as load:
        until = time.monotonic() + centre.pace.harm
        number = 0
        while time.monotonic() < until:
            server.kill_worker(number)
            number += 1
            load.wait_for_grants(10)
    assert server.process.is_running
    return Story(load.attempts)
