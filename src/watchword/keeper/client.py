"""The portal's side: a Keeper that asks the daemon."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from watchword.clock import monotonic_seconds
from watchword.domain.errors import KeeperUnavailable
from watchword.domain.outcome import Outcome
from watchword.keeper.connection import receiver
from watchword.keeper.wire import NO, YES, Request, WireError, read_outcome, read_reply, write_octets, write_request

CONNECT_SECONDS = 2.0

REPLY_SECONDS = 20.0
"""Longer than the keeper waits for the database, so that an answer that was given is mostly heard."""

IS_IT_RUNNING = "is `watchword keeper` running, and may this process use its socket? `portal.keeper_socket` names it"
UPGRADE = "have the portal and the keeper the same version? Its log says more"

Result = TypeVar("Result")


class KeeperClient:
    """Asks the keeper behind a socket of this machine, one connection for each question.

    Whatever goes wrong on the way is KeeperUnavailable, and so is a reply that makes no sense: nothing is granted then,
    though a code may have been spent.
    """

    def __init__(
        self, path: Path, *, connect_seconds: float = CONNECT_SECONDS, reply_seconds: float = REPLY_SECONDS
    ) -> None:
        """Take the socket's path; nothing connects before the first question."""
        self._path = path
        self._connect_seconds = connect_seconds
        self._reply_seconds = reply_seconds

    def check(self, account: str, code: str, address: str, node: str = "portal") -> Outcome:
        """Check a code that was given unasked, and spend it."""
        return self._ask(read_outcome, "check", account=account, code=code, address=address, node=node)

    def begin(self, account: str, address: str, node: str = "portal") -> Outcome:
        """Ask for a code; one is texted to a telephone."""
        return self._ask(read_outcome, "begin", account=account, address=address, node=node)

    def answer(self, account: str, handle: bytes, code: str, address: str, node: str = "portal") -> Outcome:
        """Check the answer to what `begin` asked, and spend it."""
        sealed = write_octets(handle)
        return self._ask(read_outcome, "answer", account=account, handle=sealed, code=code, address=address, node=node)

    def assign_proved(self, account: str, serial: str, code: str, address: str, *, as_first: bool = False) -> Outcome:
        """Pair an account with a fob from the drawer that its holder has proved by a code; spends the code."""
        given = {"account": account, "serial": serial, "code": code, "address": address}
        return self._ask(read_outcome, "assign_proved", **given, as_first=YES if as_first else NO)

    def assign(self, account: str, serial: str, *, actor: str, why: str = "", address: str = "") -> None:
        """Pair an account with a fob from the drawer."""
        self._ask(_nothing, "assign", account=account, serial=serial, actor=actor, why=why, address=address)

    def unassign(self, serial: str, *, actor: str, why: str = "", address: str = "") -> None:
        """Put a fob back in the drawer."""
        self._ask(_nothing, "unassign", serial=serial, actor=actor, why=why, address=address)

    def resync(self, serial: str, first: str, second: str, *, actor: str, why: str = "", address: str = "") -> int:
        """Find a token's clock again by two codes in a row; answers its drift in seconds."""
        return self._ask(
            _number, "resync", serial=serial, first=first, second=second, actor=actor, why=why, address=address
        )

    def masked_phones(self, account: str) -> dict[str, str]:
        """Answer what may be shown of the telephones of an account's sms tokens, by serial."""
        return self._ask(_texts_by_name, "masked_phones", account=account)

    def _ask(self, read: Callable[[Any], Result], verb: str, **arguments: str) -> Result:
        request = write_request(Request(verb, arguments))
        try:
            return read(self._exchange(request))
        except WireError as error:
            raise KeeperUnavailable(f"the keeper's reply makes no sense: {error}", hint=UPGRADE) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise KeeperUnavailable(f"the keeper does not answer: {reason}", hint=IS_IT_RUNNING) from None

    def _exchange(self, request: bytes) -> Any:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(self._connect_seconds)
            connection.connect(str(self._path))
            connection.sendall(request)
            return read_reply(receiver(connection, self._reply_seconds, monotonic_seconds))


def _nothing(plain: object) -> None:
    if plain is not None:
        raise WireError("an answer where none was asked for")


def _number(plain: object) -> int:
    if isinstance(plain, int) and not isinstance(plain, bool):
        return plain
    raise WireError("no number")


def _texts_by_name(plain: object) -> dict[str, str]:
    if isinstance(plain, dict) and all(isinstance(text, str) for text in plain.values()):
        return plain
    raise WireError("no table of texts")
