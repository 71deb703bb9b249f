"""A pairing that the portal makes is in LDAP, and the next ssh login sees it there; so is an unpairing."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.end_to_end.test_ldap_pairing import directory, ldap_toml, log_in
from tests.harness.accounts import Account
from tests.harness.node import Node
from tests.harness.one_time_codes import oathtool_code
from tests.harness.radius_server import RadiusServer, ServerSettings
from tests.harness.sshd import Sshd
from tests.slapd import BASE_DN, READER_DN, READER_PASSWORD, WRITER_DN, WRITER_PASSWORD, Slapd
from watchword.domain.tokens import Kind
from watchword.services.pairing_flow_rules import Paired, Walker
from watchword.settings import read_settings
from watchword.wiring.portal import Desk, open_desk

pytestmark = pytest.mark.slow

__all__ = ["directory"]


@pytest.fixture
def desk(server_settings: ServerSettings, radius1: RadiusServer, directory: Slapd, tmp_path: Path) -> Iterator[Desk]:
    """The portal's services, on the RADIUS server's database and the node's LDAP."""
    for name, password in (("reader", READER_PASSWORD), ("writer", WRITER_PASSWORD)):
        (tmp_path / name).write_text(password, encoding="ascii")
    text = radius1.watchword.config.read_text(encoding="utf-8")
    config = tmp_path / "portal.toml"
    config.write_text(
        f'{text}[ldap]\nservers = ["{directory.url}"]\nbase_dn = "{BASE_DN}"\nbind_dn = "{READER_DN}"\n'
        f'bind_password_file = "{tmp_path / "reader"}"\n'
        f'[announce]\nattribute = "watchwordToken"\nbind_dn = "{WRITER_DN}"\n'
        f'bind_password_file = "{tmp_path / "writer"}"\n',
        encoding="utf-8",
    )
    with closing(open_desk(read_settings(config))) as desk:
        yield desk


def tell_directory(desk: Desk) -> None:
    (announce,) = [errand.run for errand in desk.people.errands if errand.name == "announcements"]
    while announce():
        pass


def test_a_login_asks_for_a_code_once_a_phone_is_paired_and_no_more_once_it_is_not(
    sshd: Sshd, node: Node, account: Account, radius1: RadiusServer, directory: Slapd, desk: Desk
) -> None:
    directory.add_person(account.name)
    node.write_settings(radius1.pam_toml, ldap_toml(directory.url), mode="paired", more='pairing_from = "ldap"')
    assert log_in(sshd, account).status == 0
    walker = Walker(account.name, b"s" * 32, "127.0.0.1", is_proved=False)
    desk.people.pairing.begin(walker, Kind.SOFT)
    flow = desk.people.pairing.show(walker)
    now = int(time.time())
    paired = desk.people.pairing.prove(walker, flow.ticket, oathtool_code(flow.secret.hex(), now))
    assert isinstance(paired, Paired)
    tell_directory(desk)
    assert directory.pairing_of(account.name) == ["soft"]
    assert log_in(sshd, account, "1", "1", "1").status == 255
    assert log_in(sshd, account, oathtool_code(flow.secret.hex(), now + 30)).status == 0
    desk.people.unpairer.unpair(account.name, paired.serial, oathtool_code(flow.secret.hex(), now + 60), "127.0.0.1")
    tell_directory(desk)
    assert directory.pairing_of(account.name) == []
    assert log_in(sshd, account).status == 0
