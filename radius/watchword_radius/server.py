"""The sockets: datagrams in, replies out. What a login needs is never kept here."""

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine, Sequence
from typing import cast

from watchword.clock import Clock
from watchword.domain.errors import WatchwordError
from watchword.domain.outcome import Challenge, Denied, Outcome
from watchword.services.attempts import Answer, Attempt
from watchword.settings import split_address
from watchword_radius.batches import Batches
from watchword_radius.clients import Clients
from watchword_radius.handler import Dropped, Request, StatusQuery, read_request, write_reply, write_status_reply
from watchword_radius.replies import Replies, RequestKey

RECEIVE_BUFFER_OCTETS = 4 * 1024 * 1024
SECONDS_BETWEEN_COMPLAINTS = 10.0
MOST_COMPLAINTS = 20
"""In that time, about different senders or for different reasons."""

REFUSAL_BEAT_SECONDS = 0.1
"""A refusal leaves on the next beat after its request came: what was looked up and written for it took far less, and
so how long it took tells nobody whether the account is unknown, unpaired, locked, or the code wrong."""

log = logging.getLogger(__name__)

Address = tuple[str, int]


def open_sockets(listen: Sequence[str], *, shared: bool) -> list[socket.socket]:
    """Bind a UDP socket to each address; `shared` lets several workers bind the same one (SO_REUSEPORT)."""
    sockets = []
    for address in listen:
        host, port = split_address(address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_OCTETS)
        bound.setblocking(False)
        bound.bind((host, port))
        sockets.append(bound)
    return sockets


class RadiusServer:
    """Answers requests on any number of sockets, through one queue of batches."""

    def __init__(
        self,
        batches: Batches,
        clients: Clients,
        *,
        monotonic: Clock,
        ping: Callable[[], None],
        message_waits: Callable[[], None],
    ) -> None:
        self.clients = clients
        self._batches = batches
        self._monotonic = monotonic
        self._ping = ping
        self._message_waits = message_waits
        self._replies = Replies()
        self._tasks: set[asyncio.Task[None]] = set()
        self._transports: list[asyncio.DatagramTransport] = []
        self._complaints = Complaints(monotonic)
        self._finishing = False

    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Begin to answer on these sockets."""
        loop = asyncio.get_running_loop()
        for bound in sockets:
            transport, _ = await loop.create_datagram_endpoint(lambda: _Endpoint(self), sock=bound)
            self._transports.append(transport)

    async def finish(self) -> None:
        """Take no new request, answer those that have begun, and close the sockets."""
        self._finishing = True
        if self._tasks:
            await asyncio.wait(self._tasks)
        for transport in self._transports:
            transport.close()

    def receive(self, datagram: bytes, sender: Address, transport: asyncio.DatagramTransport) -> None:
        """Look at a datagram: drop it, answer it again, or begin to settle it."""
        if self._finishing:
            return
        client = self.clients.find(sender[0])
        if client is None:
            self._complaints.about(sender[0], "no client has this address")
            return
        try:
            request = read_request(datagram, client)
        except Dropped as reason:
            self._complaints.about(f"{client.name} at {sender[0]}", str(reason))
            return
        now = self._monotonic()
        key = RequestKey(sender, request.packet.code, request.packet.id, request.packet.authenticator)
        match self._replies.find(key, now):
            case None:
                self._replies.begin(key, now)
                self._start(self._settle(request, key, sender, transport))
            case bytes(reply):
                transport.sendto(reply, sender)
            case _in_work:
                pass

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(
        self, request: Request, key: RequestKey, sender: Address, transport: asyncio.DatagramTransport
    ) -> None:
        try:
            reply = await self._reply_to(request)
        except Exception as error:  # noqa: BLE001  (the edge: a traceback would quote what was sent)
            log.error("a request could not be answered: %s", type(error).__name__)
            reply = None
        if reply is None:
            # Silence: the client turns to the next server, or sends again and is settled then.
            self._replies.forget(key)
            return
        self._replies.finish(key, reply, self._monotonic())
        transport.sendto(reply, sender)

    async def _reply_to(self, request: Request) -> bytes | None:
        match request.ask:
            case StatusQuery():
                return write_status_reply(request) if await self._store_answers() else None
            case Attempt() as attempt:
                came_at = self._monotonic()
                outcome = await self._batches.settle(attempt)
                if _refuses(outcome, attempt):
                    await asyncio.sleep(_seconds_to_beat(self._monotonic() - came_at))
        match outcome:
            case None:
                return None
            case Challenge(message_waits=True):
                self._message_waits()
        return write_reply(request, outcome)

    async def _store_answers(self) -> bool:
        try:
            await self._batches.in_thread(self._ping)
        except WatchwordError as error:
            log.error("the store does not answer: %s", error)
            return False
        return True


def _refuses(outcome: Outcome | None, attempt: Attempt) -> bool:
    """Tell whether a code was refused, for good or with another try."""
    match outcome:
        case Denied():
            return True
        case Challenge():
            return isinstance(attempt.request, Answer)
        case _:
            return False


def _seconds_to_beat(elapsed_seconds: float) -> float:
    return REFUSAL_BEAT_SECONDS - elapsed_seconds % REFUSAL_BEAT_SECONDS


class _Endpoint(asyncio.DatagramProtocol):
    """Hands a socket's datagrams to the server."""

    def __init__(self, server: RadiusServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        if self._transport is None:
            return
        try:
            self._server.receive(data, cast("Address", addr), self._transport)
        except Exception as error:  # noqa: BLE001  (the edge: a traceback would quote what was sent)
            log.error("a packet could not be read: %s", type(error).__name__)


class Complaints:
    """Logs why packets are dropped, but never once for each packet, or each sender, of a flood."""

    def __init__(self, monotonic: Clock) -> None:
        self._monotonic = monotonic
        self._since = monotonic()
        self._said: set[tuple[str, str]] = set()
        self._unsaid = 0

    def about(self, whom: str, what: str) -> None:
        """Say what was wrong, unless the same was said of the same sender a moment ago."""
        now = self._monotonic()
        if now - self._since >= SECONDS_BETWEEN_COMPLAINTS:
            self._since = now
            self._said.clear()
        if (whom, what) in self._said or len(self._said) >= MOST_COMPLAINTS:
            self._unsaid += 1
            return
        self._said.add((whom, what))
        log.warning("dropped a packet from %s: %s (%d more since)", whom, what, self._unsaid)
        self._unsaid = 0
