"""What sysadmins do on a working day: no login may fail for it."""

import signal
import time

from tests.chaos.centre import Centre, Story
from tests.chaos.load import Load
from tests.chaos.login import Outcome
from tests.chaos.people import Intent


def keys(centre: Centre) -> Story:
    """The keys are rotated, and every server is told to read its clients again (SIGHUP)."""
    with centre.load(timeout_seconds=centre.pace.patience) as load:
        for _ in range(centre.pace.rounds):
            centre.servers[0].watchword.do("keys", "rotate")
            for server in centre.servers:
                server.process.send(signal.SIGHUP)
            load.wait_for_grants(5)
    _nobody_was_stopped(load)
    return Story(load.attempts)


def rolling_restart(centre: Centre) -> Story:
    """Every server is stopped (SIGTERM) and begun anew, one after the other."""
    with centre.load(timeout_seconds=centre.pace.patience) as load:
        for _ in range(centre.pace.rounds):
            for server in centre.servers:
                server.restart()
                time.sleep(centre.pace.calm)
    _nobody_was_stopped(load)
    return Story(load.attempts)


def _nobody_was_stopped(load: Load) -> None:
    """Raise AssertionError if a right code was refused, or got no answer."""
    failed = [a for a in load.attempts if a.tried.intent is Intent.RIGHT and a.outcome is not Outcome.GRANTED]
    assert not failed, f"{len(failed)} logins with a right code failed, the first: {failed[0]}"
