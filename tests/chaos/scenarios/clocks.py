"""Servers' clocks jump, together and apart; phones keep the right time."""

import random
import time
from collections.abc import Sequence

from tests.chaos.centre import Centre, Story, pair
from tests.chaos.people import Crowd, make_people
from tests.harness.fake_clock import FakeClock

PHONES_REACH_STEPS = 1
TOGETHER = (120, -120, 240, -240, 45, -15, 0)
"""Seconds. All within the drift that is allowed, so that phones and servers still agree."""
FAR_OFF_SECONDS = 1200


class Clocks:
    """The clocks of the servers."""

    def __init__(self, clocks: Sequence[FakeClock]) -> None:
        self._clocks = clocks

    def step(self, centre: Centre) -> Story:
        """Every server's clock is set forward and back, across a code's time and more; then each by itself."""
        chance = random.Random(4)
        with centre.load(people=_punctual(centre, "jumping"), reach_steps=PHONES_REACH_STEPS) as load:
            for seconds in TOGETHER:
                self._set(seconds)
                load.wait_for_grants(3)
                time.sleep(centre.pace.calm)
            for _ in range(centre.pace.rounds):
                for clock in self._clocks:
                    clock.set(chance.randrange(-240, 240))
                load.wait_for_grants(3)
                time.sleep(centre.pace.calm)
            self._set(0)
        return Story(load.attempts)

    def far_off(self, centre: Centre) -> Story:
        """Every server's clock is twenty minutes wrong, so that no code is right; then it is set."""
        with centre.load(people=_punctual(centre, "far"), reach_steps=PHONES_REACH_STEPS) as load:
            for seconds in (FAR_OFF_SECONDS, -FAR_OFF_SECONDS):
                self._set(seconds)
                load.expect_nobody(centre.pace.spell, centre.pace.nodes)
            self._set(0)
        return Story(load.attempts)

    def _set(self, seconds: int) -> None:
        for clock in self._clocks:
            clock.set(seconds)


def _punctual(centre: Centre, prefix: str) -> Crowd:
    """Make people who have used no code of a later step yet."""
    people = make_people(centre.pace.people // 2, prefix)
    pair(centre.servers[0], people)
    return Crowd(people, [], random.Random(5))
