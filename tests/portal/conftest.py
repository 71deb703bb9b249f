"""One browser and one centre for all: tests tell each other apart by their accounts."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser

from tests.harness.browser import running_browser
from tests.harness.mariadb import Mariadb
from tests.portal.centre import Centre, running_centre
from watchword.clock import local_now

DAYS_LEFT = 12


# For a module, and no longer: while it is there, this thread has an event loop, and no test can run one of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def centre(tmp_path_factory: pytest.TempPathFactory, mariadb: Mariadb) -> Iterator[Centre]:
    """A centre in the middle of its countdown."""
    deadline = (local_now() + timedelta(days=DAYS_LEFT)).date()
    keys = {"mode": "countdown", "deadline": deadline.isoformat(), "countries": ["US", "DE"]}
    with running_centre(tmp_path_factory.mktemp("centre"), mariadb, keys) as centre:
        yield centre
