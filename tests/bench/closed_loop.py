"""One-shot logins, always so many in flight, mostly 64: each from a port of its own, as people's logins are.

Not radclient: it asks for replies without a pause while it waits (20 pselect6 a reply, by strace), and so keeps one of
the machine's two cores from the server that it measures. Here all packets are made beforehand, and a login costs the
generator a tenth of what it costs the server.
"""

import gc
import hashlib
import select
import socket
import time
from collections.abc import Iterable

from tests.bench.people import Crowd
from tests.bench.requests import ACCEPT, HEADER_OCTETS, LoadError, Target
from tests.harness.ports import LOOPBACK

IN_FLIGHT = 64
FIRST_LOGINS = 2000
IDENTIFIERS = 256
LONGEST_SILENCE_SECONDS = 10.0


class ClosedLoop:
    """A RADIUS server under load, asked for one account's login after the other."""

    def __init__(self, target: Target, crowd: Crowd) -> None:
        self._target = target
        self._secret = target.secret.encode("ascii")
        self._crowd = crowd
        self._rate = 0.0

    def __call__(self, seconds: float) -> float:
        """Run logins for about so many seconds; return how many were granted a second."""
        self._rate = self.run(int(self._rate * seconds) or FIRST_LOGINS)
        return self._rate

    def run(self, count: int) -> float:
        """Run so many logins; return how many were granted a second. Raises LoadError if one was not."""
        return self.run_logins(self._crowd.codes(count))

    def run_logins(self, logins: Iterable[tuple[int, str]], *, in_flight: int = IN_FLIGHT) -> float:
        """The same with the caller's own."""
        packets = [
            self._target.signed(place % IDENTIFIERS, self._target.request(number, code.encode("ascii")))
            for place, (number, code) in enumerate(logins)
        ]
        sockets = {}
        with select.epoll() as poller:
            for _ in packets[:in_flight]:
                one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                one.connect((LOOPBACK, self._target.port))
                sockets[one.fileno()] = one
                poller.register(one, select.EPOLLIN)
            gc.disable()  # the garbage of this process is not the server's slowness
            try:
                return len(packets) / self._seconds(packets, sockets, poller)
            finally:
                gc.enable()
                for one in sockets.values():
                    one.close()

    def _seconds(self, packets: list[bytes], sockets: dict[int, socket.socket], poller: select.epoll) -> float:
        start = time.perf_counter()
        sent: dict[int, bytes] = {}
        packet: bytes | None
        for descriptor, packet in zip(sockets, packets, strict=False):
            sent[descriptor] = packet
            sockets[descriptor].send(packet)
        following = iter(packets[len(sockets) :])
        answered = 0
        while answered < len(packets):
            ready = poller.poll(LONGEST_SILENCE_SECONDS)
            if not ready:
                raise LoadError(f"no answer for {LONGEST_SILENCE_SECONDS} s after {answered} of {len(packets)} logins")
            for descriptor, _ in ready:
                self._check(sockets[descriptor].recv(4096), sent[descriptor])
                answered += 1
                packet = next(following, None)
                if packet is not None:
                    sent[descriptor] = packet
                    sockets[descriptor].send(packet)
        return time.perf_counter() - start

    def _check(self, reply: bytes, request: bytes) -> None:
        """See that this is an Access-Accept of who has the secret (RFC 2865, section 3), for this request."""
        signed = reply[:4] + request[4:HEADER_OCTETS] + reply[HEADER_OCTETS:] + self._secret
        if reply[0] != ACCEPT or reply[1] != request[1] or hashlib.md5(signed).digest() != reply[4:HEADER_OCTETS]:
            raise LoadError(f"a login was answered with code {reply[0]}, identifier {reply[1]} for {request[1]}")
