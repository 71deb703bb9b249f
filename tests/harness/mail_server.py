"""A real SMTP server on loopback that keeps what it takes."""

import email
import email.policy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.harness.ports import LOOPBACK, free_tcp_port

WAIT_SECONDS = 30


class Mailbox:
    """What has come, whoever it is for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._arrived = threading.Condition()
        self._messages: list[tuple[list[str], EmailMessage]] = []

    # The name is aiosmtpd's.
    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a message."""
        content = cast("bytes", envelope.content)
        message = email.message_from_bytes(content, policy=email.policy.default)
        with self._arrived:
            self._messages.append((envelope.rcpt_tos, message))
            self._arrived.notify_all()
        return "250 taken"

    def to(self, address: str) -> list[EmailMessage]:
        """Return what has come for an address, in the order in which it came."""
        with self._arrived:
            return [message for recipients, message in self._messages if address in recipients]

    def wait_for(self, address: str, words: str) -> EmailMessage:
        """Wait for a message to somebody whose subject or text holds `words`; raises AssertionError."""

        def found() -> EmailMessage | None:
            fitting = (one for one in reversed(self.to(address)) if words in f"{one['subject']}\n{text_of(one)}")
            return next(fitting, None)

        with self._arrived:
            if not self._arrived.wait_for(found, WAIT_SECONDS):
                subjects = [(recipients, str(message["subject"])) for recipients, message in self._messages]
                raise AssertionError(f"no mail to {address} says {words!r}; there are {subjects}")
            message = found()
            assert message is not None
            return message


def text_of(message: EmailMessage) -> str:
    """Return the text of a message."""
    body = message.get_body(("plain",))
    return body.get_content() if body is not None else ""


@contextmanager
def running_mail_server() -> Iterator[Mailbox]:
    """Give an SMTP server that takes mail for anyone."""
    mailbox = Mailbox(free_tcp_port())
    controller = Controller(mailbox, hostname=LOOPBACK, port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
