"""People found in a real slapd by how their names begin."""

from collections.abc import Iterator

import pytest

from tests.slapd import BASE_DN, PEOPLE_DN, READER_DN, READER_PASSWORD, Slapd, slapd
from watchword.directory.ldap import LdapDirectory, LdapSettings
from watchword.domain.errors import DirectoryUnavailable
from watchword.services.find import PeopleSearch

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("slapd")) as running:
        running.add_person("alice", cn="Alice Bell", sn="Bell", mail="abell@example.org")
        running.add_person("alicia", cn="Alicia Cox", sn="Cox", mail="cox@example.org")
        running.add_person("odd", cn="Odd*(Name)\\", sn="Odd", mail="odd@example.org")
        for number in range(30):
            running.add_person(f"many{number}", cn=f"Many {number}", sn="Many")
        yield running


@pytest.fixture
def directory(server: Slapd) -> LdapDirectory:
    return LdapDirectory(
        LdapSettings(servers=(server.url,), base_dn=PEOPLE_DN, bind_dn=READER_DN, bind_password=READER_PASSWORD)
    )


def found(directory: LdapDirectory, begins: str, limit: int = 50) -> list[str]:
    return sorted(person.account for person in directory.search(begins, limit))


@pytest.mark.parametrize(
    ("begins", "accounts"),
    [
        ("Ali", ["alice", "alicia"]),
        ("alice b", ["alice"]),
        ("Bel", ["alice"]),
        ("cox@", ["alicia"]),
        ("lice", []),
        ("*", []),
        ("Odd*(", ["odd"]),
        ("Odd*(Name)\\", ["odd"]),
        ("x)(uid=*", []),
    ],
)
def test_people_are_found_by_how_a_name_or_the_address_begins_and_signs_mean_themselves(
    directory: LdapDirectory, begins: str, accounts: list[str]
) -> None:
    assert found(directory, begins) == accounts


def test_what_is_found_says_who_it_is(directory: LdapDirectory) -> None:
    (person,) = directory.search("Alice Bell", 50)
    assert (person.account, person.name, person.mail) == ("alice", "Alice Bell", "abell@example.org")


def test_no_more_are_asked_for_than_are_shown(directory: LdapDirectory) -> None:
    assert len(found(directory, "Many", 7)) == 7
    assert len(found(directory, "Many")) == 30


def test_a_directory_that_can_search_is_known_as_one(directory: LdapDirectory) -> None:
    assert isinstance(directory, PeopleSearch)


def test_a_server_that_is_not_there_is_said_so() -> None:
    nowhere = LdapSettings(servers=("ldap://127.0.0.1:1",), base_dn=BASE_DN, timeout_seconds=1)
    with pytest.raises(DirectoryUnavailable):
        LdapDirectory(nowhere).search("Ali", 50)
