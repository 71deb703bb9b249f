"""`pairing_from = "ldap"`: a real slapd says who is paired, and with what."""

import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.harness.accounts import Account
from tests.harness.node import Node
from tests.harness.ports import LOOPBACK
from tests.harness.radius_server import RadiusServer, ServerSettings
from tests.harness.soft_token import SoftToken
from tests.harness.ssh_client import Answer, Session
from tests.harness.sshd import Sshd
from tests.slapd import GROUPS_DN, PEOPLE_DN, READER_DN, READER_PASSWORD, Slapd, slapd

pytestmark = pytest.mark.slow

PASSWORD, CODE = "assword: ", "Token code: "


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("slapd")) as running:
        yield running


def ldap_toml(url: str, *, timeout_seconds: int = 2) -> str:
    return (
        f'[ldap]\nuri = "{url}"\nbind_dn = "{READER_DN}"\nbind_password = "{READER_PASSWORD}"\n'
        f'base = "{PEOPLE_DN}"\nattribute = "watchwordToken"\ntimeout_seconds = {timeout_seconds}\n'
    )


def log_in(sshd: Sshd, account: Account, *codes: str) -> Session:
    return sshd.ssh_login(account, [Answer(PASSWORD, account.password), *[Answer(CODE, code) for code in codes]])


def requests_of(server: RadiusServer, account: Account) -> list[str]:
    """What the server was asked about this account: pairing queries, challenges, logins."""
    events = server.watchword.ask("audit", "list", "--account", account.name)
    return [event["kind"] for event in events if event["kind"] in ("pairing_query", "challenge", "login")]


def test_a_soft_token_is_asked_for_at_once_and_sent_in_one_shot(
    sshd: Sshd, node: Node, account: Account, radius1: RadiusServer, soft_token: SoftToken, directory: Slapd
) -> None:
    directory.add_person(account.name, watchwordToken="soft")
    more = 'pairing_from = "ldap"'
    node.write_settings(radius1.pam_toml, ldap_toml(directory.url), mode="paired", more=more)
    session = log_in(sshd, account, soft_token.fresh_code())
    assert session.status == 0, session.transcript
    assert requests_of(radius1, account) == ["login"]


def test_an_sms_token_begins_first_so_that_the_text_is_sent(
    sshd: Sshd,
    node: Node,
    account: Account,
    radius1: RadiusServer,
    directory: Slapd,
    server_settings: ServerSettings,
) -> None:
    directory.add_person(account.name, watchwordToken="sms")
    phone = f"+1512555{time.time_ns() % 10000:04d}"
    radius1.watchword.do("token", "add", account.name, "--kind", "sms", "--phone", phone)
    node.write_settings(radius1.pam_toml, ldap_toml(directory.url), mode="paired", more='pairing_from = "ldap"')
    log_in(sshd, account, "1", "1", "1")
    texts = [json.loads(line) for line in (server_settings.directory / "messages").read_text().splitlines()]
    session = log_in(sshd, account, next(text["text"][:6] for text in texts if text["phone"] == phone))
    assert session.status == 0, session.transcript


def test_who_has_no_pairing_in_ldap_is_not_asked_in_mode_paired(
    sshd: Sshd, node: Node, account: Account, radius1: RadiusServer, directory: Slapd
) -> None:
    directory.add_person(account.name)
    node.write_settings(radius1.pam_toml, ldap_toml(directory.url), mode="paired", more='pairing_from = "ldap"')
    session = log_in(sshd, account)
    assert session.status == 0, session.transcript


@pytest.mark.parametrize("wrong", ["base", "attribute", "no entry"])
def test_a_lookup_that_misses_its_mark_lets_nobody_in_without_a_code(
    sshd: Sshd, node: Node, account: Account, radius1: RadiusServer, soft_token: SoftToken, directory: Slapd, wrong: str
) -> None:
    lookup = ldap_toml(directory.url)
    if wrong != "no entry":
        directory.add_person(account.name)
    if wrong == "base":
        lookup = lookup.replace(PEOPLE_DN, GROUPS_DN)
    if wrong == "attribute":
        lookup = lookup.replace("watchwordToken", "watchwordTokn")
    node.write_settings(radius1.pam_toml, lookup, mode="paired", more='pairing_from = "ldap"')
    assert log_in(sshd, account, "1", "1", "1").status == 255
    assert log_in(sshd, account, soft_token.fresh_code()).status == 0


def test_a_pairing_written_to_ldap_works_from_the_next_login_on(
    sshd: Sshd, node: Node, account: Account, radius1: RadiusServer, soft_token: SoftToken, directory: Slapd
) -> None:
    directory.add_person(account.name)
    node.write_settings(radius1.pam_toml, ldap_toml(directory.url), mode="paired", more='pairing_from = "ldap"')
    assert log_in(sshd, account).status == 0
    directory.set_pairing(account.name, "soft")
    assert log_in(sshd, account, soft_token.fresh_code()).status == 0
    assert log_in(sshd, account, "1", "1", "1").status == 255


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An LDAP server that takes connections and never says a word."""
    listener = socket.create_server((LOOPBACK, 0))
    taken: list[socket.socket] = []

    def take() -> None:
        while True:
            try:
                taken.append(listener.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=take)
    thread.start()
    yield f"ldap://{LOOPBACK}:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
    for connection in taken:
        connection.close()


def test_while_ldap_hangs_everybody_counts_as_paired_and_codes_still_work(
    sshd: Sshd, node: Node, account: Account, radius1: RadiusServer, soft_token: SoftToken, black_hole: str
) -> None:
    node.write_settings(
        radius1.pam_toml, ldap_toml(black_hole, timeout_seconds=1), mode="paired", more='pairing_from = "ldap"'
    )
    session = log_in(sshd, account, soft_token.fresh_code())
    assert session.status == 0, session.transcript
    assert log_in(sshd, account, "1", "1", "1").status == 255


def test_a_hung_ldap_server_is_passed_over_for_the_next(
    sshd: Sshd, node: Node, account: Account, radius1: RadiusServer, directory: Slapd, black_hole: str
) -> None:
    directory.add_person(account.name)
    both = ldap_toml(black_hole, timeout_seconds=1).replace(f'"{black_hole}"', f'["{black_hole}", "{directory.url}"]')
    node.write_settings(radius1.pam_toml, both, mode="paired", more='pairing_from = "ldap"')
    session = log_in(sshd, account)
    assert session.status == 0, session.transcript
