"""The RADIUS server as a process: asked by radclient and by pyrad's own client code."""

import hashlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyrad.packet import AuthPacket, Packet

from tests.harness.mariadb import Mariadb
from tests.harness.ports import LOOPBACK, free_udp_port
from tests.harness.processes import running
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.soft_token import pair_soft_token
from tests.harness.watchword_command import COMMAND
from tests.twilio_server import ACCOUNT_SID, AUTH_TOKEN, twilio_server

pytestmark = pytest.mark.slow

ACCEPT, REJECT, CHALLENGE = 2, 3, 11


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, mariadb: Mariadb) -> ServerSettings:
    directory = tmp_path_factory.mktemp("radius")
    more = f'[sms]\ncarrier = "recorder"\nrecorder_file = "{directory / "texts"}"\n'
    return ServerSettings(directory, mariadb.create_database(), more=more)


@pytest.fixture(scope="module")
def server(settings: ServerSettings) -> Iterator[RadiusServer]:
    with running_radius_server(settings, "one", workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def other(settings: ServerSettings) -> Iterator[RadiusServer]:
    with running_radius_server(settings, "two") as running:
        yield running


def radclient(server: RadiusServer, attributes: str, command: str = "auth", secret: str | None = None) -> str:
    argv = ["radclient", "-x", "-r", "1", "-t", "2", f"{LOOPBACK}:{server.port}", command, secret or server.secret]
    done = subprocess.run(argv, input=attributes, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def request(server: RadiusServer, account: str, password: str, state: list[bytes] | None = None) -> AuthPacket:
    packet = AuthPacket(secret=server.secret.encode(), authenticator=os.urandom(16))
    packet.add_message_authenticator()
    packet[1] = [account.encode()]
    mask = hashlib.md5(packet.secret + packet.authenticator).digest()
    packet[2] = [packet.PwCrypt(password) if password else mask]
    if state:
        packet[24] = state
    return packet


def ask(server: RadiusServer, packet: AuthPacket, seconds: float = 5) -> Packet:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(seconds)
        client.connect((LOOPBACK, server.port))
        client.send(packet.RequestPacket())
        raw = client.recv(4096)
    reply = packet.CreateReply(packet=raw)
    assert packet.VerifyReply(reply, raw, enforce_ma=True)
    return reply


def test_radclient_gets_what_the_protocol_says(server: RadiusServer) -> None:
    token = pair_soft_token(server.watchword, "rc-alice")
    signed = "Message-Authenticator=0x00,User-Name=rc-alice"
    assert "Status-Server" in radclient(server, "Message-Authenticator=0x00", "status")
    assert "Access-Accept" in radclient(server, "Message-Authenticator=0x00", "status")
    assert 'Filter-Id = "watchword:soft"' in radclient(server, f"{signed},Service-Type=Authorize-Only")
    unknown = "Message-Authenticator=0x00,User-Name=rc-nobody,Service-Type=Authorize-Only"
    assert 'Filter-Id = "watchword:unpaired"' in radclient(server, unknown)
    begun = radclient(server, signed)
    assert "Access-Challenge" in begun
    assert 'Reply-Message = "Token code: "' in begun
    assert "Prompt = Echo" in begun
    state = re.search(r"State = (0x[0-9a-f]+)", begun)
    assert state
    answered = radclient(server, f"{signed},User-Password={token.fresh_code()},State={state[1]}")
    assert "Received Access-Accept" in answered
    assert "Received Access-Accept" in radclient(server, f"{signed},User-Password={token.fresh_code()}")
    refused = radclient(server, f"{signed},User-Password=000000")
    assert "Received Access-Reject" in refused
    assert "Access refused. To see why, sign in at" in refused


def test_a_wrong_secret_or_a_missing_signature_gets_silence(server: RadiusServer) -> None:
    signed = "Message-Authenticator=0x00,User-Name=x,User-Password=000000"
    assert "No reply" in radclient(server, signed, secret="another secret of somebody")
    assert "No reply" in radclient(server, "User-Name=x,User-Password=000000")


def test_the_same_packet_again_gets_the_same_octets(server: RadiusServer) -> None:
    token = pair_soft_token(server.watchword, "dup-alice")
    raw = request(server, "dup-alice", token.fresh_code()).RequestPacket()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((LOOPBACK, server.port))
        for _ in range(3):
            client.send(raw)  # at once: the first is still in work
        first = client.recv(4096)
        assert first[0] == ACCEPT
        time.sleep(0.2)
        client.send(raw)
        assert client.recv(4096) == first


def test_a_packet_that_was_caught_and_is_sent_from_another_port_is_not_settled_again(other: RadiusServer) -> None:
    pair_soft_token(other.watchword, "caught-alice")
    raw = request(other, "caught-alice", "000000").RequestPacket()
    replies = set()
    for _ in range(5):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.connect((LOOPBACK, other.port))
            client.send(raw)
            replies.add(client.recv(4096))
    assert len(replies) == 1
    assert other.watchword.ask("account", "show", "caught-alice")["failures"] == 1


def test_what_one_server_begins_another_finishes(server: RadiusServer, other: RadiusServer) -> None:
    token = pair_soft_token(server.watchword, "two-alice")
    begun = ask(server, request(server, "two-alice", ""))
    assert begun.code == CHALLENGE
    assert ask(other, request(other, "two-alice", token.fresh_code(), begun[24])).code == ACCEPT


def test_the_same_code_at_two_servers_at_once_is_accepted_once(server: RadiusServer, other: RadiusServer) -> None:
    token = pair_soft_token(server.watchword, "race-alice")
    for _ in range(10):
        code = token.fresh_code()
        packets = [request(at, "race-alice", code) for at in (server, other)]
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second,
        ):
            clients = (first, second)
            for client, at, packet in zip(clients, (server, other), packets, strict=True):
                client.settimeout(5)
                client.connect((LOOPBACK, at.port))
                client.send(packet.RequestPacket())
            codes = sorted(client.recv(4096)[0] for client in clients)
        assert codes == [ACCEPT, REJECT]


def test_a_text_message_leaves_at_once_and_its_code_opens(server: RadiusServer, settings: ServerSettings) -> None:
    server.watchword.do("token", "add", "sms-bob", "--kind", "sms", "--phone", "+15125559876")
    begun = ask(server, request(server, "sms-bob", ""))
    assert b"XXX-XXX-9876" in b" ".join(begun[18])
    again = ask(server, request(server, "sms-bob", ""))
    assert b"still good" in b" ".join(again[18])
    texts = settings.directory / "texts"
    until = time.monotonic() + 5
    while time.monotonic() < until and not (texts.exists() and "9876" in texts.read_text()):
        time.sleep(0.02)
    mine = [message for message in map(json.loads, texts.read_text().splitlines()) if message["phone"].endswith("9876")]
    assert len(mine) == 1
    assert ask(server, request(server, "sms-bob", mine[0]["text"][:6], begun[24])).code == ACCEPT


def test_many_in_flight_are_all_answered(server: RadiusServer) -> None:
    server.watchword.do("token", "add", "flight", "--kind", "static", "--code", "123456")
    attributes = "\n\n".join(["Message-Authenticator=0x00,User-Name=flight,User-Password=123456"] * 500)
    argv = ["radclient", "-q", "-s", "-p", "64", "-r", "3", f"{LOOPBACK}:{server.port}", "auth", server.secret]
    done = subprocess.run(argv, input=attributes, capture_output=True, text=True, check=False)
    assert re.search(r"Accepted\s*:\s*500", done.stdout), done.stdout + done.stderr


def test_sighup_rereads_the_clients_and_a_mistake_leaves_them(settings: ServerSettings) -> None:
    with running_radius_server(settings, "hup") as server:
        config: Path = server.watchword.config
        good = config.read_text()
        server.watchword.do("token", "add", "hup-carol", "--kind", "static", "--code", "123456")
        signed = "Message-Authenticator=0x00,User-Name=hup-carol,User-Password=123456"
        config.write_text(good.replace("127.0.0.0/8", "127.0.0.999/8"))
        os.kill(server.server.pid, signal.SIGHUP)
        time.sleep(0.5)
        assert "Access-Accept" in radclient(server, signed)
        config.write_text(good.replace(server.secret, "a new secret of sixteen"))
        os.kill(server.server.pid, signal.SIGHUP)
        time.sleep(0.5)
        assert "No reply" in radclient(server, signed)
        assert "Access-Accept" in radclient(server, signed, secret="a new secret of sixteen")


def test_sigterm_answers_what_was_begun(settings: ServerSettings) -> None:
    with running_radius_server(settings, "term") as server:
        server.watchword.do("token", "add", "term-carol", "--kind", "static", "--code", "123456")
        packets = [request(server, "term-carol", "123456") for _ in range(100)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.connect((LOOPBACK, server.port))
            for packet in packets:
                client.send(packet.RequestPacket())
            assert client.recv(4096)[0] == ACCEPT, "the first is answered, the others are in work"
            os.kill(server.server.pid, signal.SIGTERM)
            client.settimeout(2)
            answered = 1
            try:
                while True:
                    answered += client.recv(4096)[0] == ACCEPT
            except OSError:
                pass
        events = server.watchword.ask("audit", "list", "--account", "term-carol", "--limit", "1000")
        granted = sum(event["result"] == "granted" for event in events)
        assert answered == granted, "no login was settled and left without its answer"


def test_a_worker_that_dies_is_begun_anew(settings: ServerSettings) -> None:
    with running_radius_server(settings, "phoenix", workers=2) as server:
        server.watchword.do("token", "add", "phoenix", "--kind", "static", "--code", "123456")
        children = Path(f"/proc/{server.server.pid}/task/{server.server.pid}/children").read_text().split()
        assert len(children) == 2
        os.kill(int(children[0]), signal.SIGKILL)
        until = time.monotonic() + 10
        answered = 0
        while time.monotonic() < until and answered < 20:
            answered += "Access-Accept" in radclient(
                server, "Message-Authenticator=0x00,User-Name=phoenix,User-Password=123456"
            )
        assert answered == 20


def test_the_log_of_the_server_holds_no_code_and_no_secret(server: RadiusServer, settings: ServerSettings) -> None:
    token = pair_soft_token(server.watchword, "log-alice")
    code = token.fresh_code()
    assert ask(server, request(server, "log-alice", code)).code == ACCEPT
    radclient(server, f"Message-Authenticator=0x00,User-Name=log-alice,User-Password={code}", secret="wrong secret xyz")
    log = (settings.directory / "one.log").read_text()
    assert "wrong Message-Authenticator" in log
    for secret in (code, server.secret, token.secret_hex):
        assert secret not in log
    assert server.watchword.ask("audit", "verify")["whole"] is True


def test_twilio_sends_the_code_that_opens(tmp_path: Path) -> None:
    with twilio_server() as twilio:
        more = (
            f'[sms]\ncarrier = "twilio"\naccount_sid = "{ACCOUNT_SID}"\nauth_token = "{AUTH_TOKEN}"\n'
            f'sender = "+15005550006"\napi_url = "{twilio.url}"\n'
        )
        settings = ServerSettings(tmp_path, f"sqlite:///{tmp_path / 'watchword.db'}", more=more)
        with running_radius_server(settings) as server:
            server.watchword.do("token", "add", "bob", "--kind", "sms", "--phone", "+15125551234")
            begun = ask(server, request(server, "bob", ""))
            until = time.monotonic() + 10
            while time.monotonic() < until and not twilio.forms:
                time.sleep(0.02)
            (form,) = twilio.forms
            assert form["To"] == "+15125551234"
            assert ask(server, request(server, "bob", form["Body"][:6], begun[24])).code == ACCEPT
            texts = [event for event in server.watchword.ask("audit", "list") if event["kind"] == "text"]
            assert [event["result"] for event in texts] == ["done"]
        assert form["Body"][:6] not in (tmp_path / "radius1.log").read_text()


def test_a_login_does_not_wait_for_a_carrier_that_is_slow(tmp_path: Path) -> None:
    with twilio_server() as twilio:
        twilio.behaviour = "silent"
        more = (
            f'[sms]\ncarrier = "twilio"\naccount_sid = "{ACCOUNT_SID}"\nauth_token = "{AUTH_TOKEN}"\n'
            f'sender = "+15005550006"\napi_url = "{twilio.url}"\ntimeout_seconds = 20\n'
        )
        settings = ServerSettings(tmp_path, f"sqlite:///{tmp_path / 'watchword.db'}", more=more)
        with running_radius_server(settings) as server:
            server.watchword.do("token", "add", "bob", "--kind", "sms", "--phone", "+15125551234")
            server.watchword.do("token", "add", "carol", "--kind", "static", "--code", "123456")
            assert ask(server, request(server, "bob", "")).code == CHALLENGE
            for _ in range(5):
                assert ask(server, request(server, "carol", "123456"), seconds=2).code == ACCEPT
            twilio.release.set()


def test_ipv6_is_answered_too(tmp_path: Path) -> None:
    settings = ServerSettings(tmp_path, f"sqlite:///{tmp_path / 'watchword.db'}")
    port = free_udp_port()
    watchword = settings.write("six", port)
    text = watchword.config.read_text().replace(f"{LOOPBACK}:{port}", f"[::1]:{port}").replace("127.0.0.0/8", "::1/128")
    watchword.config.write_text(text)
    watchword.do("init")
    watchword.do("token", "add", "carol", "--kind", "static", "--code", "123456")
    with running([COMMAND, "--config", watchword.config, "radius"], tmp_path / "six.log") as server:
        server.wait_until(lambda: "answering on" in server.log_text())
        packet = AuthPacket(secret=settings.secret.encode(), authenticator=os.urandom(16))
        packet.add_message_authenticator()
        packet[1], packet[2] = [b"carol"], [packet.PwCrypt("123456")]
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.connect(("::1", port))
            client.send(packet.RequestPacket())
            assert client.recv(4096)[0] == ACCEPT


def test_a_port_that_is_taken_and_a_bad_file_are_said_in_one_line(tmp_path: Path, server: RadiusServer) -> None:
    settings = ServerSettings(tmp_path, f"sqlite:///{tmp_path / 'watchword.db'}")
    watchword = settings.write("second", server.port)
    watchword.do("init")
    done = watchword.run("radius")
    assert done.returncode == 1
    assert "Address already in use" in done.stderr
    watchword.config.write_text("[radius]\nworkers = 0\n")
    done = watchword.run("radius")
    assert done.returncode == 1
    assert "radius.workers" in done.stderr
    assert "Traceback" not in done.stderr


def test_audit_follow_prints_events_as_they_happen(server: RadiusServer) -> None:
    server.watchword.do("token", "add", "follow-carol", "--kind", "static", "--code", "123456")
    # Who is started in the background of a script ignores Ctrl-C, and so do these tests and all that they start.
    ctrl_c_counts = ["env", "--default-signal=INT"]
    argv = [*ctrl_c_counts, str(COMMAND), "--config", str(server.watchword.config), "audit", "follow"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        until = time.monotonic() + 30
        line = ""
        while time.monotonic() < until and "follow-carol" not in line:
            ask(server, request(server, "follow-carol", "123456"))
            if select.select([follower.stdout], [], [], 0.2)[0]:
                line = follower.stdout.readline()
        follower.send_signal(signal.SIGINT)
        assert follower.wait(10) == 0
    assert "login granted follow-carol" in line
