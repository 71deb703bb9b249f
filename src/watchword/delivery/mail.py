"""Mail through a mail server (SMTP, RFC 5321), and a server that keeps what it is given."""

import smtplib
import ssl
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from watchword.domain.errors import DeliveryFailed, SettingsError

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The mail server, and in whose name we write; `timeout_seconds` holds for each wait for an answer.

    With `start_tls` the server's certificate and name are verified, or nothing is sent. Raises SettingsError.
    """

    server: str
    port: int = 25
    start_tls: bool = False
    ca_file: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = "watchword@localhost"
    timeout_seconds: float = 10

    def __post_init__(self) -> None:
        """Refuse settings that cannot work, or would say more than they should."""
        if bool(self.user) != bool(self.password):
            raise SettingsError("[mail] user and password_file go together")
        if self.user and not self.start_tls and self.server not in _LOOPBACK:
            raise SettingsError("[mail] the password would be sent in the clear", hint="set start_tls")
        try:
            _address(self.sender)
        except DeliveryFailed:
            raise SettingsError("[mail] sender is not a mail address", hint="such as mfa@example.org") from None


class SmtpSender:
    """Hands mail to one server, on a new connection for each."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    def send(self, mail_id: str, to: tuple[str, ...], subject: str, text: str) -> None:
        """Hand over a mail; raises DeliveryFailed, which quotes neither the mail nor the addresses."""
        message = compose(mail_id, self._settings.sender, to, subject, text)
        try:
            self._hand_over(message)
        except smtplib.SMTPRecipientsRefused as refusal:
            codes = sorted({code for code, _ in refusal.recipients.values()})
            raise DeliveryFailed(
                f"the mail server refused the address: {', '.join(map(str, codes))}",
                final=all(code >= 500 for code in codes),
            ) from None
        except smtplib.SMTPResponseException as refusal:
            # 4xx: not now, 5xx: not ever (RFC 5321, section 4.2.1). But who may not log in is an operator's mistake.
            final = refusal.smtp_code >= 500 and not isinstance(refusal, smtplib.SMTPAuthenticationError)
            raise DeliveryFailed(f"the mail server answered {refusal.smtp_code}", final=final) from None
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryFailed(f"the mail server cannot be used: {type(error).__name__}") from None

    def _hand_over(self, message: EmailMessage) -> None:
        settings = self._settings
        with smtplib.SMTP(settings.server, settings.port, timeout=settings.timeout_seconds) as server:
            if settings.start_tls:
                server.starttls(context=ssl.create_default_context(cafile=settings.ca_file or None))
            if settings.user:
                server.login(settings.user, settings.password)
            server.send_message(message)


@dataclass(frozen=True, slots=True)
class RecordedMail:
    """A mail that was handed over."""

    to: tuple[str, ...]
    subject: str
    text: str = field(repr=False)


@dataclass(slots=True)
class MailRecorder:
    """Keeps mail in memory; what stands in `failures` is raised first, one failure a mail."""

    mails: list[RecordedMail] = field(default_factory=list)
    failures: list[DeliveryFailed] = field(default_factory=list)

    def send(self, mail_id: str, to: tuple[str, ...], subject: str, text: str) -> None:
        """Keep a mail; raises DeliveryFailed."""
        compose(mail_id, "recorder@localhost", to, subject, text)
        if self.failures:
            raise self.failures.pop(0)
        self.mails.append(RecordedMail(to, subject, text))


def compose(mail_id: str, sender: str, to: tuple[str, ...], subject: str, text: str) -> EmailMessage:
    """Compose a mail; raises DeliveryFailed, finally, for what cannot be an address or a subject."""
    message = EmailMessage(policy=SMTP)
    writer = _address(sender)
    try:
        message["From"] = writer
        message["To"] = [_address(address) for address in to]
        message["Subject"] = subject
        message["Date"] = formatdate(localtime=False)
        message["Message-ID"] = f"<{mail_id}@{writer.domain}>"
        # RFC 3834: no answer from a holiday, please.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
    except (ValueError, MessageError):
        raise DeliveryFailed("this mail cannot be composed", final=True) from None
    return message


def _address(text: str) -> Address:
    """Read one plain address: no second one, no name, no line's end can hide in it."""
    if not text.isascii() or not text.isprintable():
        raise DeliveryFailed("a mail address is not ASCII", final=True)
    try:
        address = Address(addr_spec=text)
    except (ValueError, MessageError, IndexError):
        raise DeliveryFailed("a mail address cannot be read", final=True) from None
    if not address.username or not address.domain:
        raise DeliveryFailed("a mail address has no domain", final=True)
    return address
