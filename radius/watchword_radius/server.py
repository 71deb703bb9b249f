"""The sockets: datagrams in, replies out. What a login needs is never kept here."""

import asyncio
import functools
import hashlib
import logging
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

from watchword.clock import Clock
from watchword.domain.errors import WatchwordError
from watchword.domain.outcome import Challenge, Denied, Outcome
from watchword.services.attempts import Answer, Attempt
from watchword_radius.batches import MOST_WAITING, Batches
from watchword_radius.clients import Client, Clients
from watchword_radius.handler import (
    StatusQuery,
    read_packet,
    read_request,
    write_refusal,
    write_reply,
    write_status_reply,
)
from watchword_radius.packets import ACCESS_REQUEST, LARGEST_PACKET, Dropped, Packet
from watchword_radius.replies import Replies, RequestKey

SECONDS_BETWEEN_COMPLAINTS = 10.0
MOST_COMPLAINTS = 20
"""In that time, about different senders or for different reasons."""

MOST_READ_AT_ONCE = 128
LONGEST_FINISH_SECONDS = 30.0

REFUSAL_BEAT_SECONDS = 0.1
"""A refusal leaves on the next beat after its request came: what was looked up and written for it took far less, and
so how long it took tells nobody whether the account is unknown, unpaired, locked, or the code wrong."""

log = logging.getLogger(__name__)

Address = tuple[str, int] | tuple[str, int, int, int]


class _Open(NamedTuple):
    """A request that has no reply yet."""

    packet: Packet
    key: RequestKey
    sender: Address
    bound: socket.socket
    came_at: float


class RadiusServer:
    """Answers requests on any number of sockets, each in its turn, through one queue of batches."""

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
        self._sockets: list[socket.socket] = []
        self._complaints = Complaints(monotonic)
        self._unanswered = 0
        self._all_answered = asyncio.Event()
        self._all_answered.set()
        self._status_queries: set[asyncio.Task[None]] = set()
        self._ping_running: asyncio.Task[bool] | None = None

    def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Begin to answer on these sockets."""
        for bound in sockets:
            asyncio.get_running_loop().add_reader(bound, self._read, bound)
            self._sockets.append(bound)

    async def finish(self) -> None:
        """Take what has come, and nothing after that; answer all of it, and close the sockets."""
        for bound in self._sockets:
            asyncio.get_running_loop().remove_reader(bound)
            for _ in range(MOST_WAITING // MOST_READ_AT_ONCE):
                self._read(bound)
        try:
            await asyncio.wait_for(self._all_answered.wait(), LONGEST_FINISH_SECONDS)
        except TimeoutError:
            log.error("%d requests were left without an answer", self._unanswered)
        for bound in self._sockets:
            bound.close()

    def _read(self, bound: socket.socket) -> None:
        """Take what lies in a socket, but not so much of it that all else waits."""
        for _ in range(MOST_READ_AT_ONCE):
            try:
                datagram, sender = bound.recvfrom(LARGEST_PACKET)
            except BlockingIOError:
                return
            except OSError as error:
                log.error("a socket cannot be read: %s", error.strerror)
                return
            try:
                self._receive(datagram, sender, bound)
            except Exception as error:  # noqa: BLE001  (the edge: a traceback would quote what was sent)
                log.error("a packet could not be read: %s", type(error).__name__)

    def _receive(self, datagram: bytes, sender: Address, bound: socket.socket) -> None:
        """Look at a datagram: drop it, answer it again, or begin to settle it."""
        client = self.clients.find(sender[0])
        if client is None:
            self._complaints.about(sender[0], "no client has this address")
            return
        try:
            packet = read_packet(datagram, client)
        except Dropped as reason:
            self._complaints.about(f"{client.name} at {sender[0]}", str(reason))
            return
        now = self._monotonic()
        # Nothing proves what an excused client's authenticator belongs to: for it, the whole packet is the request.
        proven = client.require_message_authenticator
        mark = packet.authenticator if proven else hashlib.sha256(datagram).digest()
        key = RequestKey(sender[0], packet.code, packet.identifier, mark)
        match self._replies.find(key, now):
            case None:
                self._replies.begin(key, now)
                self._begin(_Open(packet, key, sender, bound, now), client)
            case bytes(reply):
                self._send(bound, reply, sender)
            case _in_work:
                pass

    def _begin(self, opened: "_Open", client: Client) -> None:
        if not self._unanswered:
            self._all_answered.clear()
        self._unanswered += 1
        try:
            request = read_request(opened.packet, client)
        except Dropped as reason:
            self._complaints.about(f"{client.name} at {opened.sender[0]}", str(reason))
            self._close(opened, None)
            return
        except Exception as error:  # noqa: BLE001  (the edge: a traceback would quote what was sent)
            log.error("a request could not be read: %s", type(error).__name__)
            self._close(opened, _refusal(opened.packet))
            return
        match request:
            case StatusQuery():
                task = asyncio.get_running_loop().create_task(self._answer_status(opened))
                self._status_queries.add(task)
                task.add_done_callback(self._status_queries.discard)
            case Attempt() as attempt:
                self._batches.settle(attempt, functools.partial(self._settled, opened, attempt))

    async def _answer_status(self, opened: "_Open") -> None:
        self._close(opened, write_status_reply(opened.packet) if await self._store_answers() else None)

    def _settled(self, opened: "_Open", attempt: Attempt, outcome: Outcome | None) -> None:
        """Reply to what has been settled: at once, or, to a refusal, on the beat."""
        if _refuses(outcome, attempt):
            wait = _seconds_to_beat(self._monotonic() - opened.came_at)
            asyncio.get_running_loop().call_later(wait, self._reply, opened, outcome)
        else:
            self._reply(opened, outcome)

    def _reply(self, opened: "_Open", outcome: Outcome | None) -> None:
        try:
            reply = write_reply(opened.packet, outcome) if outcome is not None else None
        except Exception as error:  # noqa: BLE001  (the edge: a traceback would quote what was sent)
            log.error("a reply could not be written: %s", type(error).__name__)
            reply = _refusal(opened.packet)
        self._close(opened, reply)
        match outcome:
            case Challenge(message_waits=True):
                self._message_waits()

    def _close(self, opened: "_Open", reply: bytes | None) -> None:
        """Send a reply and remember it; None is silence: the client turns elsewhere, or asks again and is settled."""
        if reply is None:
            self._replies.forget(opened.key)
        else:
            self._replies.finish(opened.key, reply, self._monotonic())
            self._send(opened.bound, reply, opened.sender)
        self._unanswered -= 1
        if not self._unanswered:
            self._all_answered.set()

    def _send(self, bound: socket.socket, reply: bytes, receiver: Address) -> None:
        """Send a reply; one that cannot leave is lost, as on the way, and the client asks again."""
        try:
            bound.sendto(reply, receiver)
        except OSError as error:
            self._complaints.about(receiver[0], f"its reply could not leave ({error.strerror})")

    async def _store_answers(self) -> bool:
        """Ask the store for a sign of life; whoever wants to know while it is being asked shares the answer."""
        if self._ping_running is None or self._ping_running.done():
            self._ping_running = asyncio.get_running_loop().create_task(self._ask_store())
        return await self._ping_running

    async def _ask_store(self) -> bool:
        try:
            await self._batches.in_thread(self._ping)
        except WatchwordError as error:
            log.error("the store does not answer: %s", error)
            return False
        except Exception as error:  # noqa: BLE001  (the edge: whatever it was, we are not well)
            log.error("the store cannot be asked: %s", type(error).__name__)
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


def _refusal(packet: Packet) -> bytes | None:
    """Refuse what a client sent and we cannot digest: a node may take silence for an outage, and open.

    None, silence, if nothing proves that it was the client, or if not even this can be said.
    """
    try:
        return write_refusal(packet) if packet.is_proven and packet.code == ACCESS_REQUEST else None
    except Exception as error:  # noqa: BLE001  (the edge: a traceback would quote what was sent)
        log.error("a refusal could not be written: %s", type(error).__name__)
        return None


def _seconds_to_beat(elapsed_seconds: float) -> float:
    return REFUSAL_BEAT_SECONDS - elapsed_seconds % REFUSAL_BEAT_SECONDS


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
