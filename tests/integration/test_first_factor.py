"""Passwords, asked of a real PAM and a real slapd."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.accounts import Account, temporary_account
from tests.harness.pam_service import pam_service
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.slapd import PEOPLE_DN, READER_DN, READER_PASSWORD, Slapd, slapd
from watchword.directory.ldap import LdapDirectory, LdapSettings
from watchword.directory.ldap_password import LdapPassword
from watchword.directory.pam_password import PamPassword
from watchword.directory.system import SystemDirectory
from watchword.domain.errors import DirectoryUnavailable

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).parents[2] / "conf/pam.d/watchword-portal"


@pytest.fixture(scope="module")
def person() -> Iterator[Account]:
    with temporary_account() as account:
        yield account


@pytest.fixture(scope="module")
def passwords() -> Iterator[PamPassword]:
    with pam_service("watchword-test-portal", SHIPPED.read_text(encoding="utf-8")):
        yield PamPassword("watchword-test-portal")


def test_the_password_that_opens_the_machine_opens_the_portal_and_no_other(
    passwords: PamPassword, person: Account
) -> None:
    assert passwords.check(person.name, person.password)
    assert not passwords.check(person.name, person.password + "x")
    assert not passwords.check(person.name, "")
    assert not passwords.check("nobody-is-called-this", person.password)


def test_an_account_without_a_password_is_not_opened_by_an_empty_one(passwords: PamPassword) -> None:
    assert not passwords.check("nobody", "")


def test_a_module_that_cannot_be_loaded_is_an_outage_and_no_wrong_password(person: Account) -> None:
    stack = "auth required pam_no_such_module.so\naccount required pam_permit.so\n"
    with pam_service("watchword-test-unwell", stack), pytest.raises(DirectoryUnavailable) as caught:
        PamPassword("watchword-test-unwell").check(person.name, person.password)
    assert person.password not in str(caught.value)


def test_the_system_knows_a_persons_groups(person: Account) -> None:
    found = SystemDirectory().find(person.name)
    assert found is not None and person.name in found.groups


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("slapd")) as running:
        running.add_person("alice", userPassword="alice's secret")
        running.add_person("bob")
        yield running


@pytest.fixture
def settings(directory: Slapd) -> LdapSettings:
    return LdapSettings(
        servers=(directory.url,),
        base_dn=PEOPLE_DN,
        bind_dn=READER_DN,
        bind_password=READER_PASSWORD,
        timeout_seconds=1,
    )


@pytest.mark.parametrize(
    ("account", "password", "right"),
    [
        ("alice", "alice's secret", True),
        ("alice", "Alice's secret", False),
        ("alice", "", False),  # RFC 4513, section 5.1.2: servers say yes to this one
        ("ALICE", "alice's secret", False),
        ("*", "alice's secret", False),
        ("al*", "alice's secret", False),
        ("bob", "alice's secret", False),
        ("nobody", "alice's secret", False),
    ],
)
def test_ldap_is_asked_by_binding_as_the_one_entry_of_the_account(
    settings: LdapSettings, account: str, password: str, right: bool
) -> None:
    assert LdapPassword(LdapDirectory(settings)).check(account, password) is right


def test_a_directory_that_is_away_is_an_outage_and_the_next_server_is_asked(settings: LdapSettings) -> None:
    away = f"ldap://{LOOPBACK}:{free_tcp_port()}"
    with pytest.raises(DirectoryUnavailable) as caught:
        LdapPassword(LdapDirectory(dataclasses.replace(settings, servers=(away,)))).check("alice", "alice's secret")
    assert "secret" not in str(caught.value)
    both = dataclasses.replace(settings, servers=(away, *settings.servers))
    assert LdapPassword(LdapDirectory(both)).check("alice", "alice's secret")
