"""Debian's FreeRADIUS in front of two of our servers, with the site that we ship."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count, pairwise

import pytest
from pyrad.packet import AuthPacket

from tests.harness.freeradius import UNWANTED, FreeRadius, running_freeradius
from tests.harness.mariadb import Mariadb
from tests.harness.one_person_node import CODE as PROMPT
from tests.harness.one_person_node import OnePersonNode, running_one_person_node
from tests.harness.ports import LOOPBACK
from tests.harness.radclient import Radclient
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.shipped import CHECKOUT
from tests.harness.soft_token import SoftToken, pair_soft_token
from tests.harness.ssh_client import Answer
from tests.radius_peer import MESSAGE_AUTHENTICATOR, SECRET, SILENCE, RadiusPeer, Request, accept, forged, unsigned
from tests.radius_peer import Answer as ScriptedAnswer

pytestmark = pytest.mark.slow

SIGNATURE, TEXT = "Message-Authenticator", "Reply-Message"
CODE = "123456"
ACCESS_REQUEST = 1
MOST_REQUESTS = 100


@dataclass(frozen=True)
class Centre:
    """FreeRADIUS, and the two servers behind it; one store."""

    front: FreeRadius
    servers: Sequence[RadiusServer]

    @property
    def radclient(self) -> Radclient:
        return self.front.client()

    def pair(self, account: str) -> SoftToken:
        return pair_soft_token(self.servers[0].watchword, account)

    def granted(self, account: str) -> int:
        """Count the logins granted to an account."""
        return sum(event["result"] == "granted" for event in self._events(account))

    def handed_over(self, account: str) -> bool:
        """Whether a login was begun at one server and granted by the other."""
        events = [event for event in self._events(account) if event["kind"] in {"challenge", "login"}]
        servers = [(event["kind"], event["writer"].partition("/")[0]) for event in events]
        return any(one[0] == "challenge" and two[0] == "login" and one[1] != two[1] for one, two in pairwise(servers))

    def _events(self, account: str) -> list[dict[str, str]]:
        """Return what the audit log has about an account, in its order."""
        return list(self.servers[0].watchword.ask("audit", "list", "--account", account, "--limit", "1000"))


@contextmanager
def frozen(server: RadiusServer) -> Iterator[None]:
    """Let a server hear and say nothing for a while, as if its machine were gone."""
    os.kill(server.server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.server.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory, mariadb: Mariadb) -> Iterator[Centre]:
    settings = ServerSettings(tmp_path_factory.mktemp("servers"), mariadb.create_database())
    with (
        running_radius_server(settings, "radius1") as one,
        running_radius_server(settings, "radius2") as two,
        running_freeradius((one.port, two.port), settings.secret) as front,
    ):
        one.watchword.do("token", "add", "carol", "--kind", "static", "--code", CODE)
        yield Centre(front, (one, two))


def test_the_how_to_removes_what_these_tests_remove() -> None:
    page = (CHECKOUT / "docs/how-to/freeradius.md").read_text(encoding="utf-8")
    assert f"# rm {' '.join(UNWANTED)}\n" in page


# Each request, through the proxy.


def test_a_pairing_query_passes(centre: Centre) -> None:
    heard = centre.radclient.pairing_query("carol")
    assert heard.code == "Access-Accept", heard.printed
    assert heard.names == [SIGNATURE, "Filter-Id"]
    assert heard.all("Filter-Id") == ["watchword:static"]


def test_begin_and_answer_pass_with_state_prompt_and_words(centre: Centre) -> None:
    token = centre.pair("fr-alice")
    begun = centre.radclient.begin("fr-alice")
    assert begun.code == "Access-Challenge", begun.printed
    assert begun.names == [SIGNATURE, TEXT, "State", "Prompt"]
    again = centre.radclient.answer("fr-alice", "000000", begun.state)
    assert again.all(TEXT) == ["That was not accepted.", "Token code: "]
    heard = centre.radclient.answer("fr-alice", token.fresh_code(), again.state)
    assert heard.code == "Access-Accept", heard.printed
    assert heard.names == [SIGNATURE]


def test_one_shot_is_accepted_or_refused_with_our_words(centre: Centre) -> None:
    assert centre.radclient.one_shot("carol", CODE).names == [SIGNATURE]
    refused = centre.radclient.one_shot("carol", "000000")
    assert refused.code == "Access-Reject", refused.printed
    assert refused.names == [SIGNATURE, TEXT]
    assert refused.all(TEXT) == ["Access refused. To see why, sign in at https://mfa.example.org"]


def test_status_server_is_answered_by_freeradius_itself(centre: Centre) -> None:
    heard = centre.radclient.status()
    assert heard.code == "Access-Accept", heard.printed
    assert heard.names == [SIGNATURE]


def test_what_one_server_begins_the_other_finishes(centre: Centre) -> None:
    """FreeRADIUS draws one by chance for each request."""
    for turn in count():
        assert turn < MOST_REQUESTS, "one server got every request"
        begun = centre.radclient.begin("carol")
        assert centre.radclient.answer("carol", CODE, begun.state).code == "Access-Accept"
        if turn % 5 == 4 and centre.handed_over("carol"):
            break


def test_more_requests_than_a_port_has_identifiers_are_all_answered(centre: Centre) -> None:
    request = f"Message-Authenticator=0x00,User-Name=carol,User-Password={CODE}"
    options = ["-q", "-s", "-p", "64", "-r", "3", "-t", "8"]
    argv = ["radclient", *options, f"{LOOPBACK}:{centre.front.port}", "auth", centre.front.secret]
    done = subprocess.run(argv, input="\n\n".join([request] * 600), capture_output=True, text=True, check=False)
    assert re.search(r"Accepted\s*:\s*600$", done.stdout, re.MULTILINE), done.stdout + done.stderr


def test_the_same_packet_again_and_again_is_one_login(centre: Centre) -> None:
    token = centre.pair("fr-dup")
    packet = AuthPacket(secret=centre.front.secret.encode(), authenticator=os.urandom(16))
    packet.add_message_authenticator()
    packet[1], packet[2] = [b"fr-dup"], [packet.PwCrypt(token.fresh_code())]
    raw = packet.RequestPacket()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as node:
        node.settimeout(5)
        node.connect((LOOPBACK, centre.front.port))
        for _ in range(3):
            node.send(raw)  # at once: the first is still in work
        first = node.recv(4096)
        node.send(raw)
        assert node.recv(4096) == first
    reply = packet.CreateReply(packet=first)
    assert packet.VerifyReply(reply, first, enforce_ma=True)
    assert reply.code == 2
    assert centre.granted("fr-dup") == 1


# Who may ask.


@pytest.mark.parametrize("attributes", [f"User-Name=carol,User-Password={CODE}", "User-Name=carol"])
def test_an_unsigned_request_gets_no_answer(centre: Centre, attributes: str) -> None:
    hasty = Radclient(centre.front.port, centre.front.secret, seconds=1)
    assert hasty.ask(attributes).code == ""


@pytest.mark.parametrize("attributes", ["CHAP-Password=123456", "MS-CHAP-Password=123456", "EAP-Message=0x02010005"])
def test_what_carries_no_code_costs_no_server_its_good_name(centre: Centre, attributes: str) -> None:
    """A request that we are silent to would count as a server that is silent."""
    lost = centre.front.server.log_text().count("Failing proxied request")
    patient = Radclient(centre.front.port, centre.front.secret, seconds=3)
    assert patient.ask(f"Message-Authenticator=0x00,User-Name=carol,{attributes}").code == ""
    assert centre.front.server.log_text().count("Failing proxied request") == lost


def test_a_request_signed_elsewhere_in_the_packet_is_signed_anew_for_us(centre: Centre) -> None:
    heard = centre.radclient.ask(f"User-Name=carol,User-Password={CODE},Message-Authenticator=0x00")
    assert heard.code == "Access-Accept", heard.printed


def test_an_excused_client_may_log_in_but_not_ask_for_pairings(centre: Centre) -> None:
    ports = [server.port for server in centre.servers]
    with running_freeradius(ports, centre.servers[0].secret, excused=True) as front:
        assert front.client().ask(f"User-Name=carol,User-Password={CODE}").code == "Access-Accept"
        hasty = Radclient(front.port, front.secret, seconds=1)
        assert hasty.ask("User-Name=carol,Service-Type=Authorize-Only").code == ""
        assert front.client().pairing_query("carol").code == "Access-Accept"


# Whom FreeRADIUS believes. 3.2.1 has no setting for this; the site sees to it.


def test_freeradius_passes_on_no_reply_that_is_not_signed() -> None:
    answers = {
        "honest": accept(),
        "unsigned": unsigned(accept()),  # what Blast-RADIUS makes: the Response Authenticator is right
        "wrongly-signed": replace(accept(), signature="wrong"),
        "forged": forged(accept()),
    }

    def script(request: Request) -> ScriptedAnswer | tuple[ScriptedAnswer, ...]:
        return answers[request.account] if request.code == ACCESS_REQUEST else SILENCE

    with (
        RadiusPeer(script) as one,
        RadiusPeer(script) as two,
        running_freeradius((one.port, two.port), SECRET.decode()) as front,
    ):
        hasty = Radclient(front.port, front.secret, seconds=1)
        heard = {account: hasty.one_shot(account, CODE).code for account in answers}
    assert heard == {"honest": "Access-Accept", "unsigned": "", "wrongly-signed": "", "forged": ""}
    requests = [request for request in [*one.requests, *two.requests] if request.code == ACCESS_REQUEST]
    assert {request.account for request in requests} == set(answers)
    assert all(request.signed and request.order[0] == MESSAGE_AUTHENTICATOR for request in requests)


# A server dies.


def test_while_one_server_is_silent_every_login_goes_on(centre: Centre) -> None:
    """Who was sent to it waits, and is sent to the other; then FreeRADIUS passes it over until it answers again."""
    silent = centre.servers[1]
    log = centre.front.server
    with frozen(silent):
        for turn in count():
            assert turn < MOST_REQUESTS, "nobody was sent to the silent server"
            heard = centre.radclient.one_shot("carol", CODE)
            assert heard.code == "Access-Accept", heard.printed + log.log_text()
            if f"port {silent.port} as zombie" in log.log_text():
                break
        lost = log.log_text().count(f"from home server {LOOPBACK} port {silent.port}")
        for _ in range(5):
            assert centre.radclient.one_shot("carol", CODE).code == "Access-Accept"
        assert log.log_text().count(f"from home server {LOOPBACK} port {silent.port}") == lost
    alive = f"port {silent.port} alive"
    before = log.log_text().count(alive)
    log.wait_until(lambda: log.log_text().count(alive) > before, seconds=60)


def test_while_no_server_answers_freeradius_is_silent_too(centre: Centre) -> None:
    with frozen(centre.servers[0]), frozen(centre.servers[1]):
        assert Radclient(centre.front.port, centre.front.secret, seconds=4).one_shot("carol", CODE).code == ""
    assert centre.radclient.one_shot("carol", CODE).code == "Access-Accept"


# People.


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, centre: Centre) -> Iterator[OnePersonNode]:
    with running_one_person_node(tmp_path_factory.mktemp("node")) as node:
        node.node.write_settings(centre.front.pam_toml)
        yield node


def test_people_log_in_through_freeradius(centre: Centre, node: OnePersonNode) -> None:
    token = centre.pair(node.person.name)
    session = node.log_in(Answer(PROMPT, "000000"), Answer(PROMPT, token.fresh_code()))
    assert node.is_in(session), session.transcript
    assert "That was not accepted." in session.transcript
    assert node.sshd.syslog.matching("no answer") == []
    refused = node.log_in(*[Answer(PROMPT, "000000")] * 3)
    assert refused.status == 255, refused.transcript
    assert "sign in at" in refused.transcript


def test_people_log_in_through_freeradius_while_a_server_is_silent(centre: Centre, node: OnePersonNode) -> None:
    token = centre.pair(node.person.name)
    with frozen(centre.servers[0]):
        session = node.log_in(Answer(PROMPT, token.fresh_code()))
    assert node.is_in(session), session.transcript + "\n".join(node.sshd.syslog.lines)
