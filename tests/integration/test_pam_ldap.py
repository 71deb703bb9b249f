"""The pairing looked up in a real slapd, and in directories that hang, refuse or lie."""

from __future__ import annotations

import pwd
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import make_certificates
from tests.node_accounts import FoldingDirectory
from tests.radius_peer import SECRET, RadiusPeer, TokenServer
from tests.scripted_pamh import ScriptedPamh
from tests.slapd import PEOPLE_DN, READER_DN, READER_PASSWORD, Slapd, slapd
from watchword_pam.clock import boot_seconds
from watchword_pam.conversation import Conversation
from watchword_pam.ldap_pairing import find_kind
from watchword_pam.settings import Ldap, Settings, settings_from
from watchword_pam.token_login import TokenLogin
from watchword_pam.verdict import Granted, Refused

pytestmark = [
    pytest.mark.slow,
    # ldap3 2.9.1, its last release, checks the name in a certificate with what Python 3.12 no longer has
    # (it then brings its own).
    pytest.mark.filterwarnings("ignore:ssl.match_hostname:DeprecationWarning"),
]

CODE = "123456"
ACCOUNTS = {"alice": ("soft", CODE), "sam": ("sms", CODE)}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("slapd")) as running:
        for account, token in (("alice", "Soft Token"), ("sam", "SMS"), ("nina", "None"), ("pat", "Passkey")):
            running.add_person(account, watchwordToken=token)
        running.add_person("bare")
        running.add_person("st*r (x)", watchwordToken="Soft Token")
        running.add_person("twin", mail="one@example.org", watchwordToken="None")
        running.add_person("twin2", mail="one@example.org", watchwordToken="None")
        yield running


@pytest.fixture(autouse=True)
def node_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwnam", FoldingDirectory({"alice", "sam", "nina", "pat", "bare"}).getpwnam)


def settings_for(uris: list[str], ca_file: Path, port: int = 1812, **changes: Any) -> Settings:
    ldap = {
        "uri": uris,
        "ca_file": str(ca_file),
        "bind_dn": READER_DN,
        "bind_password": READER_PASSWORD,
        "base": PEOPLE_DN,
        "attribute": "watchwordToken",
        "timeout_seconds": 1,
        "values": {"Soft Token": "soft", "SMS": "sms", "None": "unpaired"},
    }
    document = {
        "mode": "paired",
        "info_url": "https://portal.example.org/mfa",
        "pairing_from": "ldap",
        "ldap": {**ldap, **changes.pop("ldap", {})},
        "server": [{"host": "127.0.0.1", "port": port, "secret": SECRET.decode(), "timeout_seconds": 0.5}],
        **changes,
    }
    settings = settings_from(document, "login1")
    assert settings.mistakes == ()
    return settings


def kind_of(account: str, settings: Settings) -> str:
    assert isinstance(settings.ldap, Ldap)
    return find_kind(settings.ldap, account, boot_seconds() + 60)


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        ("alice", "soft"),
        ("sam", "sms"),
        ("nina", "unpaired"),
        ("bare", "unpaired"),
        ("stranger", ""),
        ("pat", ""),
        ("st*r (x)", "soft"),
        ("al*", ""),
        ("*)(uid=alice", ""),
    ],
)
def test_the_attribute_says_the_kind(directory: Slapd, account: str, kind: str) -> None:
    assert kind_of(account, settings_for([directory.url], directory.certificates.ca)) == kind


@pytest.mark.parametrize("attribute", ["watchwordTokn", "userPassword"])
@pytest.mark.parametrize("account", ["alice", "nina", "bare"])
def test_an_attribute_that_is_misspelt_or_hidden_makes_nobody_unpaired(
    directory: Slapd, account: str, attribute: str
) -> None:
    settings = settings_for([directory.url], directory.certificates.ca, ldap={"attribute": attribute})
    assert kind_of(account, settings) == ""


def test_a_server_that_only_refers_elsewhere_is_left_for_the_next(directory: Slapd) -> None:
    branch_dn = f"ou=branch,{PEOPLE_DN}"
    directory._add(branch_dn, ["referral", "extensibleObject"], {"ref": f"ldap://192.0.2.1/{branch_dn}"})
    for account in ("stranger", "bare"):
        branch = {"base": branch_dn}
        assert kind_of(account, settings_for([directory.url], directory.certificates.ca, ldap=branch)) == ""
    assert kind_of("stranger", settings_for([directory.url], directory.certificates.ca)) == ""
    assert kind_of("bare", settings_for([directory.url], directory.certificates.ca)) == "unpaired"


def test_without_a_table_the_values_are_the_kinds(directory: Slapd) -> None:
    settings = settings_for([directory.url], directory.certificates.ca, ldap={"values": {}})
    assert kind_of("pat", settings) == "Passkey"


def test_several_entries_are_no_answer(directory: Slapd) -> None:
    settings = settings_for([directory.url], directory.certificates.ca, ldap={"filter": "(mail={account})"})
    assert kind_of("one@example.org", settings) == ""


def test_tls_is_verified(directory: Slapd, tmp_path: Path) -> None:
    other = make_certificates(tmp_path)
    for uri, start_tls in ((directory.tls_url, False), (directory.url, True)):
        changes: dict[str, Any] = {"ldap": {"start_tls": start_tls}}
        assert kind_of("alice", settings_for([uri], directory.certificates.ca, **changes)) == "soft"
        assert kind_of("alice", settings_for([uri], other.ca, **changes)) == ""
        assert kind_of("alice", settings_for([uri], tmp_path / "none", **changes)) == ""


@pytest.mark.parametrize("changes", [{"bind_password": "wrong"}, {"base": "dc=elsewhere"}, {"bind_dn": "not a dn"}])
def test_a_lookup_that_is_refused_is_no_answer(directory: Slapd, changes: dict[str, str]) -> None:
    assert kind_of("nina", settings_for([directory.url], directory.certificates.ca, ldap=changes)) == ""


@pytest.mark.parametrize(("scheme", "start_tls"), [("ldap", False), ("ldap", True), ("ldaps", False)])
def test_a_directory_that_hangs_is_left_for_the_next(directory: Slapd, scheme: str, start_tls: bool) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as hanging:
        uris = [f"{scheme}://127.0.0.1:{hanging.getsockname()[1]}", directory.url]
        settings = settings_for(uris, directory.certificates.ca, ldap={"start_tls": start_tls})
        start = boot_seconds()
        assert kind_of("alice", settings) == "soft"
        assert boot_seconds() - start < 60  # it came to an end at all


def log_in(directory: Slapd, account: str, *typed: str, uris: list[str] | None = None, **keys: Any) -> tuple[Any, Any]:
    pamh = ScriptedPamh(account, *typed)
    with RadiusPeer(TokenServer(ACCOUNTS)) as peer:
        settings = settings_for(uris or [directory.url], directory.certificates.ca, peer.port, **keys)
        return TokenLogin(Conversation(pamh), settings).verdict(), peer


@pytest.mark.parametrize(
    ("mode", "account", "typed", "wanted", "asked"),
    [
        ("paired", "alice", [CODE], Granted, ["one shot"]),
        ("paired", "alice", ["000000"], Refused, ["one shot"]),
        ("paired", "sam", [CODE], Granted, ["begin", "answer"]),
        ("paired", "nina", [], Granted, []),
        ("paired", "pat", [CODE], Refused, ["begin", "answer"]),
        ("full", "nina", [CODE], Refused, ["one shot"]),
        ("full", "alice", [CODE], Granted, ["one shot"]),
        ("off", "alice", [], Granted, []),
    ],
)
def test_a_code_that_is_in_hand_is_asked_for_at_once(
    directory: Slapd, mode: str, account: str, typed: list[str], wanted: type, asked: list[str]
) -> None:
    verdict, peer = log_in(directory, account, *typed, mode=mode)
    assert type(verdict) is wanted
    assert peer.kinds == asked


def test_when_ldap_fails_everybody_counts_as_paired(directory: Slapd) -> None:
    verdict, peer = log_in(directory, "nina", CODE, uris=["ldap://127.0.0.1:1"])
    assert type(verdict) is Refused
    assert peer.kinds == ["begin", "answer"]


def test_where_an_outage_lets_in_the_server_speaks_before_the_person(directory: Slapd) -> None:
    verdict, peer = log_in(directory, "alice", CODE, on_outage="allow")
    assert type(verdict) is Granted
    assert peer.kinds == ["begin", "answer"]
