"""Who an account is: this machine's own accounts, and settings of LDAP that must not pass."""

import os
import pwd
from dataclasses import replace

import pytest

from watchword.directory.ldap import LdapSettings
from watchword.directory.system import SystemDirectory
from watchword.domain.errors import SettingsError

GOOD = LdapSettings(servers=("ldaps://ldap.example.org",), base_dn="dc=example,dc=org")


def test_an_account_of_this_machine_is_found() -> None:
    name = pwd.getpwuid(os.getuid()).pw_name

    assert (person := SystemDirectory().find(name)) is not None
    assert person.account == name


@pytest.mark.parametrize("account", ["", " ", "no-such-account", "root\x00", "root ", "ro\udcffot", "ROOT", "-root"])
def test_what_is_no_account_is_none(account: str) -> None:
    assert SystemDirectory().find(account) is None


@pytest.mark.parametrize("server", ["ldap://127.0.0.1", "ldap://localhost:3389", "ldaps://ldap.example.org:3636"])
def test_servers_that_may_be_spoken_to(server: str) -> None:
    assert replace(GOOD, servers=(server,)).servers == (server,)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"servers": ()}, "servers"),
        ({"base_dn": ""}, "base_dn"),
        ({"servers": ("ldap://ldap.example.org",)}, "clear"),
        ({"servers": ("ldap.example.org",)}, "not ldap"),
        ({"servers": ("http://ldap.example.org",)}, "not ldap"),
        ({"start_tls": True}, "start_tls"),
        ({"bind_dn": "cn=reader"}, "together"),
        ({"bind_password": "secret-word"}, "together"),
        ({"timeout_seconds": 0}, "timeout"),
    ],
)
def test_settings_that_cannot_work_or_say_too_much_are_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        replace(GOOD, **wrong)  # type: ignore[arg-type] # that is what is tested
    assert "secret-word" not in str(caught.value)


def test_plain_ldap_can_be_allowed_or_made_safe() -> None:
    plain = ("ldap://ldap.example.org",)

    assert replace(GOOD, servers=plain, start_tls=True).start_tls
    assert replace(GOOD, servers=plain, allow_plaintext=True).allow_plaintext


def test_the_bind_password_is_not_in_the_repr() -> None:
    assert "secret-word" not in repr(replace(GOOD, bind_dn="cn=reader", bind_password="secret-word"))
