"""pam.toml: every mistake means mode full, and what is right still counts."""

from __future__ import annotations

import os
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchword.domain.enforcement import Mode
from watchword_pam.settings import Settings, read_settings, settings_from

SECRET = "kept-from-every-log"
SERVER = {"host": "192.0.2.11", "secret": SECRET}
GOOD = {"mode": "paired", "info_url": "https://portal.example.org/mfa", "server": [SERVER]}
LDAP = {"uri": "ldaps://ldap.example.org", "base": "dc=example", "attribute": "tokenKind"}


def read(**changes: Any) -> Settings:
    """Validate the good document with some keys changed; None takes a key away."""
    document = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    return settings_from(document, "login1")


def read_file(path: Path) -> Settings:
    """Read a file as a login does, whose memory lies beside it."""
    return read_settings(str(path), "login1", memory=str(path.parent / "state"))


def test_a_good_file_means_what_it_says() -> None:
    settings = read(mode="countdown", deadline=date(2026, 12, 1), on_outage="allow", prompt="TACC Token Code:")
    assert settings.mistakes == ()
    assert settings.mode is Mode.COUNTDOWN
    assert settings.deadline == date(2026, 12, 1)
    assert settings.allow_on_outage
    assert settings.prompt == "TACC Token Code:"
    assert settings.node == "login1"
    assert (settings.budget_seconds, settings.dead_seconds, settings.tries) == (90, 60, 3)
    assert settings.state_dir == "/run/watchword"
    [server] = settings.servers
    assert (server.name, server.secret, server.timeout_seconds) == ("192.0.2.11:1812", SECRET.encode(), 3)


def test_mode_off_needs_nothing_else() -> None:
    assert settings_from({"mode": "off"}, "login1").mode is Mode.OFF


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"mode": None}, "mode"),
        ({"mode": "Off"}, "mode"),
        ({"mode": "off "}, "mode"),
        ({"mode": False}, "mode"),
        ({"mode": ["off"]}, "mode"),
        ({"mode": "countdown"}, "deadline"),
        ({"mode": "countdown", "deadline": "2026-12-01"}, "deadline"),
        ({"mode": "countdown", "deadline": tomllib.loads("d = 2026-12-01T00:00:00")["d"]}, "deadline"),
        ({"info_url": None}, "info_url"),
        ({"info_url": ""}, "info_url"),
        ({"info_url": "https://portal.example.org/\nmfa"}, "info_url"),
        ({"prompt": 3}, "prompt"),
        ({"prompt": "\x1b[2J"}, "prompt"),
        ({"node": "n" * 254}, "node"),
        ({"pairing_from": "sql"}, "pairing_from"),
        ({"pairing_from": "ldap"}, "[ldap]"),
        ({"on_outage": "Allow"}, "on_outage"),
        ({"on_outage": True}, "on_outage"),
        ({"budget_seconds": 111}, "budget_seconds"),
        ({"budget_seconds": float("nan")}, "budget_seconds"),
        ({"budget_seconds": True}, "budget_seconds"),
        ({"dead_seconds": 0}, "dead_seconds"),
        ({"tries": 2.5}, "tries"),
        ({"tries": 0}, "tries"),
        ({"state_dir": "run"}, "state_dir"),
        ({"tokens": 1}, "tokens"),
        ({"server": None}, "[[server]]"),
        ({"server": []}, "[[server]]"),
        ({"server": SERVER}, "server"),
        ({"server": [SERVER, 3]}, "server 2"),
        ({"server": [SERVER, SERVER]}, "server 2"),
        ({"server": [SERVER, {**SERVER, "host": "radius.example.org"}]}, "server 2: host"),
        ({"server": [SERVER, {**SERVER, "host": "fe80::1%eth0"}]}, "server 2: host"),
        ({"server": [SERVER, {"secret": SECRET}]}, "server 2: host"),
        ({"server": [SERVER, {**SERVER, "port": 65536}]}, "server 2: port"),
        ({"server": [SERVER, {"host": "192.0.2.12"}]}, "secret"),
        ({"server": [SERVER, {"host": "192.0.2.12", "secret": ""}]}, "secret"),
        ({"server": [SERVER, {**SERVER, "secret_file": "/nowhere"}]}, "secret"),
        ({"server": [SERVER, {"host": "192.0.2.12", "secret_file": "/nowhere"}]}, "secret_file"),
        ({"server": [{**SERVER, "timeout_second": 3}]}, "timeout_second"),
        ({"server": [{**SERVER, "timeout_seconds": 31}]}, "timeout_seconds"),
        ({"ldap": 3}, "ldap"),
        ({"pairing_from": "ldap", "ldap": {**LDAP, "uri": []}}, "ldap.uri"),
        ({"pairing_from": "ldap", "ldap": {**LDAP, "uri": "ldap://ldap.example.org"}}, "ldap.uri"),
        ({"pairing_from": "ldap", "ldap": {**LDAP, "uri": "ldap://localhost.example.org"}}, "ldap.uri"),
        ({"pairing_from": "ldap", "ldap": {**LDAP, "uri": ["ldaps://a", "ldap.example.org"]}}, "ldap.uri"),
        ({"pairing_from": "ldap", "ldap": {**LDAP, "start_tls": True}}, "ldap.uri"),
        ({"pairing_from": "ldap", "ldap": {**LDAP, "timeout_seconds": 0.5}}, "ldap.timeout_seconds"),
        ({"pairing_from": "ldap", "ldap": {**LDAP, "filter": "(uid=alice)"}}, "ldap.filter"),
        ({"pairing_from": "ldap", "ldap": {**LDAP, "start_tls": 1}}, "ldap.start_tls"),
        ({"pairing_from": "ldap", "ldap": {**LDAP, "bind_dn": "cn=login"}}, "bind_password"),
        ({"pairing_from": "ldap", "ldap": {**LDAP, "values": {"soft": 1}}}, "ldap.values"),
        ({"pairing_from": "ldap", "ldap": {"uri": "ldaps://ldap.example.org"}}, "ldap.base"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_mistake_is_named_means_full_and_denies_on_outage(changes: dict[str, Any], key: str) -> None:
    settings = read(**{"on_outage": "allow", **changes})
    assert settings.mode is Mode.FULL
    assert not settings.allow_on_outage
    assert any(key in mistake for mistake in settings.mistakes), settings.mistakes
    assert SECRET not in repr(settings) + "".join(settings.mistakes)


def test_good_servers_are_used_beside_a_mistake() -> None:
    settings = read(server=[{"host": "no", "secret": "x"}, SERVER, {**SERVER, "host": "2001:db8::1", "typo": 1}])
    assert [server.name for server in settings.servers] == ["192.0.2.11:1812", "[2001:db8::1]:1812"]


def test_ldap_is_read_with_its_defaults() -> None:
    settings = read(pairing_from="ldap", ldap={**LDAP, "bind_dn": "cn=x", "bind_password": SECRET})
    assert settings.mistakes == ()
    assert settings.ldap is not None
    assert settings.ldap.uris == ("ldaps://ldap.example.org",)
    assert settings.ldap.filter == "(uid={account})"
    assert settings.ldap.bind_password == SECRET
    assert SECRET not in repr(settings.ldap)


leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.datetimes()
value = st.recursive(leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
key = st.sampled_from(["mode", "deadline", "info_url", "server", "ldap", "host", "secret", "tries", "on_outage"])


@given(st.dictionaries(key | st.text(), value))
@settings(max_examples=50)
def test_whatever_the_document_settings_come_back_and_only_a_right_one_is_not_full(document: dict[str, Any]) -> None:
    settings = settings_from(document, "login1")
    assert settings.mode is Mode.FULL or (settings.mistakes == () and document["mode"] == settings.mode.value)
    assert not settings.allow_on_outage or settings.mistakes == ()


@given(data=st.binary() | st.text().map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_bytes_they_never_raise(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "pam.toml"
    path.write_bytes(data)
    path.chmod(0o600)
    assert read_file(path).mode is Mode.FULL


@pytest.mark.parametrize("text", [f'mode = "off"\nsecret = "{SECRET}', f"secret = {SECRET}", "[" * 5000])
def test_broken_toml_is_reported_by_its_place_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pam.toml"
    path.write_text(text)
    path.chmod(0o600)
    settings = read_file(path)
    [mistake] = settings.mistakes
    assert mistake.startswith("the file is not TOML")
    assert SECRET not in mistake
    assert any(place in mistake for place in ("line", "end of document", "Recursion"))


def test_a_missing_file_means_full(tmp_path: Path) -> None:
    settings = read_file(tmp_path / "none")
    assert settings.mode is Mode.FULL
    assert settings.mistakes == ("the file can't be read (No such file or directory)",)


@pytest.mark.parametrize(("mode", "is_trusted"), [(0o600, True), (0o644, True), (0o620, False), (0o602, False)])
def test_a_file_that_others_may_write_is_not_believed(tmp_path: Path, mode: int, is_trusted: bool) -> None:
    path = tmp_path / "pam.toml"
    path.write_text('mode = "off"\n')
    path.chmod(mode)
    assert (read_file(path).mode is Mode.OFF) is is_trusted


def test_a_file_of_another_owner_or_kind_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "pam.toml"
    path.write_text('mode = "off"\n')
    path.chmod(0o600)
    os.chown(path, 1, 0)
    assert read_file(path).mistakes == ("the file does not belong to root",)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    assert read_file(fifo).mistakes == ("the file is not a regular file",)
    assert read_file(tmp_path).mode is Mode.FULL


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    settings = read(server=[{"host": "192.0.2.11", "secret_file": str(path)}])
    assert settings.servers[0].secret == SECRET.encode()
    path.chmod(0o666)
    assert read(server=[{"host": "192.0.2.11", "secret_file": str(path)}]).mode is Mode.FULL


def test_the_shipped_file_is_right() -> None:
    shipped = Path(__file__).parents[2] / "conf" / "pam.toml"
    assert settings_from(tomllib.loads(shipped.read_text("utf-8")), "login1").mistakes == ()
