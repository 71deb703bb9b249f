"""Pairings written into LDAP: a real slapd that comes and goes, and what a node's PAM module makes of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.test_people import pairer
from tests.contract.world import Server, World
from tests.slapd import (
    BASE_DN,
    READER_DN,
    READER_PASSWORD,
    WRITER_DN,
    WRITER_PASSWORD,
    Slapd,
    prepare_slapd,
    serving,
    slapd,
)
from watchword.directory.ldap import LdapSettings
from watchword.directory.ldap_announcer import LdapAnnouncer
from watchword.domain.errors import DirectoryUnavailable
from watchword.services.administer import Administrator
from watchword.services.announce import Announcer

pytestmark = pytest.mark.slow

VALUES = {"": "", "soft": "app", "sms": "text", "hard": "fob", "static": "code"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    world = World(f"sqlite:///{tmp_path / 'watchword.db'}", tmp_path)
    yield world.server
    world.close()


def ldap_announcer(directory: Slapd, *, bind_dn: str = WRITER_DN, tls: bool = False) -> LdapAnnouncer:
    settings = LdapSettings(
        servers=(directory.tls_url if tls else directory.url,),
        base_dn=BASE_DN,
        bind_dn=bind_dn,
        bind_password=WRITER_PASSWORD if bind_dn == WRITER_DN else READER_PASSWORD,
        ca_file=str(directory.certificates.ca),
        start_tls=not tls,
        timeout_seconds=5,
    )
    return LdapAnnouncer(settings, "watchwordToken", VALUES)


def tell_all(server: Server, announcer: LdapAnnouncer) -> None:
    worker = Announcer(server.store, announcer, clock=server.clock)
    while worker.deliver_due():
        pass


def test_what_changes_while_the_directory_is_away_is_written_when_it_is_back(server: Server, tmp_path: Path) -> None:
    place = tmp_path / "slapd"
    place.mkdir()
    directory = prepare_slapd(place)
    announcer = ldap_announcer(directory)
    with serving(directory, place):
        directory.add_trunk()
        for account in ("alice", "bob", "carol"):
            directory.add_person(account)
        first = pairer(server).add_soft("alice").serial
        second = pairer(server).add_sms("bob", "+15125551234", country_code="1").serial
        tell_all(server, announcer)
        assert [directory.pairing_of(name) for name in ("alice", "bob", "carol")] == [["app"], ["text"], []]
    pairer(server).remove(first)
    pairer(server).add_sms("alice", "+15125551234", country_code="1")
    pairer(server).remove(second)
    pairer(server).add_soft("carol")
    for _ in range(5):
        tell_all(server, announcer)
        server.clock.seconds += 40
    with serving(directory, place):
        assert [directory.pairing_of(name) for name in ("alice", "bob", "carol")] == [["app"], ["text"], []]
        server.clock.seconds += 300
        tell_all(server, announcer)
        assert [directory.pairing_of(name) for name in ("alice", "bob", "carol")] == [["text"], [], ["app"]]
    assert not server.store.read(lambda rows: rows.announcements.any_due(2**40))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("slapd")) as running:
        yield running


def test_a_change_while_the_directory_is_told_is_told_after_it(server: Server, directory: Slapd) -> None:
    directory.add_person("dora")
    serial = pairer(server).add_soft("dora").serial

    class Meanwhile(LdapAnnouncer):
        def announce(self, account: str, kind: str) -> bool:
            if kind == "soft":
                pairer(server).remove(serial)
            return ldap_announcer(directory).announce(account, kind)

    tell_all(server, Meanwhile(ldap_announcer(directory)._settings, "watchwordToken", VALUES))
    assert directory.pairing_of("dora") == []


def test_a_held_account_without_a_token_looks_paired_so_that_no_node_lets_it_in(
    server: Server, directory: Slapd
) -> None:
    directory.add_person("hal")
    administrator = Administrator(
        server.store, clock=server.clock, random_octets=os.urandom, lockout=server.policy.lockout, announce=True
    )
    administrator.lock("hal")
    tell_all(server, ldap_announcer(directory))
    assert directory.pairing_of("hal") == ["app"]
    administrator.unlock("hal")
    tell_all(server, ldap_announcer(directory))
    assert directory.pairing_of("hal") == []


def test_over_tls_from_the_start_and_for_whom_the_directory_does_not_know(server: Server, directory: Slapd) -> None:
    directory.add_person("ed")
    pairer(server).add_soft("ed")
    pairer(server).add_soft("nobody")
    tell_all(server, ldap_announcer(directory, tls=True))
    assert directory.pairing_of("ed") == ["app"]
    assert not server.store.read(lambda rows: rows.announcements.any_due(2**40))


def test_who_may_not_write_changes_nothing_and_the_row_waits(server: Server, directory: Slapd) -> None:
    directory.add_person("flo")
    pairer(server).add_soft("flo")
    reader = ldap_announcer(directory, bind_dn=READER_DN)
    with pytest.raises(DirectoryUnavailable, match="LDAPInsufficientAccessRightsResult"):
        reader.announce("flo", "soft")
    tell_all(server, reader)
    assert directory.pairing_of("flo") == []
    server.clock.seconds += 10
    tell_all(server, ldap_announcer(directory))
    assert directory.pairing_of("flo") == ["app"]
