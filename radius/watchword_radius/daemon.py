"""The daemon: workers, signals, systemd."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from watchword.clock import monotonic_seconds, pause
from watchword.domain.errors import SettingsError, WatchwordError
from watchword.settings import Settings, read_settings
from watchword.wiring import Services, assemble, login_policy
from watchword_radius.batches import Batches
from watchword_radius.clients import read_clients
from watchword_radius.lanes import open_lanes
from watchword_radius.server import RadiusServer

SECONDS_BETWEEN_STARTS = 1.0

POSTMAN_SECONDS = 2.0
"""How often a server looks for messages that another one left behind."""

OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""A few megabytes; Python's own 700 cost a twentieth of all that a login does."""

log = logging.getLogger(__name__)


def run(config: Path) -> int:
    """Run the RADIUS server in the foreground until SIGTERM; answers the exit status."""
    settings = read_settings(config)
    logging.basicConfig(
        level=settings.log.level.upper(), format="%(levelname)s %(name)s[%(process)d]: %(message)s", stream=sys.stderr
    )
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    logging.getLogger("twilio").setLevel(logging.WARNING)
    read_clients(settings.radius.client)  # a mistake is said before anything listens
    if not settings.radius.client:
        log.warning("no [[radius.client]] is configured: nobody will be answered")
    if settings.radius.workers == 1:
        (sockets,) = open_lanes(settings.radius.listen, workers=1)
        return asyncio.run(_work(config, settings, sockets, worker=0, ready=_tell_systemd_ready))
    return _supervise(config, settings)


async def _work(
    config: Path, settings: Settings, sockets: list[socket.socket], *, worker: int, ready: Callable[[], object]
) -> int:
    """Answer on the sockets until SIGTERM or SIGINT."""
    services = assemble(settings, role=f"radius-{worker}")
    batches = Batches(services.answer, refused=login_policy(settings).refused, monotonic=monotonic_seconds)
    postman = _Postman(services) if worker == 0 and services.postman is not None else None
    server = RadiusServer(
        batches,
        read_clients(settings.radius.client),
        monotonic=monotonic_seconds,
        ping=services.store.ping,
        message_waits=postman.wake if postman is not None else lambda: None,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _reread_clients, server, config)
    server.listen(sockets)
    if postman is not None:
        postman.start()
    _spare_the_collector()
    log.info("answering on %s", ", ".join(settings.radius.listen))
    ready()
    await stop.wait()
    _tell_systemd("STOPPING=1")
    await server.finish()
    if postman is not None:
        await loop.run_in_executor(None, postman.stop)
    batches.close()
    services.close()
    log.info("stopped")
    return 0


def _spare_the_collector() -> None:
    """Have Python look for garbage less often, and not among what was loaded: a login leaves next to none in cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 20, 20)


def _reread_clients(server: RadiusServer, config: Path) -> None:
    """Take the clients from the file as it is now; a file with a mistake leaves them as they were."""
    try:
        server.clients = read_clients(read_settings(config).radius.client)
    except SettingsError as error:
        log.error("the clients stay as they were: %s", error)
        return
    log.info("the clients were read again")


class _Postman:
    """Sends what lies in the outbox: at once when told, and every few seconds what others left behind."""

    def __init__(self, services: Services) -> None:
        assert services.postman is not None  # noqa: S101  (its only caller has looked)
        self._deliver = services.postman.deliver_due
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Send now."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the message in hand."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            try:
                while self._deliver():
                    pass
            except Exception as error:  # noqa: BLE001  (the edge: whatever it was, the next message is tried)
                reason = error if isinstance(error, WatchwordError) else type(error).__name__
                log.error("messages wait in the outbox: %s", reason)
            self._wake.wait(POSTMAN_SECONDS)
            self._wake.clear()


def _supervise(config: Path, settings: Settings) -> int:
    """Run the workers as children, begin anew those that die, and pass signals on to them."""
    # Bound here, once: a worker that dies leaves its socket, and what waits in it, to the one after it.
    sockets = open_lanes(settings.radius.listen, settings.radius.workers)
    reading, writing = os.pipe()
    children: dict[int, int] = {}
    stopping = False

    def begin(worker: int) -> None:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(reading)
                status = _child(config, settings, sockets, worker, lambda: os.write(writing, b"."))
            finally:
                os._exit(status)  # whatever happened, a child never goes on as its parent
        children[child] = worker

    def pass_on(number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = stopping or number != signal.SIGHUP
        for child in list(children):
            os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pass_on)
    for worker in range(settings.radius.workers):
        begin(worker)
    for _ in range(settings.radius.workers):
        os.read(reading, 1)
    _tell_systemd_ready()
    while children:
        child, status = os.wait()
        worker = children.pop(child)
        if not stopping:
            log.error("worker %d ended with status %d; beginning it anew", worker, os.waitstatus_to_exitcode(status))
            pause(SECONDS_BETWEEN_STARTS)
            if not stopping:  # told to while we paused
                begin(worker)
    return 0


def _child(
    config: Path, settings: Settings, sockets: list[list[socket.socket]], worker: int, ready: Callable[[], object]
) -> int:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    for other, theirs in enumerate(sockets):
        for bound in theirs if other != worker else ():
            bound.close()
    try:
        return asyncio.run(_work(config, settings, sockets[worker], worker=worker, ready=ready))
    except Exception as error:  # noqa: BLE001  (the edge of a process: said in the log, and begun anew)
        log.error(
            "worker %d cannot run: %s", worker, error if isinstance(error, WatchwordError) else type(error).__name__
        )
        ready()
        return 1


def _tell_systemd_ready() -> None:
    _tell_systemd("READY=1")


def _tell_systemd(state: str) -> None:
    """Tell the service manager (sd_notify(3)); without one, do nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        try:
            manager.sendto(state.encode("ascii"), address)
        except OSError as error:
            log.warning("systemd could not be told %s: %s", state, error.strerror)
