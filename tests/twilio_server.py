"""A local server that speaks Twilio's Messages API, and answers as Twilio does, errors included.

The bodies are those of Twilio's documentation: the Messages resource, "Twilio API responses" and the error dictionary.
"""

import base64
import json
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs

from tests.certificates import Certificates

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "fedcba9876543210" * 2
MESSAGE_SID = "SM" + "00112233445566778899aabbccddeeff"

Answer = tuple[int, dict[str, object]]


def error(status: int, code: int, message: str) -> Answer:
    """Compose an error as Twilio does."""
    info = f"https://www.twilio.com/docs/errors/{code}"
    return status, {"code": code, "message": message, "more_info": info, "status": status}


def accepted(to: str, body: str) -> Answer:
    """Compose Twilio's answer to a message that it took."""
    path = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{MESSAGE_SID}"
    return 201, {
        "account_sid": ACCOUNT_SID,
        "api_version": "2010-04-01",
        "body": body,
        "date_created": "Thu, 24 Aug 2023 05:01:45 +0000",
        "date_sent": None,
        "date_updated": "Thu, 24 Aug 2023 05:01:45 +0000",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": "+15005550006",
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": MESSAGE_SID,
        "status": "queued",
        "subresource_uris": {"media": f"{path}/Media.json"},
        "to": to,
        "uri": f"{path}.json",
    }


@dataclass
class TwilioServer:
    """What the server was sent, and how it is to answer next.

    `behaviour` is "accept", or one of those below; errors quote the number, as Twilio's do.
    """

    port: int = 0
    behaviour: str = "accept"
    redirect_to: str = ""
    scheme: str = "http"
    forms: list[dict[str, str]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """The address to be given as api_url."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def answer(self, form: dict[str, str]) -> Answer:
        """Answer a message that was sent with good credentials."""
        to = form.get("To", "")
        match self.behaviour:
            case "invalid number":
                return error(400, 21211, f"The 'To' number {to} is not a valid phone number.")
            case "unsubscribed":
                return error(400, 21610, f"Attempt to send to unsubscribed recipient {to}")
            case "queue full":
                return error(429, 21611, "This From Number has exceeded the maximum allowed queued messages")
            case "too many requests":
                return error(429, 20429, "Too Many Requests")
            case "internal error":
                return error(500, 20500, "An internal server error has occurred")
            case "problem details":
                return 400, {
                    "type": "https://www.twilio.com/docs/api/errors/21211",
                    "title": f"bad {to}",
                    "status": 400,
                    "code": 21211,
                }
            case _:
                return accepted(to, form.get("Body", ""))


RAW_ANSWERS = {
    "rubbish": (201, "text/html", b"<html>Please sign in to the Wi-Fi</html>"),
    "rubbish list": (201, "application/json", b"[1, 2]"),
    "rubbish sid": (201, "application/json", b'{"sid": null}'),
    "rubbish types": (201, "application/json", b'{"sid": 7, "date_created": 7, "num_segments": {}}'),
    "proxy refuses": (403, "text/html", b"<html>Forbidden by proxy</html>"),
    "bad gateway": (502, "text/html", b"<html>Bad Gateway</html>"),
    "rubbish error": (400, "application/json", b'{"code": "x", "status": {}, "message": 7}'),
    "not text": (201, "application/json", b"\xff\xfe\x00"),
    "endless": (201, "application/json", b" " * (4 * 2**20)),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "TwilioServer"
    state: ClassVar[TwilioServer]

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        fields = parse_qs(self.rfile.read(length).decode(), keep_blank_values=True)
        form = {name: values[0] for name, values in fields.items()}
        self.state.forms.append(form)
        behaviour = self.state.behaviour
        if self.path != f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json":
            self._send_json(error(404, 20404, "The requested resource was not found"))
        elif not self._is_authenticated():
            self._send_json(error(401, 20003, "Authenticate"))
        elif behaviour == "silent":
            self.state.release.wait(30)
            self.close_connection = True
        elif behaviour == "cut":
            self._cut()
        elif behaviour == "cut in the body":
            self.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{")
            self._cut()
        elif behaviour == "redirect":
            self._send(307, "text/plain", b"", location=self.state.redirect_to)
        elif behaviour in RAW_ANSWERS:
            self._send(*RAW_ANSWERS[behaviour])
        else:
            self._send_json(self.state.answer(form))

    def _is_authenticated(self) -> bool:
        expected = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {expected}"

    def _cut(self) -> None:
        # An RST instead of a polite end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _send_json(self, answer: Answer) -> None:
        status, body = answer
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(self, status: int, content_type: str, body: bytes, *, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Keep quiet."""


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over clients that hung up: some tests make them."""


@contextmanager
def twilio_server(certificates: Certificates | None = None) -> Iterator[TwilioServer]:
    """Give a server on a free port of the loopback interface; with certificates it speaks TLS."""
    state = TwilioServer()
    handler = type("Handler", (_Handler,), {"state": state})
    with _QuietServer(("127.0.0.1", 0), handler) as server:
        state.port = server.server_address[1]
        if certificates:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates.certificate, certificates.key)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            state.scheme = "https"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield state
        finally:
            state.release.set()
            server.shutdown()
            thread.join()
