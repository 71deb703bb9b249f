"""Every request of the protocol, sent by FreeRADIUS's radclient, and each reply as it prints it."""

import json
from collections.abc import Iterator

import pytest

from tests.harness.radclient import Heard, Radclient
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.soft_token import pair_soft_token

pytestmark = pytest.mark.slow

SIGNATURE, TEXT = "Message-Authenticator", "Reply-Message"
REFUSED = "Access refused. To see why, sign in at https://mfa.example.org"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RadiusServer]:
    directory = tmp_path_factory.mktemp("radclient")
    more = f'[sms]\ncarrier = "recorder"\nrecorder_file = "{directory / "texts"}"\n'
    settings = ServerSettings(directory, f"sqlite:///{directory / 'watchword.db'}", more=more)
    with running_radius_server(settings) as server:
        server.watchword.do("token", "add", "sms-bob", "--kind", "sms", "--phone", "+15125551234")
        server.watchword.do("token", "add", "static-carol", "--kind", "static", "--code", "123456")
        yield server


@pytest.fixture(scope="module")
def radclient(server: RadiusServer) -> Radclient:
    return Radclient(server.port, server.secret)


def is_signed_first(heard: Heard) -> bool:
    return heard.names[:1] == [SIGNATURE] and heard.names.count(SIGNATURE) == 1


def texted_code(server: RadiusServer) -> str:
    """Return the code of the only text message so far, once it is there."""
    file = server.watchword.config.parent / "texts"
    server.server.wait_until(lambda: file.exists() and file.read_text().endswith("\n"))
    return str(json.loads(file.read_text())["text"][:6])


@pytest.mark.parametrize(
    ("account", "kind"), [("sms-bob", "sms"), ("static-carol", "static"), ("nobody-at-all", "unpaired")]
)
def test_a_pairing_query_is_accepted_with_the_kind(radclient: Radclient, account: str, kind: str) -> None:
    heard = radclient.pairing_query(account)
    assert heard.code == "Access-Accept", heard.printed
    assert heard.names == [SIGNATURE, "Filter-Id"]
    assert heard.all("Filter-Id") == [f"watchword:{kind}"]


@pytest.mark.parametrize("account", ["static-carol", "nobody-at-all"])
def test_begin_is_challenged_whoever_it_is(radclient: Radclient, account: str) -> None:
    heard = radclient.begin(account)
    assert heard.code == "Access-Challenge", heard.printed
    assert heard.names == [SIGNATURE, TEXT, "State", "Prompt"]
    assert heard.all(TEXT) == ["Token code: "]
    assert heard.all("Prompt") == ["Echo"]


def test_begin_sends_a_text_message_and_its_code_is_the_answer(radclient: Radclient, server: RadiusServer) -> None:
    begun = radclient.begin("sms-bob")
    assert begun.all(TEXT) == ["A code was sent to XXX-XXX-1234.", "Token code: "]
    heard = radclient.answer("sms-bob", texted_code(server), begun.state)
    assert heard.code == "Access-Accept", heard.printed
    assert heard.names == [SIGNATURE]


def test_a_right_answer_is_accepted(radclient: Radclient, server: RadiusServer) -> None:
    token = pair_soft_token(server.watchword, "soft-alice")
    begun = radclient.begin("soft-alice")
    heard = radclient.answer("soft-alice", token.fresh_code(), begun.state)
    assert heard.code == "Access-Accept", heard.printed
    assert heard.names == [SIGNATURE]


def test_a_wrong_answer_is_challenged_again_until_the_tries_are_used_up(radclient: Radclient) -> None:
    heard = radclient.begin("static-carol")
    for _ in range(2):
        heard = radclient.answer("static-carol", "000000", heard.state)
        assert heard.code == "Access-Challenge", heard.printed
        assert heard.names == [SIGNATURE, TEXT, TEXT, "State", "Prompt"]
        assert heard.all(TEXT) == ["That was not accepted.", "Token code: "]
    last = radclient.answer("static-carol", "000000", heard.state)
    assert last.code == "Access-Reject", last.printed
    assert last.names == [SIGNATURE, TEXT]
    assert last.all(TEXT) == [REFUSED]


def test_somebody_elses_state_is_no_good(radclient: Radclient) -> None:
    begun = radclient.begin("nobody-at-all")
    heard = radclient.answer("static-carol", "123456", begun.state)
    assert heard.code == "Access-Reject", heard.printed


@pytest.mark.parametrize(("code", "reply"), [("123456", "Access-Accept"), ("000000", "Access-Reject")])
def test_one_shot_is_accepted_or_refused(radclient: Radclient, code: str, reply: str) -> None:
    heard = radclient.one_shot("static-carol", code)
    assert heard.code == reply, heard.printed
    assert is_signed_first(heard)
    assert heard.all(TEXT) == ([] if reply == "Access-Accept" else [REFUSED])


def test_status_server_is_accepted_while_the_store_answers(radclient: Radclient) -> None:
    heard = radclient.status()
    assert heard.code == "Access-Accept", heard.printed
    assert heard.names == [SIGNATURE]


def test_proxy_states_come_back_as_they_went_and_in_their_order(radclient: Radclient) -> None:
    heard = radclient.ask(
        "Message-Authenticator=0x00,User-Name=static-carol,User-Password=123456,Proxy-State=0x0102,Proxy-State=0x03"
    )
    assert heard.code == "Access-Accept", heard.printed
    assert is_signed_first(heard)
    assert heard.all("Proxy-State") == ["0x0102", "0x03"]


@pytest.mark.parametrize(
    "attributes",
    [
        "User-Name=static-carol,User-Password=123456",
        "User-Name=static-carol,User-Password=123456,Message-Authenticator=0x00",
        "Message-Authenticator=0x00,User-Name=static-carol,CHAP-Password=123456",
    ],
    ids=["unsigned", "signed at the end", "CHAP"],
)
def test_what_is_not_of_the_protocol_is_not_answered(server: RadiusServer, attributes: str) -> None:
    hasty = Radclient(server.port, server.secret, seconds=1)
    assert hasty.ask(attributes).code == ""
    assert hasty.status().code == "Access-Accept"
