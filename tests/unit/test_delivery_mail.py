"""Mail through a real SMTP server on loopback: what leaves, over which wire, and what comes of a refusal."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.certificates import Certificates, make_certificates
from tests.harness.mail_server import Mailbox, running_mail_server, text_of
from tests.harness.ports import LOOPBACK, free_tcp_port
from watchword.delivery.mail import MailRecorder, RecordedMail, SmtpSender, SmtpSettings, compose
from watchword.domain.errors import DeliveryFailed, SettingsError
from watchword.services.write_mail_letters import Words, lost

TO = "alice@example.org"


class Choosy(Mailbox):
    """A mail server with opinions."""

    answer_to_data = ""

    # The names are aiosmtpd's.
    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Refuse some addresses."""
        if address.startswith("nobody"):
            return "550 no such user"
        if address.startswith("full"):
            return "452 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a message, or not."""
        return self.answer_to_data or await super().handle_DATA(server, session, envelope)


def authenticate(_server: object, _session: object, _envelope: object, _mechanism: object, given: object) -> AuthResult:
    right = isinstance(given, LoginPassword) and (given.login, given.password) == (b"watchword", b"sesame")
    return AuthResult(success=right, handled=False)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure(certificates: Certificates) -> Iterator[Choosy]:
    """A server that takes mail over TLS from who has signed in, and not otherwise."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    mailbox = Choosy(free_tcp_port())
    controller = Controller(
        mailbox,
        hostname=LOOPBACK,
        port=mailbox.port,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
    )
    controller.start()
    yield mailbox
    controller.stop()


def sender_to(
    mailbox: Mailbox, certificates: Certificates, *, server: str = LOOPBACK, password: str = "sesame"
) -> SmtpSender:
    return SmtpSender(
        SmtpSettings(
            server=server,
            port=mailbox.port,
            start_tls=True,
            ca_file=str(certificates.ca),
            user="watchword",
            password=password,
            sender="mfa@hpc.example.org",
        )
    )


def test_a_mail_arrives_over_verified_tls_as_it_was_written(secure: Choosy, certificates: Certificates) -> None:
    sender_to(secure, certificates).send(
        "id1", (TO, "bob@example.org"), "Caf\u00e9: paired", "Line one\n\u2603 line two\n"
    )
    message = secure.wait_for(TO, "paired")
    assert message["Subject"] == "Caf\u00e9: paired"
    assert message["From"] == "mfa@hpc.example.org" and message["To"] == "alice@example.org, bob@example.org"
    assert text_of(message).replace("\r\n", "\n") == "Line one\n\u2603 line two\n"
    assert message["Auto-Submitted"] == "auto-generated" and message["Message-ID"] == "<id1@hpc.example.org>"
    assert secure.to("bob@example.org")


def test_without_tls_to_a_server_of_ones_own_machine() -> None:
    with running_mail_server() as mailbox:
        SmtpSender(SmtpSettings(server=LOOPBACK, port=mailbox.port)).send("id2", (TO,), "Plain", "Text\n")
        assert text_of(mailbox.wait_for(TO, "Plain")).strip() == "Text"


def test_a_long_link_arrives_whole_whatever_else_the_mail_says(secure: Choosy, certificates: Certificates) -> None:
    link = "https://mfa.hpc.example.org/lost/link/" + "Az09-_" * 12
    words = Words("HPC Z\u00fcrich", "https://mfa.hpc.example.org", "Fragen? \u260e +41 44 555 01 00 " + "x" * 150)
    letter = lost(words, "alice", link, minutes=30, address="2001:db8::1", now_seconds=1_800_000_000)
    sender_to(secure, certificates).send("id8", (TO,), letter.subject, letter.text)
    message = secure.wait_for(TO, "unpair a lost phone")
    assert message["Subject"] == "HPC Z\u00fcrich: unpair a lost phone"
    assert link in text_of(message).splitlines() and "\u260e" in text_of(message)


def test_a_server_without_tls_or_with_a_strangers_certificate_gets_nothing(
    secure: Choosy, certificates: Certificates, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    strangers = make_certificates(tmp_path / "other")
    with pytest.raises(DeliveryFailed) as untrusted:
        sender_to(secure, strangers).send("id3", (TO,), "To nobody", "secret link")
    with running_mail_server() as plain, pytest.raises(DeliveryFailed) as unencrypted:
        sender_to(plain, certificates).send("id3", (TO,), "To nobody", "secret link")
    for caught in (untrusted, unencrypted):
        assert not caught.value.final and "secret" not in str(caught.value)
    assert [message for message in secure.to(TO) if message["Subject"] == "To nobody"] == []


@pytest.mark.parametrize(("to", "final"), [("nobody@example.org", True), ("full@example.org", False)])
def test_a_refused_address_is_final_or_not_as_the_server_says_and_is_not_quoted(
    secure: Choosy, certificates: Certificates, to: str, final: bool
) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        sender_to(secure, certificates).send("id4", (to,), "Subject", "Text")
    assert caught.value.final is final
    assert to not in str(caught.value)


@pytest.mark.parametrize(("answer", "final"), [("554 spam", True), ("451 later", False)])
def test_a_refused_mail_is_final_or_not_as_the_server_says(
    secure: Choosy, certificates: Certificates, answer: str, final: bool
) -> None:
    secure.answer_to_data = answer
    try:
        with pytest.raises(DeliveryFailed) as caught:
            sender_to(secure, certificates).send("id5", (TO,), "Subject", "Text")
    finally:
        secure.answer_to_data = ""
    assert caught.value.final is final


def test_a_wrong_password_is_an_operators_mistake_and_mail_waits_for_its_mending(
    secure: Choosy, certificates: Certificates
) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        sender_to(secure, certificates, password="wrong").send("id6", (TO,), "Subject", "Text")
    assert not caught.value.final and "wrong" not in str(caught.value)


def test_a_server_that_is_away_is_tried_again() -> None:
    with pytest.raises(DeliveryFailed) as caught:
        SmtpSender(SmtpSettings(server=LOOPBACK, port=free_tcp_port())).send("id7", (TO,), "Subject", "Text")
    assert not caught.value.final


@pytest.mark.parametrize(
    "address",
    [
        "alice@example.org\nBcc: eve@example.org",
        "alice@example.org\r\n\r\nText",
        "alice@example.org, eve@example.org",
        "Alice <alice@example.org>",
        "alice",
        "alice@",
        "@example.org",
        "",
        "al\u00efce@example.org",
        "alice@example.org>",
        "a@b@c",
    ],
)
def test_what_is_not_one_plain_address_is_never_written_to(address: str) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        compose("id", "mfa@example.org", (address,), "Subject", "Text")
    assert caught.value.final
    assert not address or address not in str(caught.value)


def test_a_subject_cannot_bring_a_header_of_its_own() -> None:
    with pytest.raises(DeliveryFailed):
        compose("id", "mfa@example.org", (TO,), "Hello\nBcc: eve@example.org", "Text")


@pytest.mark.parametrize(
    "wrong", [{"user": "x"}, {"password": "x"}, {"sender": "nobody"}, {"user": "x", "password": "x"}]
)
def test_settings_that_cannot_work_or_would_bare_the_password_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        SmtpSettings(server="mail.example.org", **wrong)  # type: ignore[arg-type]  # texts, all of them


def test_the_recorder_keeps_mail_and_fails_when_told_to() -> None:
    recorder = MailRecorder(failures=[DeliveryFailed("busy")])
    with pytest.raises(DeliveryFailed):
        recorder.send("id", (TO,), "Subject", "Text")
    recorder.send("id", (TO,), "Subject", "Text")
    assert recorder.mails == [RecordedMail((TO,), "Subject", "Text")]
    assert "Text" not in repr(recorder) and "sesame" not in repr(SmtpSettings(LOOPBACK, user="u", password="sesame"))
