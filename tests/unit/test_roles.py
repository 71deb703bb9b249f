"""Who is an operator."""

import pytest

from watchword.domain.errors import DirectoryUnavailable
from watchword.domain.people import Person
from watchword.services.roles import BELIEVE_SECONDS, REMEMBER_SECONDS, Role, Roles

MEMBERS = {Role.ADMIN: ("ada", "(wheel)"), Role.HELPDESK: ("(helpers)",), Role.AUDITOR: ("otto",)}


class Directory:
    """Knows some people, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False
        self.groups = {
            "hugo": frozenset({"helpers"}),
            "both": frozenset({"helpers", "wheel"}),
            "(wheel)": frozenset({"x"}),
            "ada": frozenset(),
            "otto": frozenset(),
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


@pytest.mark.parametrize("gone", ["ada", "hugo", "both"])
def test_whoever_is_no_account_any_more_is_no_operator_though_named(gone: str) -> None:
    directory, clock = Directory(), Clock()
    roles = Roles(MEMBERS, directory, clock=clock)
    assert roles.role_of(gone) is not None
    del directory.groups[gone]
    clock.now += REMEMBER_SECONDS
    assert roles.role_of(gone) is None


def test_an_outage_of_the_directory_takes_no_role_for_a_while_and_then_all() -> None:
    directory, clock = Directory(), Clock()
    roles = Roles(MEMBERS, directory, clock=clock)
    assert [roles.role_of("ada"), roles.role_of("hugo"), roles.role_of("alice")] == [Role.ADMIN, Role.HELPDESK, None]
    directory.is_away = True
    asked = directory.asked
    for _ in range(3):
        clock.now += REMEMBER_SECONDS
        assert [roles.role_of("ada"), roles.role_of("hugo")] == [Role.ADMIN, Role.HELPDESK]
    assert directory.asked == asked + 6, "each time it may be back"
    clock.now += BELIEVE_SECONDS - 3 * REMEMBER_SECONDS
    for account in ("ada", "hugo"):
        with pytest.raises(DirectoryUnavailable):
            roles.role_of(account)
    directory.is_away = False
    clock.now += REMEMBER_SECONDS
    assert roles.role_of("ada") is Role.ADMIN


def test_without_groups_the_directory_is_asked_of_those_who_are_named_alone() -> None:
    directory = Directory()
    roles = Roles({Role.ADMIN: ("ada",)}, directory, clock=Clock())
    assert roles.role_of("alice") is None
    assert directory.asked == 0
    assert roles.role_of("ada") is Role.ADMIN
    assert directory.asked == 1
