"""What all tests share. Nothing is skipped here: a missing server is installed, not stepped around."""

from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.harness.mariadb import Mariadb, running_mariadb

# How long an example takes tells how busy the machine is, and nothing of what is promised.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip, or an expected failure, into a failure."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: a skipped test proves nothing ({report.longrepr})"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: a skipped module proves nothing ({report.longrepr})"
    return report


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mariadb]:
    """A MariaDB server; `create_database()` gives each test a database of its own."""
    with running_mariadb(tmp_path_factory.mktemp("mariadb")) as server:
        yield server
