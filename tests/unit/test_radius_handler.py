"""From octets to attempts and back: what is believed, what is dropped, what a reply looks like."""

import hashlib
import hmac
import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad.packet import AuthPacket, Packet

from watchword.domain.outcome import Challenge, Denied, Granted, Outcome, Pairing, Reason
from watchword.domain.tokens import Kind
from watchword.services.attempts import Answer, Attempt, Begin, OneShot, PairingQuery
from watchword_radius.clients import Client, Clients
from watchword_radius.handler import StatusQuery, read_packet, read_request, write_reply
from watchword_radius.packets import Dropped, reveal_password

SECRET = b"s3cret"
CLIENT = Client("login nodes", ipaddress.ip_network("127.0.0.0/8"), SECRET)
EXCUSED = Client("old", ipaddress.ip_network("127.0.0.0/8"), SECRET, require_message_authenticator=False)


def packet(**changes: object) -> Packet:
    """A good one-shot request from alice."""
    request = AuthPacket(secret=SECRET, authenticator=bytes(range(16)))
    request[1] = [b"alice"]
    request[2] = [request.PwCrypt("123456")]
    request[31] = [b"192.0.2.7"]
    request[32] = [b"login1"]
    return request


def sent(request: Packet, *, signed: bool = True) -> bytes:
    if signed:
        request.add_message_authenticator()
    return bytes(request.RequestPacket())


def asked(datagram: bytes, client: Client = CLIENT) -> Attempt | StatusQuery:
    return read_request(read_packet(datagram, client), client)


def attempt_of(datagram: bytes, client: Client = CLIENT) -> Attempt:
    ask = asked(datagram, client)
    assert isinstance(ask, Attempt)
    return ask


def test_a_code_without_state_is_a_one_shot() -> None:
    assert attempt_of(sent(packet())) == Attempt("alice", OneShot("123456"), "192.0.2.7", "login1", "login nodes")


def test_a_code_with_state_is_an_answer() -> None:
    request = packet()
    request[24] = [b"handle"]
    assert attempt_of(sent(request)).request == Answer("123456", b"handle")


@pytest.mark.parametrize("hidden", [None, b"", "crypted"])
def test_an_empty_password_without_state_begins(hidden: bytes | str | None) -> None:
    request = packet()
    del request[2]
    if hidden == "crypted":
        mask = hashlib.md5(SECRET + bytes(range(16))).digest()
        request[2] = [mask]
    elif hidden is not None:
        request[2] = [hidden]
    assert attempt_of(sent(request)).request == Begin()


def test_authorize_only_without_a_password_asks_for_the_pairing() -> None:
    request = packet()
    del request[2]
    request[6] = [b"\0\0\0\x11"]
    assert attempt_of(sent(request)).request == PairingQuery()


def test_a_pairing_query_without_a_message_authenticator_is_dropped_whoever_asks() -> None:
    """An answer whose password was taken out on the way would else be accepted, and let its sender in."""
    request = packet()
    del request[2]
    request[6] = [b"\0\0\0\x11"]
    with pytest.raises(Dropped, match="no client is excused"):
        asked(sent(request, signed=False), EXCUSED)


@pytest.mark.parametrize("attribute", [3, 79])
def test_chap_and_eap_are_dropped_even_where_a_pairing_is_asked_for(attribute: int) -> None:
    request = packet()
    del request[2]
    request[6], request[attribute] = [b"\0\0\0\x11"], [bytes(17)]
    with pytest.raises(Dropped, match="PAP"):
        asked(sent(request))


def test_the_scope_of_an_address_is_left_out() -> None:
    request = packet()
    request[31] = [b"fe80::1%" + b"\x1b" * 200]
    assert attempt_of(sent(request)).address == "fe80::1"


def test_status_server_is_answered_for_what_it_is() -> None:
    request = Packet(code=12, secret=SECRET, authenticator=bytes(16))
    request.add_message_authenticator()
    header = struct.pack("!BBH", 12, request.id, 38) + bytes(16)
    body = b"\x50\x12" + bytes(16)
    body = b"\x50\x12" + hmac.digest(SECRET, header + body, "md5")
    assert isinstance(asked(header + body), StatusQuery)
    with pytest.raises(Dropped):
        asked(struct.pack("!BBH", 12, 1, 20) + bytes(16), EXCUSED)


@pytest.mark.parametrize("name", [b"", b"a b", b"al\0ice", b"\xff\xfe", b"x" * 200, b"root\n"])
def test_what_cannot_be_an_account_is_nobodys(name: bytes) -> None:
    request = packet()
    request[1] = [name]
    assert attempt_of(sent(request)).account == ""


def test_octets_that_are_not_utf_8_are_a_wrong_code_and_never_another_one() -> None:
    request = packet()
    mask = hashlib.md5(SECRET + bytes(range(16))).digest()
    typed = b"12\xff3456".ljust(16, b"\0")
    request[2] = [bytes(a ^ b for a, b in zip(typed, mask, strict=True))]
    assert attempt_of(sent(request)).request == OneShot("\ufffd")


@pytest.mark.parametrize("address", [b"login.example.org", b"", b"192.0.2.7; DROP", b"\xff"])
def test_an_address_that_is_not_numeric_is_left_out(address: bytes) -> None:
    request = packet()
    request[31] = [address]
    assert attempt_of(sent(request)).address == ""


def test_without_a_message_authenticator_a_request_is_dropped_unless_the_client_is_excused() -> None:
    datagram = sent(packet(), signed=False)
    with pytest.raises(Dropped, match="there is none"):
        asked(datagram)
    assert attempt_of(datagram, EXCUSED).account == "alice"


def test_a_message_authenticator_that_is_not_first_is_dropped() -> None:
    datagram = sent(packet())
    header, attributes = datagram[:20], datagram[38:] + b"\x50\x12" + bytes(16)
    signature = hmac.digest(SECRET, header + attributes, "md5")
    with pytest.raises(Dropped, match="not the first"):
        asked(header + attributes[:-16] + signature)
    assert attempt_of(header + attributes[:-16] + signature, EXCUSED).account == "alice"


@pytest.mark.parametrize("client", [CLIENT, EXCUSED])
def test_a_request_signed_with_another_secret_is_dropped(client: Client) -> None:
    request = packet()
    request.secret = b"other"
    with pytest.raises(Dropped, match="wrong Message-Authenticator"):
        asked(sent(request), client)


def test_an_altered_octet_anywhere_is_never_another_attempt() -> None:
    datagram = sent(packet())
    good = asked(datagram)
    for position in range(len(datagram)):
        for bit in (0x01, 0x80):
            altered = bytearray(datagram)
            altered[position] ^= bit
            try:
                ask = asked(bytes(altered))
            except Dropped:
                continue
            assert ask == good


@given(st.binary(max_size=400))
def test_garbage_is_dropped(octets: bytes) -> None:
    with pytest.raises(Dropped):
        asked(octets)


@given(st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=40)), max_size=12), st.sampled_from([1, 12]))
def test_any_attributes_with_a_good_signature_are_an_attempt_or_dropped(
    attributes: list[tuple[int, bytes]], code: int
) -> None:
    body = b"\x50\x12" + bytes(16) + b"".join(bytes([kind, len(value) + 2]) + value for kind, value in attributes)
    header = struct.pack("!BBH", code, 7, 20 + len(body)) + bytes(range(16))
    signed = header + body[:2] + hmac.digest(SECRET, header + body, "md5") + body[18:]
    try:
        ask = asked(signed)
    except Dropped:
        return
    assert isinstance(ask, Attempt | StatusQuery)


@pytest.mark.parametrize("length", [1, 15, 17, 144])
def test_a_password_of_an_impossible_length_is_dropped(length: int) -> None:
    with pytest.raises(Dropped):
        reveal_password(bytes(length), SECRET, bytes(16))


@given(st.binary(max_size=128).filter(lambda octets: not octets.endswith(b"\0")))
def test_any_password_comes_out_as_it_went_in(octets: bytes) -> None:
    request = AuthPacket(secret=SECRET, authenticator=bytes(range(16)))
    padded = octets.ljust(-(-len(octets) // 16) * 16, b"\0")
    hidden, last = b"", bytes(range(16))
    for start in range(0, len(padded), 16):
        mask = hashlib.md5(SECRET + last).digest()
        last = bytes(a ^ b for a, b in zip(padded[start : start + 16], mask, strict=True))
        hidden += last
    assert reveal_password(hidden, SECRET, request.authenticator) == octets


OUTCOMES: list[tuple[Outcome, int, dict[int, list[bytes]]]] = [
    (Granted("S"), 2, {}),
    (Denied("Refused.\nSee the page.", Reason.LOCKED), 3, {18: [b"Refused.", b"See the page."]}),
    (Challenge("Hello\nCode: ", b"handle"), 11, {18: [b"Hello", b"Code: "], 24: [b"handle"], 76: [b"\0\0\0\1"]}),
    (Challenge("PIN: ", b"h", echo=False), 11, {18: [b"PIN: "], 24: [b"h"], 76: [b"\0\0\0\0"]}),
    (Pairing(Kind.SMS), 2, {11: [b"watchword:sms"]}),
    (Pairing(None), 2, {11: [b"watchword:unpaired"]}),
]


@pytest.mark.parametrize(("outcome", "code", "attributes"), OUTCOMES)
def test_a_reply_says_the_outcome_and_is_signed_first(
    outcome: Outcome, code: int, attributes: dict[int, list[bytes]]
) -> None:
    request = packet()
    request[33] = [b"proxy one", b"proxy two"]
    raw = write_reply(read_packet(sent(request), CLIENT), outcome)
    assert raw[20:22] == b"\x50\x12", "the Message-Authenticator is the first attribute"
    reply = request.CreateReply(packet=raw)
    assert request.VerifyReply(reply, raw, enforce_ma=True)
    assert reply.code == code
    found = {kind: values for kind, values in dict.items(reply) if kind != 80}
    assert found == attributes | {33: [b"proxy one", b"proxy two"]}


def test_a_denial_does_not_say_why() -> None:
    request = read_packet(sent(packet()), CLIENT)
    replies = {write_reply(request, Denied("Refused.", reason)) for reason in Reason}
    assert len(replies) == 1


def test_the_narrowest_network_names_the_client() -> None:
    def client(name: str, network: str) -> Client:
        return Client(name, ipaddress.ip_network(network), SECRET)

    clients = Clients([client("all", "0.0.0.0/0"), client("one", "192.0.2.7/32"), client("net", "192.0.2.0/24")])
    found = [clients.find(address) for address in ("192.0.2.7", "192.0.2.8", "::ffff:192.0.2.7", "198.51.100.1")]
    assert [client.name if client else "" for client in found] == ["one", "net", "one", "all"]
    assert clients.find("2001:db8::1") is None
    assert "s3cret" not in repr(clients.find("192.0.2.7"))
