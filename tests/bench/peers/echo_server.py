"""The ceiling of the language: pyrad's packets on bare asyncio, accepting whoever asks, and nothing else.

Run as `python -m tests.bench.peers.echo_server PORT SECRET`. What any RADIUS server has to do, it does: read the
packet, check its Message-Authenticator, write the reply's. One process, asyncio, as ours.
"""

import asyncio
import socket
import sys
from typing import cast

from pyrad.packet import AccessAccept, Packet

from tests.harness.ports import LOOPBACK

RECEIVE_BUFFER_OCTETS = 4 * 1024 * 1024
READY = "listening"


class Echo(asyncio.DatagramProtocol):
    """Accepts every request that is signed."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        request = Packet(packet=data, secret=self._secret)
        if not request.verify_message_authenticator():
            return
        reply = request.CreateReply(code=AccessAccept)
        reply.add_message_authenticator()
        self._transport.sendto(reply.ReplyPacket(), addr)


async def serve(port: int, secret: bytes) -> None:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_OCTETS)
    bound.setblocking(False)
    bound.bind((LOOPBACK, port))
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: Echo(secret), sock=bound)
    print(READY, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2].encode("utf-8")))
