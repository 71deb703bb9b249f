"""Who is an operator."""

import pytest

from watchword.domain.errors import DirectoryUnavailable
from watchword.domain.people import Person
from watchword.services.roles import REMEMBER_SECONDS, Role, Roles

MEMBERS = {Role.ADMIN: ("ada", "(wheel)"), Role.HELPDESK: ("(helpers)",), Role.AUDITOR: ("otto",)}


class Directory:
    """Knows two people, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False
        self.groups = {
            "hugo": frozenset({"helpers"}),
            "both": frozenset({"helpers", "wheel"}),
            "(wheel)": frozenset({"x"}),
        }

    def find(self, account: str) -> Person | None:
        """Find a person."""
        self.asked += 1
        if self.is_away:
            raise DirectoryUnavailable("no LDAP server answers")
        return Person(account, groups=self.groups[account]) if account in self.groups else None


class Clock:
    """Stands still."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("account", "role"),
    [
        ("ada", Role.ADMIN),
        ("hugo", Role.HELPDESK),
        ("both", Role.ADMIN),
        ("otto", Role.AUDITOR),
        ("alice", None),
        ("wheel", None),
        ("(wheel)", None),
        ("", None),
    ],
)
def test_a_role_comes_by_name_or_by_group_and_the_highest_counts(account: str, role: Role | None) -> None:
    assert Roles(MEMBERS, Directory(), clock=Clock()).role_of(account) is role


def test_a_role_is_asked_for_again_after_a_while_so_that_it_can_be_taken_away() -> None:
    directory, clock = Directory(), Clock()
    roles = Roles(MEMBERS, directory, clock=clock)
    assert roles.role_of("hugo") is roles.role_of("hugo") is Role.HELPDESK
    assert directory.asked == 1
    directory.groups["hugo"] = frozenset()
    clock.now += REMEMBER_SECONDS
    assert roles.role_of("hugo") is None


def test_while_the_directory_is_away_nobody_gets_a_role_by_a_group_and_nobody_waits_for_it_twice() -> None:
    directory, clock = Directory(), Clock()
    directory.is_away = True
    roles = Roles(MEMBERS, directory, clock=clock)
    for _ in range(2):
        with pytest.raises(DirectoryUnavailable):
            roles.role_of("hugo")
    assert directory.asked == 1


def test_without_groups_the_directory_is_never_asked() -> None:
    directory = Directory()
    assert Roles({Role.ADMIN: ("ada",)}, directory, clock=Clock()).role_of("ada") is Role.ADMIN
    assert directory.asked == 0
