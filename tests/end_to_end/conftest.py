"""A node, its servers, its people."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.accounts import Account, temporary_account
from tests.harness.mariadb import Mariadb
from tests.harness.node import Node, installed_modules
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.soft_token import SoftToken, pair_soft_token
from tests.harness.sshd import Sshd, running_sshd


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The PAM modules, installed as `make install-node` does."""
    return installed_modules(tmp_path_factory.mktemp("modules"))


@pytest.fixture
def node(modules: Path, tmp_path: Path) -> Node:
    """A node with files of its own, and no exemption; pam.toml is the test's to write."""
    directory = tmp_path / "node"
    directory.mkdir()
    node = Node(modules, directory)
    node.write_exemptions()
    return node


@pytest.fixture(scope="session")
def server_settings(tmp_path_factory: pytest.TempPathFactory, mariadb: Mariadb) -> ServerSettings:
    """One MariaDB for all servers of the session: tests tell each other apart by their accounts."""
    directory = tmp_path_factory.mktemp("servers")
    more = f'[sms]\ncarrier = "recorder"\nrecorder_file = "{directory / "messages"}"\n'
    return ServerSettings(directory, mariadb.create_database(), more=more)


@pytest.fixture(scope="session")
def radius1(server_settings: ServerSettings) -> Iterator[RadiusServer]:
    """A RADIUS server."""
    with running_radius_server(server_settings, "radius1") as server:
        yield server


@pytest.fixture(scope="session")
def radius2(server_settings: ServerSettings) -> Iterator[RadiusServer]:
    """A second one, on the same store."""
    with running_radius_server(server_settings, "radius2") as server:
        yield server


@pytest.fixture
def account() -> Iterator[Account]:
    """A person with a password, unpaired."""
    with temporary_account() as account:
        yield account


@pytest.fixture
def soft_token(account: Account, radius1: RadiusServer) -> SoftToken:
    """The phone that pairs `account`."""
    return pair_soft_token(radius1.watchword, account.name)


@pytest.fixture
def sshd(node: Node, tmp_path: Path) -> Iterator[Sshd]:
    """An sshd with the recommended PAM stack."""
    directory = tmp_path / "sshd"
    directory.mkdir()
    with running_sshd(directory, node.stack()) as server:
        yield server
