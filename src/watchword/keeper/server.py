"""The keeper's side: a socket of this machine, and the portal's questions on it.

Rule 1. Who may ask is for the kernel to say: the socket's mode keeps others out, and SO_PEERCRED says who came in.
Rule 2. Nobody waits for ever: a question comes within seconds, and so many at once are looked at, no more. Who has not
        asked yet is none of these.
Rule 3. What goes wrong here is said to the other side by an error of ours, and otherwise by its kind alone, in the log.
        Neither has a code, a seed or a number in it.
"""

import contextlib
import logging
import os
import selectors
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from watchword.clock import Clock
from watchword.domain.errors import KeeperUnavailable, SettingsError, WatchwordError
from watchword.keeper.connection import Peer, peer_of
from watchword.keeper.lobby import Lobby
from watchword.keeper.wire import (
    NO,
    Request,
    WireError,
    read_octets,
    read_request,
    receive_from,
    write_error,
    write_result,
)
from watchword.services.ports_keeper import Keeper

MOST_AT_ONCE = 32
MOST_IN_LINE = 1024
"""Past these the kernel refuses whoever connects, at once: more than can come between two looks."""

QUESTION_SECONDS = 5.0
"""How long a question, or hearing its answer, may take on the socket itself."""

log = logging.getLogger(__name__)


def open_socket(path: Path, group: int | None) -> socket.socket:
    """Listen at a path that this process's user, and a group, may connect to; raises SettingsError."""
    _clear_away(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    umask = os.umask(0o177)  # nobody else's for a moment, either
    try:
        listening.bind(str(path))
        if group is not None:
            if path.stat().st_gid != group:
                os.chown(path, -1, group)
            path.chmod(0o660)
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"the keeper cannot listen at {path}: {error.strerror}",
            hint="its user must be able to write there, and belong to the portal's group",
        ) from None
    finally:
        os.umask(umask)
    listening.listen(MOST_IN_LINE)
    return listening


def _clear_away(path: Path) -> None:
    """Remove the socket of a keeper that is no more; raises SettingsError if it still is, or it is no socket."""
    if not path.exists():
        return
    if not path.is_socket():
        raise SettingsError(f"{path} is there already, and is no socket", hint="name another portal.keeper_socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError as error:
            raise SettingsError(f"{path} cannot be looked at: {error.strerror}") from None
    raise SettingsError(f"another keeper answers at {path}", hint="stop it first")


class KeeperServer:
    """Answers questions on a listening socket, some at a time."""

    def __init__(
        self,
        keeper: Keeper,
        *,
        allowed_uids: frozenset[int],
        before_each: Callable[[], None],
        monotonic: Clock,
    ) -> None:
        """Take what answers, whose processes may ask, and what is done before each answer."""
        self._keeper = keeper
        self._allowed_uids = allowed_uids
        self._before_each = before_each
        self._monotonic = monotonic
        self._free = threading.Semaphore(MOST_AT_ONCE)
        self._told_to_stop, self._stop = socket.socketpair()

    def serve(self, listening: socket.socket) -> None:
        """Answer until `stop`; then finish what has begun, and close the socket."""
        with (
            ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="keeper") as threads,
            selectors.DefaultSelector() as selector,
        ):
            selector.register(listening, selectors.EVENT_READ)
            selector.register(self._told_to_stop, selectors.EVENT_READ)
            lobby = Lobby(selector, QUESTION_SECONDS, self._monotonic)
            while self._turn(selector, lobby, listening, threads):
                lobby.show_out()
            lobby.close()
            listening.close()
        self._told_to_stop.close()
        self._stop.close()

    def _turn(
        self, selector: selectors.BaseSelector, lobby: Lobby, listening: socket.socket, threads: ThreadPoolExecutor
    ) -> bool:
        """Look once at who came, and who asked; False when it is time to stop."""
        came = [key.fileobj for key, _ in selector.select(lobby.seconds_left())]
        if self._told_to_stop in came:
            return False
        for connection in came:
            assert isinstance(connection, socket.socket)  # noqa: S101  (nothing else was registered)
            if connection is listening:
                self._let_in(listening, lobby)
            elif lobby.is_waiting(connection) and (question := lobby.hear(connection)) is not None:
                self._free.acquire()  # whoever asks now waits in line, and gives up before we do
                threads.submit(self._attend, connection, question)
        return True

    def _let_in(self, listening: socket.socket, lobby: Lobby) -> None:
        connection, _ = listening.accept()
        peer = peer_of(connection)
        if peer.uid in self._allowed_uids:
            lobby.enter(connection)
            return
        connection.close()
        log.warning("uid %d (process %d) asked, and may not", peer.uid, peer.pid)

    def stop(self) -> None:
        """End `serve`; may be called by a signal's handler."""
        with contextlib.suppress(OSError):  # it may have ended already
            self._stop.send(b".")

    def _attend(self, connection: socket.socket, question: bytes) -> None:
        try:
            with connection, contextlib.suppress(OSError):  # who hung up needs no answer
                reply = self._reply(question, peer_of(connection))
                connection.settimeout(QUESTION_SECONDS)
                connection.sendall(reply)
        finally:
            self._free.release()

    def _reply(self, question: bytes, peer: Peer) -> bytes:
        try:
            request = read_request(receive_from(question))
        except WireError as error:
            log.warning("a question of process %d makes no sense: %s", peer.pid, error)
            return write_error(KeeperUnavailable("the keeper does not understand", hint="is it of the same version?"))
        try:
            self._before_each()
            return write_result(self._answer(request))
        except WatchwordError as error:
            log.info("%s: %s", request.verb, type(error).__name__)
            return write_error(error)
        except Exception as error:  # noqa: BLE001  (the edge: a traceback would quote what was asked)
            log.error("%s failed: %s", request.verb, type(error).__name__)
            return write_error(KeeperUnavailable("the keeper failed", hint="its log says in what"))

    def _answer(self, request: Request) -> object:
        arguments: dict[str, object] = dict(request.arguments)
        if "handle" in arguments:
            arguments["handle"] = read_octets(request.arguments["handle"])
        if "as_first" in arguments:
            arguments["as_first"] = request.arguments["as_first"] != NO  # what is neither is the stricter
        verb: Callable[..., object] = getattr(self._keeper, request.verb)  # read_request knows its name
        return verb(**arguments)
