"""Twilio's own client library against a server that answers as Twilio does."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.certificates import make_certificates
from tests.harness.ports import free_tcp_port
from tests.twilio_server import ACCOUNT_SID, AUTH_TOKEN, MESSAGE_SID, TwilioServer, twilio_server
from watchword.delivery.twilio import TwilioSender, TwilioSettings
from watchword.domain.errors import DeliveryFailed, SettingsError

PHONE = "+15125551234"
TEXT = "Your code is 493817"


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    with twilio_server() as running:
        yield running


def settings_for(server: TwilioServer, *, timeout_seconds: float = 5, auth_token: str = AUTH_TOKEN) -> TwilioSettings:
    return TwilioSettings(
        ACCOUNT_SID, auth_token, from_number="+15005550006", api_url=server.url, timeout_seconds=timeout_seconds
    )


def failure(settings: TwilioSettings) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        TwilioSender(settings).send(PHONE, TEXT)
    said = f"{caught.value} {caught.value!r} {caught.value.hint}"
    for secret in (PHONE, PHONE[1:], TEXT, "493817", AUTH_TOKEN):
        assert secret not in said
    return caught.value


def test_a_message_is_handed_over_and_its_name_comes_back(server: TwilioServer) -> None:
    assert TwilioSender(settings_for(server)).send(PHONE, TEXT) == MESSAGE_SID
    assert server.forms == [{"To": PHONE, "Body": TEXT, "From": "+15005550006"}]


def test_a_messaging_service_stands_in_for_a_number(server: TwilioServer) -> None:
    service = "MG" + "0" * 32
    settings = TwilioSettings(ACCOUNT_SID, AUTH_TOKEN, messaging_service_sid=service, api_url=server.url + "/")

    assert TwilioSender(settings).send(PHONE, "kód") == MESSAGE_SID
    assert server.forms == [{"To": PHONE, "Body": "kód", "MessagingServiceSid": service}]


def test_one_sender_sends_many(server: TwilioServer) -> None:
    sender = TwilioSender(settings_for(server))

    assert [sender.send(PHONE, str(number)) for number in range(3)] == [MESSAGE_SID] * 3


@pytest.mark.parametrize(
    ("behaviour", "code"), [("invalid number", 21211), ("unsubscribed", 21610), ("problem details", 21211)]
)
def test_what_twilio_will_never_take_is_final(server: TwilioServer, behaviour: str, code: int) -> None:
    server.behaviour = behaviour

    error = failure(settings_for(server))

    assert error.final
    assert f"error {code}" in str(error)
    assert str(code) in error.hint


def test_wrong_credentials_are_final_and_say_what_to_check(server: TwilioServer) -> None:
    error = failure(settings_for(server, auth_token="0" * 32))

    assert error.final
    assert "auth_token" in error.hint


@pytest.mark.parametrize(
    "behaviour",
    [
        "queue full",
        "too many requests",
        "internal error",
        "bad gateway",
        "proxy refuses",
        "rubbish",
        "rubbish list",
        "rubbish sid",
        "rubbish types",
        "rubbish error",
        "not text",
        "endless",
        "cut",
        "cut in the body",
    ],
)
def test_what_may_pass_is_tried_again_by_the_caller_alone(server: TwilioServer, behaviour: str) -> None:
    server.behaviour = behaviour

    assert not failure(settings_for(server)).final
    assert len(server.forms) == 1


def test_a_silent_server_is_given_up_on(server: TwilioServer) -> None:
    server.behaviour = "silent"

    error = failure(settings_for(server, timeout_seconds=0.2))

    assert not error.final
    assert "Timeout" in str(error)


def test_a_server_that_is_not_there_is_tried_again_later() -> None:
    assert not failure(settings_for(TwilioServer(port=free_tcp_port()))).final


def test_a_redirect_takes_the_code_to_no_other_host(server: TwilioServer) -> None:
    with twilio_server() as other:
        server.behaviour = "redirect"
        server.redirect_to = f"{other.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"

        assert not failure(settings_for(server)).final
        assert other.forms == []


def test_the_environment_does_not_say_where_a_code_goes(server: TwilioServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with twilio_server() as other:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, other.url)
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("TWILIO_EDGE", "sydney")
        monkeypatch.setenv("TWILIO_REGION", "au1")

        assert TwilioSender(settings_for(server)).send(PHONE, TEXT) == MESSAGE_SID
        assert other.forms == []


def test_a_gateway_with_a_ca_of_its_own(tmp_path: Path) -> None:
    with twilio_server(make_certificates(tmp_path)) as gateway:
        settings = replace(settings_for(gateway), ca_file=str(tmp_path / "ca.pem"))

        assert TwilioSender(settings).send(PHONE, TEXT) == MESSAGE_SID


def test_a_certificate_that_cannot_be_verified_gets_no_code(tmp_path: Path) -> None:
    with twilio_server(make_certificates(tmp_path)) as impostor:
        assert "SSLError" in str(failure(settings_for(impostor)))
        assert impostor.forms == []


def test_the_proxy_in_the_settings_is_used(server: TwilioServer) -> None:
    settings = settings_for(TwilioServer(port=free_tcp_port()))

    # The server is no proxy and refuses what it is asked, but it was asked.
    failure(replace(settings, proxy_url=server.url))
    assert [form["To"] for form in server.forms] == [PHONE]


@pytest.mark.parametrize("behaviour", ["accept", "invalid number", "internal error", "cut", "rubbish"])
def test_nothing_secret_is_logged_even_at_debug(
    server: TwilioServer, behaviour: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for library in ("twilio", "twilio.http_client", "urllib3", "requests"):
        caplog.set_level(logging.DEBUG, logger=library)
    server.behaviour = behaviour

    try:
        TwilioSender(settings_for(server)).send(PHONE, TEXT)
    except DeliveryFailed:
        logging.getLogger("watchword").exception("delivery failed")

    printed = "".join(capfd.readouterr())
    for secret in (PHONE, PHONE[1:], TEXT, "493817", AUTH_TOKEN):
        assert secret not in caplog.text + printed


def test_the_token_is_not_in_a_repr(server: TwilioServer) -> None:
    settings = settings_for(server)

    assert AUTH_TOKEN not in repr(settings) + repr(TwilioSender(settings))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"account_sid": ""}, "account_sid"),
        ({"auth_token": ""}, "auth_token"),
        ({"from_number": ""}, "from_number"),
        ({"messaging_service_sid": "MG1"}, "from_number"),
        ({"timeout_seconds": 0}, "timeout"),
        ({"api_url": "http://sms.example.org"}, "https"),
        ({"api_url": "sms.example.org"}, "https"),
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, str], words: str) -> None:
    good: dict[str, str] = {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "from_number": "+15005550006"}

    with pytest.raises(SettingsError, match=words) as caught:
        TwilioSettings(**{**good, **wrong})  # type: ignore[arg-type] # one of the wrong values is a number
    assert AUTH_TOKEN not in str(caught.value)


def test_importing_the_adapter_does_not_import_twilio() -> None:
    script = (
        "import sys, watchword.delivery.twilio; sys.exit(any(name in sys.modules for name in ('twilio', 'requests')))"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
