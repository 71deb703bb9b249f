"""A server of one live page that does what a test says when it says so: answers, waits with that, tells, hangs up."""

import queue
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment
from markupsafe import Markup

from tests.harness.browser import PATIENCE_MILLISECONDS
from tests.harness.ports import LOOPBACK
from watchword.portal.assets import Assets
from watchword.portal.pages import Pages
from watchword.settings import Settings

SCRIPT = Path(__file__).parents[2] / "src/watchword/portal/static/portal.js"
PATIENCE_SECONDS = PATIENCE_MILLISECONDS / 1000
LOOK_SECONDS = 0.02
SEE_OTHER = 303
HANG_UP = 0
"""In place of a status: the connection ends without an answer."""

_PAGE = """\
{% import "parts/layout.html" as layout %}<!doctype html><html lang="en"><title>Live</title>
<script src="/static/portal.js" defer></script><h1>Live</h1><p>Elsewhere</p>
{% if is_live %}{{ layout.live("/events") }}{% endif %}<div id="live">{{ content }}</div></html>
"""


class LiveStage:
    """What the page and its stream say now."""

    def __init__(self) -> None:
        self._template = _environment().from_string(_PAGE)
        self._streams: list[queue.Queue[str | None]] = []
        self.status = 200
        self.stream_status = 200
        self.asked = 0
        """How often the page was asked for by the page itself."""
        self.opened = 0
        self.left = 0
        """How many streams were opened, and how many the browser closed."""
        self.answers = threading.Event()
        self.answers.set()
        self.begin_with("as it came")

    def begin_with(self, content: str) -> None:
        """Let the page be this for whoever opens it."""
        self._first = self._template.render(content=Markup(content), is_live=True)
        self.draw(content)

    def draw(self, content: str, *, is_live: bool = True) -> None:
        """Let the page be this when it asks for itself."""
        self._fresh = self._template.render(content=Markup(content), is_live=is_live)

    def tell(self) -> None:
        """Tell whoever listens that there is something new."""
        self.wait_until(lambda: bool(self._streams))
        self._streams[-1].put("data: new\n\n")

    def end_stream(self) -> None:
        """End the stream in good order."""
        self.wait_until(lambda: bool(self._streams))
        self._streams.pop().put(None)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait for the browser; raises AssertionError when it does not come."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not ready():
            assert time.monotonic() < deadline, "the browser did not come"
            time.sleep(LOOK_SECONDS)

    def stream_to(self, handler: "_Handler") -> None:
        """Send what is told until the test ends the stream, or the browser closes it."""
        told: queue.Queue[str | None] = queue.Queue()
        handler.begin(200, "text/event-stream", "retry: 1\n\n")
        self.opened += 1
        self._streams.append(told)
        while True:
            try:
                line = told.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                if _has_left(handler.connection):
                    self.left += 1
                    return
                continue
            if line is None:
                return
            handler.wfile.write(line.encode())

    def answer_page(self, handler: "_Handler") -> None:
        """Answer the page; what it asks for by itself, as it is now, even if that has to wait."""
        if handler.headers["Sec-Fetch-Dest"] != "empty":
            handler.begin(200, "text/html", self._first)
            return
        status, html = self.status, self._fresh
        self.asked += 1
        self.answers.wait(PATIENCE_SECONDS)
        if status != HANG_UP:
            handler.begin(status, "text/html", html)


class _Handler(BaseHTTPRequestHandler):
    stage: LiveStage

    def do_GET(self) -> None:
        """Answer the page, what it asks for, or where one signs in."""
        path = urlsplit(self.path).path
        if path == "/":
            self.stage.answer_page(self)
        elif path == "/events" and self.stage.stream_status == 200:
            self.stage.stream_to(self)
        elif path == "/events":
            self.begin(self.stage.stream_status, "text/event-stream")
        elif path == "/static/portal.js":
            self.begin(200, "text/javascript", SCRIPT.read_text(encoding="utf-8"))
        else:
            self.begin(200, "text/html", "<!doctype html><title>Sign in</title>")

    def do_POST(self) -> None:
        """Take a form."""
        self.begin(200, "text/html", "<!doctype html><title>Done</title>")

    def begin(self, status: int, content_type: str, body: str = "") -> None:
        """Send an answer, or how one begins."""
        self.send_response(status)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        if status == SEE_OTHER:
            self.send_header("Location", "/sign-in")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Take it that a browser leaves in the middle."""


def _environment() -> Environment:
    return Pages(Settings(), Assets())._environment


def _has_left(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""


@contextmanager
def running_stage() -> Iterator[tuple[LiveStage, str]]:
    """Give a stage, and its address."""
    stage = LiveStage()
    handler = type("Handler", (_Handler,), {"stage": stage})
    server = _Server((LOOPBACK, 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": LOOK_SECONDS}, daemon=True)
    thread.start()
    try:
        yield stage, f"http://{LOOPBACK}:{server.server_port}"
    finally:
        stage.answers.set()
        server.shutdown()
        server.server_close()
        thread.join()
