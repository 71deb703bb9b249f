"""What the server does when something trips it: a signed request never ends in silence, which a node may take for an
outage and open.
"""

import asyncio
import hmac
import ipaddress
import os
import socket
import threading
from collections.abc import Callable, Sequence

import pytest
from pyrad.packet import AuthPacket

from watchword.domain.outcome import Granted, Outcome
from watchword.services.attempts import Attempt
from watchword_radius import server as server_module
from watchword_radius.batches import Batches
from watchword_radius.clients import Client, Clients
from watchword_radius.packets import ACCESS_ACCEPT, ACCESS_REJECT, MESSAGE_AUTHENTICATOR, STATUS_SERVER
from watchword_radius.server import RadiusServer

SECRET = b"a secret of the tests"
LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
CLIENT = Client("login nodes", LOOPBACK, SECRET)
EXCUSED = Client("old", LOOPBACK, SECRET, require_message_authenticator=False)
PATIENCE_SECONDS = 10


def request(*, sign: bool = True) -> AuthPacket:
    packet = AuthPacket(secret=SECRET, authenticator=os.urandom(16))
    if sign:
        packet.add_message_authenticator()
    packet[1], packet[2] = [b"alice"], [packet.PwCrypt("123456")]
    packet[33] = [b"a proxy's"]
    return packet


def status_query() -> bytes:
    header = bytes([STATUS_SERVER, 1]) + (38).to_bytes(2, "big") + os.urandom(16)
    blank = bytes([MESSAGE_AUTHENTICATOR, 18])
    return header + blank + hmac.digest(SECRET, header + blank + bytes(16), "md5")


class Served:
    """A server on loopback, in this thread's event loop, and a client of its own."""

    def __init__(self, answer: Callable[[Sequence[Attempt]], list[Outcome]], client: Client = CLIENT) -> None:
        self.pings = 0
        self.ping_may_end = threading.Event()
        self._batches = Batches(answer, refused="Refused.", monotonic=lambda: 0.0)
        clock = asyncio.get_running_loop().time
        self._server = RadiusServer(
            self._batches, Clients([client]), monotonic=clock, ping=self._ping, message_waits=lambda: None
        )
        self._bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._bound.setblocking(False)
        self._bound.bind(("127.0.0.1", 0))
        self._client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._client.setblocking(False)
        self._client.connect(self._bound.getsockname())
        self._server.listen([self._bound])

    def _ping(self) -> None:
        self.pings += 1
        assert self.ping_may_end.wait(PATIENCE_SECONDS)

    def send(self, datagram: bytes) -> None:
        self._client.send(datagram)

    async def receive(self) -> bytes:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._client, 4096), PATIENCE_SECONDS)

    async def ask(self, datagram: bytes) -> bytes:
        self.send(datagram)
        return await self.receive()

    async def close(self) -> None:
        """End the server; what it has still to say is said."""
        await self._server.finish()
        self._batches.close()
        self._client.close()


def grant(attempts: Sequence[Attempt]) -> list[Outcome]:
    return [Granted(attempt.account) for attempt in attempts]


def trip(*_: object) -> bytes:
    raise RuntimeError("123456 was typed")


@pytest.mark.parametrize("tripped", ["read_request", "write_reply"])
def test_a_signed_request_that_trips_the_server_is_refused_and_signed(
    tripped: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        served = Served(grant)
        monkeypatch.setattr(server_module, tripped, trip)
        packet = request()
        datagram = packet.RequestPacket()
        raw = await served.ask(datagram)
        reply = packet.CreateReply(packet=raw)
        assert packet.VerifyReply(reply, raw, enforce_ma=True)
        assert reply.code == ACCESS_REJECT
        assert reply[33] == [b"a proxy's"]
        assert await served.ask(datagram) == raw, "the same packet again gets the same octets"
        monkeypatch.undo()
        assert (await served.ask(request().RequestPacket()))[0] == ACCESS_ACCEPT
        await served.close()

    asyncio.run(run())
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "RuntimeError" in record.getMessage()
    assert "123456" not in caplog.text


@pytest.mark.parametrize("tripped", ["read_request", "write_reply"])
def test_an_unsigned_request_that_trips_the_server_gets_no_answer(
    tripped: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        served = Served(grant, EXCUSED)
        monkeypatch.setattr(server_module, tripped, trip)
        served.send(request(sign=False).RequestPacket())
        signed = request()
        raw = await served.ask(signed.RequestPacket())
        assert signed.VerifyReply(signed.CreateReply(packet=raw), raw), "the first to be answered is the signed one"
        await served.close()

    asyncio.run(run())


def test_a_refusal_that_cannot_be_written_either_ends_in_silence_and_the_server_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        served = Served(grant)
        monkeypatch.setattr(server_module, "read_request", trip)
        monkeypatch.setattr(server_module, "write_refusal", trip)
        served.send(request().RequestPacket())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        monkeypatch.undo()
        assert (await served.ask(request().RequestPacket()))[0] == ACCESS_ACCEPT
        await served.close()

    asyncio.run(run())


def test_whoever_asks_for_a_sign_of_life_while_the_store_is_asked_shares_its_answer() -> None:
    async def run() -> None:
        served = Served(grant)
        for _ in range(50):
            served.send(status_query())
        served.ping_may_end.set()
        assert {(await served.receive())[0] for _ in range(50)} == {ACCESS_ACCEPT}
        assert served.pings == 1
        assert (await served.ask(status_query()))[0] == ACCESS_ACCEPT
        assert served.pings == 2, "an answer is not kept"
        await served.close()

    asyncio.run(run())
