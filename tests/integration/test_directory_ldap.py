"""People in a real slapd, and servers that hang, lie or are not there."""

import dataclasses
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.certificates import make_certificates
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.slapd import BASE_DN, GROUPS_DN, PEOPLE_DN, READER_DN, READER_PASSWORD, Slapd, slapd
from watchword.directory.ldap import LdapDirectory, LdapSettings
from watchword.domain.errors import DirectoryUnavailable
from watchword.domain.people import Person

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("slapd")) as running:
        alice = running.add_person("alice", mail="alice@example.org", mobile="+1 512 555 1234", watchwordToken="soft")
        running.add_person("bob", cn="Bob Ünlü")
        running.add_person("b(o)b*\\x")
        running.add_posix_group("physics", "alice", "bob")
        running.add_group_of_names("staff", alice)
        yield running


@pytest.fixture
def settings(server: Slapd) -> LdapSettings:
    return LdapSettings(
        servers=(server.url,),
        base_dn=PEOPLE_DN,
        bind_dn=READER_DN,
        bind_password=READER_PASSWORD,
        timeout_seconds=1,
        group_base_dn=GROUPS_DN,
        pairing_attribute="watchwordToken",
    )


def with_servers(settings: LdapSettings, *servers: str) -> LdapSettings:
    return dataclasses.replace(settings, servers=servers)


def unavailable(settings: LdapSettings) -> str:
    with pytest.raises(DirectoryUnavailable) as caught:
        LdapDirectory(settings).find("alice")
    said = f"{caught.value!r} {caught.value.hint}"
    assert settings.bind_password not in said
    return said


@contextmanager
def answering(answer: bytes, *, hangs_up: bool = False) -> Iterator[str]:
    """Give a server that accepts, says `answer` (nothing at all if it is empty), and then hangs or hangs up."""
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            held.append(connection)
            if answer:
                connection.sendall(answer)
            if hangs_up:
                connection.shutdown(socket.SHUT_WR)

    with socket.create_server((LOOPBACK, 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


def test_a_person_with_everything(settings: LdapSettings) -> None:
    assert LdapDirectory(settings).find("alice") == Person(
        "alice", "Alice", "alice@example.org", "+1 512 555 1234", frozenset({"physics", "staff"}), "soft"
    )


def test_a_person_with_little(settings: LdapSettings) -> None:
    assert LdapDirectory(settings).find("bob") == Person("bob", "Bob Ünlü", groups=frozenset({"physics"}))


def test_a_changed_pairing_shows_at_the_next_lookup(settings: LdapSettings, server: Slapd) -> None:
    directory = LdapDirectory(settings)
    server.set_pairing("bob", "sms")
    try:
        assert (person := directory.find("bob")) is not None
        assert person.pairing == "sms"
    finally:
        server.set_pairing("bob", "")
    assert (person := directory.find("bob")) is not None
    assert person.pairing == ""


@pytest.mark.parametrize("account", ["nobody-here", "*", "al*", "alice)(uid=*", "\\61lice", "", " ", "alice ", "a\x00"])
def test_who_is_not_there_is_none_whatever_is_typed(settings: LdapSettings, account: str) -> None:
    assert LdapDirectory(settings).find(account) is None


@pytest.mark.parametrize("account", ["ALICE", "Alice"])
def test_an_account_is_its_exact_name_though_ldap_folds_case(settings: LdapSettings, account: str) -> None:
    assert LdapDirectory(settings).find(account) is None


def test_a_name_full_of_filter_signs_is_found(settings: LdapSettings) -> None:
    assert (person := LdapDirectory(settings).find("b(o)b*\\x")) is not None
    assert person.account == "b(o)b*\\x"


def test_who_does_not_match_the_filter_of_people_is_none(settings: LdapSettings) -> None:
    narrowed = dataclasses.replace(settings, people_filter="(watchwordToken=*)")

    assert LdapDirectory(narrowed).find("bob") is None
    assert LdapDirectory(narrowed).find("alice") is not None


@pytest.mark.parametrize("start_tls", [True, False])
def test_tls_with_a_verified_certificate(settings: LdapSettings, server: Slapd, start_tls: bool) -> None:
    url = server.url if start_tls else server.tls_url
    secured = dataclasses.replace(settings, servers=(url,), start_tls=start_tls, ca_file=str(server.certificates.ca))

    assert LdapDirectory(secured).find("alice") is not None


@pytest.mark.parametrize("start_tls", [True, False])
def test_a_certificate_that_another_ca_signed_is_refused(
    settings: LdapSettings, server: Slapd, tmp_path: Path, start_tls: bool
) -> None:
    url = server.url if start_tls else server.tls_url
    other_ca = make_certificates(tmp_path).ca
    wrong = dataclasses.replace(settings, servers=(url,), start_tls=start_tls, ca_file=str(other_ca))

    unavailable(wrong)


def test_a_certificate_for_another_name_is_refused(settings: LdapSettings, server: Slapd) -> None:
    by_another_name = f"ldaps://127.0.0.2:{server.tls_port}"
    # slapd listens on 127.0.0.1 alone, so lead the other address there.
    with forwarding("127.0.0.2", server.tls_port):
        wrong = dataclasses.replace(settings, servers=(by_another_name,), ca_file=str(server.certificates.ca))
        unavailable(wrong)


@contextmanager
def forwarding(address: str, port: int) -> Iterator[None]:
    """Lead one connection to an address on to the same port of 127.0.0.1."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while piece := source.recv(4096):
                sink.sendall(piece)
        except OSError:
            return

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, socket.create_connection((LOOPBACK, port)) as onward:
            back = threading.Thread(target=pump, args=(onward, connection))
            back.start()
            pump(connection, onward)
            onward.shutdown(socket.SHUT_RDWR)
            back.join()

    with socket.create_server((address, port)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def test_the_wrong_password_is_unavailable(settings: LdapSettings) -> None:
    assert "InvalidCredentials" in unavailable(dataclasses.replace(settings, bind_password="wrong-password"))


def test_a_base_that_is_not_there_is_unavailable(settings: LdapSettings) -> None:
    assert "NoSuchObject" in unavailable(dataclasses.replace(settings, base_dn=f"ou=nowhere,{BASE_DN}"))


def test_two_entries_for_one_account_are_no_person(settings: LdapSettings, server: Slapd) -> None:
    server.add_person("twin")
    server.add_person("twin2", uid=["twin2", "twin"])

    with pytest.raises(DirectoryUnavailable, match="two entries"):
        LdapDirectory(settings).find("twin")


@pytest.mark.parametrize("scheme", ["ldap", "ldaps", "starttls"])
@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"0\x84\xff\xff\xff\xff"])
def test_a_server_that_hangs_or_talks_rubbish_is_unavailable(
    settings: LdapSettings, scheme: str, answer: bytes
) -> None:
    with answering(answer) as address:
        url = f"{'ldaps' if scheme == 'ldaps' else 'ldap'}://{address}"
        unavailable(dataclasses.replace(settings, servers=(url,), start_tls=scheme == "starttls"))


GOOD_BIND = bytes.fromhex("300c02010161070a010004000400")
FOUND = bytes.fromhex(
    "302d020102642804077569643d626f62301d300c040375696431050403626f62300d04046d61696c31050403626f62"
    "300c02010265070a010004000400"
)  # fmt: skip


@hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(damage=st.dictionaries(st.integers(2, len(GOOD_BIND + FOUND) - 1), st.integers(0, 255), max_size=4))
@example(damage={})
def test_a_damaged_answer_is_a_person_or_none_or_unavailable(settings: LdapSettings, damage: dict[int, int]) -> None:
    answer = bytearray(GOOD_BIND + FOUND)
    for place, octet in damage.items():
        answer[place] = octet
    with answering(bytes(answer), hangs_up=True) as address:
        directory = LdapDirectory(dataclasses.replace(settings, servers=(f"ldap://{address}",), group_base_dn=""))
        try:
            person = directory.find("bob")
        except DirectoryUnavailable:
            return
    assert person == Person("bob", mail="bob") or damage
    assert person is None or person.account == "bob"


def test_the_next_server_answers_for_one_that_is_down(settings: LdapSettings, server: Slapd) -> None:
    down = f"ldap://{LOOPBACK}:{free_tcp_port()}"

    assert LdapDirectory(with_servers(settings, down, server.url)).find("alice") is not None
    assert down in unavailable(with_servers(settings, down))


def test_a_hung_server_is_waited_for_once(settings: LdapSettings, server: Slapd) -> None:
    with answering(b"") as hung:
        directory = LdapDirectory(with_servers(settings, f"ldap://{hung}", server.url))
        assert directory.find("alice") is not None
        assert directory.first_server == server.url
