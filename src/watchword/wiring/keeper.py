"""From settings to the keeper of the seeds."""

import os
from collections.abc import Callable, Sequence

from watchword.clock import Clock
from watchword.domain.outcome import Outcome
from watchword.services.attempts import Attempt
from watchword.services.keep_seeds import LocalKeeper
from watchword.settings import Settings
from watchword.store.store import Store
from watchword.wiring import login_policy


def local_keeper(
    settings: Settings, store: Store, answer: Callable[[Sequence[Attempt]], list[Outcome]], clock: Clock
) -> LocalKeeper:
    """Make a keeper that opens seeds in this process; `answer` settles attempts."""
    return LocalKeeper(
        store,
        answer,
        login_policy(settings),
        clock=clock,
        random_octets=os.urandom,
        announce=settings.announce is not None,
    )
