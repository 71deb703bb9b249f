"""pyrad's own server, as its documentation shows it: a subclass of `pyrad.server.Server` that accepts whoever asks.

Run as `python -m tests.bench.peers.pyrad_server PORT SECRET`. It checks each request's Message-Authenticator and writes
the reply's, as the bare echo does. Without a dictionary, which it would look every attribute up in.
"""

import sys

from pyrad.packet import AuthPacket
from pyrad.server import RemoteHost, Server

from tests.bench.peers.echo_server import READY
from tests.harness.ports import LOOPBACK


class AcceptingServer(Server):  # type: ignore[misc]  # pyrad has no types
    """Accepts every request that is signed."""

    def HandleAuthPacket(self, pkt: AuthPacket) -> None:  # noqa: N802  (pyrad's name)
        """Say yes."""
        reply = self.CreateReplyPacket(pkt)  # an Access-Accept
        reply.add_message_authenticator()
        self.SendReplyPacket(pkt.fd, reply)


def serve(port: int, secret: bytes) -> None:
    """Answer until the process is ended."""
    hosts = {LOOPBACK: RemoteHost(LOOPBACK, secret, "the bench")}
    server = AcceptingServer(addresses=[LOOPBACK], authport=port, acct_enabled=False, hosts=hosts, enforce_ma=True)
    print(READY, flush=True)
    server.Run()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2].encode("utf-8"))
