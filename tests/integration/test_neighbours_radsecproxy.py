"""RADIUS in TLS between a node and two servers: Debian's radsecproxy on both ends, with the files that we ship."""

import os
import shutil
import signal
import socket
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.certificate_authority import CertificateAuthority, Identity
from tests.harness.mariadb import Mariadb
from tests.harness.one_person_node import CODE as PROMPT
from tests.harness.one_person_node import running_one_person_node
from tests.harness.ports import LOOPBACK
from tests.harness.radclient import Radclient
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.radsecproxy import ACCOUNT, NodesEnd, ServersEnd, running_nodes_end, running_servers_end
from tests.harness.soft_token import pair_soft_token
from tests.harness.ssh_client import Answer
from tests.harness.tcp_relay import relayed

pytestmark = pytest.mark.slow

SIGNATURE, TEXT = "Message-Authenticator", "Reply-Message"
CODE = "123456"
OF_A_NODE, OF_A_SERVER = "DNS:login1.example.org,IP:127.0.0.1", "DNS:radius1.example.org,IP:127.0.0.1"


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """A directory that radsecproxy, which is not root, may enter."""
    with tempfile.TemporaryDirectory(prefix="radsecproxy-") as name:
        shutil.chown(name, group=ACCOUNT)
        Path(name).chmod(0o750)
        yield Path(name)


def authority(directory: Path, name: str) -> CertificateAuthority:
    place = directory / name
    place.mkdir(mode=0o750)
    shutil.chown(place, group=ACCOUNT)
    return CertificateAuthority(place, ACCOUNT)


@dataclass(frozen=True)
class Centre:
    """Two servers with the far end of the tunnel before each, and the node's end with connections to both."""

    directory: Path
    ours: CertificateAuthority
    radius: Sequence[RadiusServer]
    far: Sequence[ServersEnd]
    near: NodesEnd

    @property
    def radclient(self) -> Radclient:
        return self.near.client()

    def events(self, account: str) -> list[dict[str, str]]:
        """Return what the audit log has about an account."""
        return list(self.radius[0].watchword.ask("audit", "list", "--account", account))


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory, mariadb: Mariadb, directory: Path) -> Iterator[Centre]:
    settings = ServerSettings(tmp_path_factory.mktemp("servers"), mariadb.create_database())
    ours = authority(directory, "ours")
    with ExitStack() as undo:
        radius = [undo.enter_context(running_radius_server(settings, name)) for name in ("radius1", "radius2")]
        identity = ours.issue("radius1", OF_A_SERVER)
        far = [undo.enter_context(running_servers_end(directory, identity, each)) for each in radius]
        near = undo.enter_context(running_nodes_end(directory, ours.issue("login1", OF_A_NODE), [f.port for f in far]))
        radius[0].watchword.do("token", "add", "carol", "--kind", "static", "--code", CODE)
        near.server.wait_until(lambda: near.connections() == 2)
        yield Centre(directory, ours, radius, far, near)


# Each request, through both ends.


def test_a_pairing_query_passes(centre: Centre) -> None:
    heard = centre.radclient.pairing_query("carol")
    assert heard.code == "Access-Accept", heard.printed
    assert heard.names == [SIGNATURE, "Filter-Id"]
    assert heard.all("Filter-Id") == ["watchword:static"]


def test_begin_and_answer_pass_with_state_prompt_and_words(centre: Centre) -> None:
    begun = centre.radclient.begin("carol")
    assert begun.code == "Access-Challenge", begun.printed
    assert begun.names == [SIGNATURE, TEXT, "State", "Prompt"]
    again = centre.radclient.answer("carol", "000000", begun.state)
    assert again.all(TEXT) == ["That was not accepted.", "Token code: "]
    heard = centre.radclient.answer("carol", CODE, again.state)
    assert heard.code == "Access-Accept", heard.printed
    assert heard.names == [SIGNATURE]


def test_one_shot_is_accepted_or_refused_with_our_words(centre: Centre) -> None:
    assert centre.radclient.one_shot("carol", CODE).names == [SIGNATURE]
    refused = centre.radclient.one_shot("carol", "000000")
    assert refused.code == "Access-Reject", refused.printed
    assert refused.names == [SIGNATURE, TEXT]
    assert refused.all(TEXT) == ["Access refused. To see why, sign in at https://mfa.example.org"]


def test_an_unsigned_request_gets_no_answer(centre: Centre) -> None:
    hasty = Radclient(centre.near.port, centre.near.secret, seconds=1)
    assert hasty.ask(f"User-Name=carol,User-Password={CODE}").code == ""


# It is TLS, between those who have a certificate.


def test_what_crosses_the_network_is_tls_and_tells_nothing(centre: Centre, directory: Path) -> None:
    with (
        relayed(centre.far[0].port) as wire,
        running_nodes_end(directory, centre.ours.issue("login2", "DNS:login2.example.org"), [wire.port] * 2) as near,
    ):
        assert near.client().begin("carol").all(TEXT) == ["Token code: "]
        assert near.client().one_shot("carol", CODE).code == "Access-Accept"
        streams = wire.streams
    assert any(streams)
    for stream in filter(None, streams):
        assert set(tls_records(stream)) <= {20, 22, 23}, "change_cipher_spec, handshake, application_data"
        assert tls_records(stream)[0] == 22
        for word in (b"carol", b"Token code", b"login1"):
            assert word not in stream


def tls_records(stream: bytes) -> list[int]:
    """Return the content types of the records of a stream (RFC 8446, section 5.1); raises AssertionError for others."""
    types = []
    while stream:
        assert stream[1] == 3, "not a TLS record"
        types.append(stream[0])
        stream = stream[5 + int.from_bytes(stream[3:5], "big") :]
    return types


@pytest.fixture(scope="module")
def strangers(directory: Path) -> CertificateAuthority:
    """Another CA, of the same name."""
    return authority(directory, "strangers")


def test_a_node_with_a_certificate_of_another_ca_is_refused(
    centre: Centre, directory: Path, strangers: CertificateAuthority
) -> None:
    theirs = strangers.issue("login1", OF_A_NODE)
    impostor = Identity(centre.ours.certificate, theirs.certificate, theirs.key)
    with running_nodes_end(directory, impostor, [far.port for far in centre.far]) as near:
        assert Radclient(near.port, near.secret, seconds=2).one_shot("impostor", CODE).code == ""
    assert "unable to get local issuer certificate:depth=0:CN=login1" in centre.far[0].server.log_text()
    assert centre.events("impostor") == []


def test_a_certificate_of_our_ca_that_is_no_nodes_is_refused(centre: Centre, directory: Path) -> None:
    printer = centre.ours.issue("printer", "DNS:printer.example.org,IP:127.0.0.1")
    with running_nodes_end(directory, printer, [far.port for far in centre.far]) as near:
        assert Radclient(near.port, near.secret, seconds=2).one_shot("printer", CODE).code == ""
    assert "not matching for host nodes (CN=printer)" in centre.far[0].server.log_text()
    assert centre.events("printer") == []


def test_a_server_with_a_certificate_of_another_ca_is_told_nothing(
    centre: Centre, directory: Path, strangers: CertificateAuthority
) -> None:
    theirs = strangers.issue("radius1", OF_A_SERVER)
    impostor = Identity(centre.ours.certificate, theirs.certificate, theirs.key)
    with (
        running_servers_end(directory, impostor, centre.radius[0]) as false,
        running_nodes_end(directory, centre.ours.issue("login3", OF_A_NODE), [false.port] * 2) as near,
    ):
        assert Radclient(near.port, near.secret, seconds=2).one_shot("deceived", CODE).code == ""
        assert near.connections() == 0
    assert "unable to get local issuer certificate:depth=0:CN=radius1" in near.server.log_text()
    assert centre.events("deceived") == []


def test_who_is_let_in_is_in_the_audit_log(centre: Centre) -> None:
    """So that the emptiness that the three before this one found says something."""
    assert centre.radclient.one_shot("honest", CODE).code == "Access-Reject"
    assert len(centre.events("honest")) == 1


def test_a_caller_without_tls_gets_no_answer(centre: Centre) -> None:
    with socket.create_connection((LOOPBACK, centre.far[0].port), timeout=10) as caller:
        caller.sendall(b"\x01\x00\x00\x14" + bytes(16))
        heard = caller.recv(4096)
    assert heard[:1] in (b"", b"\x15"), "nothing, or a TLS alert"


def test_tls_before_1_3_is_refused(centre: Centre) -> None:
    identity = centre.ours.issue("login5", OF_A_NODE)
    context = ssl.create_default_context(cafile=identity.ca)
    context.load_cert_chain(identity.certificate, identity.key)
    with tls_to(centre.far[0], context) as caller:
        assert caller.version() == "TLSv1.3"
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"), tls_to(centre.far[0], context):
        pass


def tls_to(far: ServersEnd, context: ssl.SSLContext) -> ssl.SSLSocket:
    connection = socket.create_connection((LOOPBACK, far.port), timeout=10)
    try:
        return context.wrap_socket(connection, server_hostname=LOOPBACK)
    except ssl.SSLError:
        connection.close()
        raise


# People, and a server that dies.


def test_people_log_in_through_tls(centre: Centre, tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_one_person_node(tmp_path_factory.mktemp("node")) as node:
        node.node.write_settings(centre.near.pam_toml)
        token = pair_soft_token(centre.radius[0].watchword, node.person.name)
        session = node.log_in(Answer(PROMPT, "000000"), Answer(PROMPT, token.fresh_code()))
        assert node.is_in(session), session.transcript
        assert "That was not accepted." in session.transcript
        refused = node.log_in(*[Answer(PROMPT, "000000")] * 3)
        assert refused.status == 255, refused.transcript
        assert "sign in at" in refused.transcript


def test_a_silent_server_is_passed_over(centre: Centre) -> None:
    # Whichever is asked now: after the first round it is the second one.
    for server in centre.radius:
        with frozen(server):
            for _ in range(3):
                heard = centre.radclient.one_shot("carol", CODE)
                assert heard.code == "Access-Accept", heard.printed + centre.near.server.log_text()
    assert "no server response, watchword2 dead?" in centre.near.server.log_text()


@contextmanager
def frozen(server: RadiusServer) -> Iterator[None]:
    """Let a server hear and say nothing for a while, as if it hung."""
    os.kill(server.server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.server.pid, signal.SIGCONT)


def test_a_machine_whose_connection_broke_is_passed_over(centre: Centre, directory: Path) -> None:
    with (
        relayed(centre.far[0].port) as wire,
        running_nodes_end(directory, centre.ours.issue("login4", OF_A_NODE), [wire.port, centre.far[1].port]) as near,
    ):
        near.server.wait_until(lambda: near.connections() == 2)
        assert near.client().one_shot("carol", CODE).code == "Access-Accept"
        wire.close()
        for _ in range(3):
            assert near.client().one_shot("carol", CODE).code == "Access-Accept"
