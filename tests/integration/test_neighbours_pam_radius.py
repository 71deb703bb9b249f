"""Debian's pam_radius_auth in place of our own token.py, with the lines of its how-to page."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.one_person_node import CODE, OnePersonNode, running_one_person_node
from tests.harness.ports import LOOPBACK
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.shipped import CHECKOUT, block_of_code
from tests.harness.soft_token import SoftToken, pair_soft_token
from tests.harness.ssh_client import Answer, Session

pytestmark = pytest.mark.slow

PAGE = CHECKOUT / "docs/how-to/pam-radius.md"
EXCUSED = "127.0.0.2"
AGAIN = "That was not accepted."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RadiusServer]:
    """A server that excuses one address, as the page has it, and no other."""
    directory = tmp_path_factory.mktemp("server")
    settings = ServerSettings(directory, f"sqlite:///{directory / 'watchword.db'}")
    client = block_of_code(PAGE, "[[radius.client]]").replace("192.0.2.33/32", f"{EXCUSED}/32")
    secret = f'secret = "{settings.secret}"'
    client = client.replace('secret_file = "/etc/watchword/login1.secret"', secret)
    assert EXCUSED in client
    assert secret in client
    with running_radius_server(ServerSettings(directory, settings.database_url, settings.secret, client)) as server:
        yield server


@dataclass(frozen=True)
class Node:
    """A node that has pam_radius_auth for the second factor."""

    directory: Path
    there: OnePersonNode
    server: RadiusServer

    def log_in(self, *answers: Answer, before: int | None = None, source: str = EXCUSED) -> Session:
        """Log in; `before` is the port of a server that is asked before ours, `source` the address asked from."""
        configuration = self.directory / "pam_radius_auth.conf"
        ports = [port for port in (before, self.server.port) if port is not None]
        lines = [f"{LOOPBACK}:{port} {self.server.secret} 3 {source}\n" for port in ports]
        configuration.write_text("".join(lines), encoding="utf-8")
        configuration.chmod(0o600)
        line = block_of_code(PAGE, "pam_radius_auth.so").strip()
        ours = line.replace("conf=/etc/pam_radius_auth.conf", f"conf={configuration}")
        assert ours != line
        stack = self.there.node.recommended()
        assert "/token.py" in stack[-1]
        self.there.sshd.service.write(self.there.node.stack([*stack[:-1], ours]))
        return self.there.log_in(*answers)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, server: RadiusServer) -> Iterator[Node]:
    directory = tmp_path_factory.mktemp("node")
    with running_one_person_node(directory) as there:
        yield Node(directory, there, server)


@pytest.fixture(scope="module")
def token(node: Node, server: RadiusServer) -> SoftToken:
    return pair_soft_token(server.watchword, node.there.person.name)


def test_a_code_at_the_prompt_of_the_server_logs_in(node: Node, token: SoftToken) -> None:
    session = node.log_in(Answer(CODE, token.fresh_code()))
    assert node.there.is_in(session), session.transcript


def test_a_second_try_can_succeed(node: Node, token: SoftToken) -> None:
    session = node.log_in(Answer(CODE, "000000"), Answer(AGAIN, token.fresh_code()))
    assert node.there.is_in(session), session.transcript


def test_wrong_codes_are_refused(node: Node, token: SoftToken) -> None:
    session = node.log_in(Answer(CODE, "000000"), Answer(AGAIN, "000000"), Answer(AGAIN, "000000"))
    assert session.answered == 4
    assert session.status == 255, session.transcript


def test_a_wrong_password_is_refused_before_anybody_is_asked(node: Node, token: SoftToken) -> None:
    there = node.there
    session = there.sshd.ssh_login(there.person, [Answer("assword: ", "not it"), Answer(CODE, token.fresh_code())])
    assert session.status == 255, session.transcript
    assert "Token code" not in session.transcript


def test_the_password_is_never_sent_as_a_code(node: Node, token: SoftToken, server: RadiusServer) -> None:
    account = node.there.person.name
    before = len(server.watchword.ask("audit", "list", "--account", account, "--limit", "1000"))
    assert node.there.is_in(node.log_in(Answer(CODE, token.fresh_code())))
    events = server.watchword.ask("audit", "list", "--account", account, "--limit", "1000")[before:]
    assert [event["kind"] for event in events] == ["challenge", "login"]


def test_a_silent_server_is_passed_over(node: Node, token: SoftToken) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as black_hole:
        black_hole.bind((LOOPBACK, 0))
        port = black_hole.getsockname()[1]
        session = node.log_in(Answer(CODE, token.fresh_code()), before=port)
        assert node.there.is_in(session), session.transcript
        assert black_hole.recv(4096), "it was asked first"
    assert node.there.sshd.syslog.matching(f"{port} failed to respond")


def test_a_client_that_is_not_excused_gets_no_answer(node: Node, token: SoftToken, server: RadiusServer) -> None:
    session = node.log_in(Answer(CODE, token.fresh_code()), source=LOOPBACK)
    assert session.status == 255, session.transcript
    assert "Token code" not in session.transcript
    assert re.search("dropped a packet from loopback .*Message-Authenticator", server.server.log_text())
