"""The server's packets, octet by octet against pyrad's."""

import hmac
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad.packet import AuthPacket
from pyrad.packet import Packet as PyradPacket

from watchword_radius.packets import (
    ACCESS_REJECT,
    LARGEST_PACKET,
    PROXY_STATE,
    REPLY_MESSAGE,
    USER_NAME,
    USER_PASSWORD,
    Dropped,
    read_excused,
    read_proven,
    reveal_password,
    sign,
    write_packet,
)

SECRET = b"a secret of the tests"
VENDOR_SPECIFIC, MESSAGE_AUTHENTICATOR = 26, 80

secrets = st.binary(min_size=1, max_size=200)
authenticators = st.binary(min_size=16, max_size=16)
kinds = st.integers(1, 255).filter(lambda kind: kind not in {VENDOR_SPECIFIC, MESSAGE_AUTHENTICATOR})
values = st.binary(max_size=253)
attributes = st.dictionaries(kinds, st.lists(values, min_size=1, max_size=3), max_size=5)


def sent_by_pyrad(secret: bytes, authenticator: bytes, wanted: dict[int, list[bytes]]) -> bytes:
    request = AuthPacket(secret=secret, authenticator=authenticator, id=7)
    request.add_message_authenticator()
    for kind, some in wanted.items():
        request[kind] = list(some)
    return bytes(request.RequestPacket())


def signed(body: bytes, secret: bytes = SECRET, authenticator: bytes = bytes(16)) -> bytes:
    header = bytes([1, 7]) + (38 + len(body)).to_bytes(2, "big") + authenticator
    return header + b"\x50\x12" + hmac.digest(secret, header + b"\x50\x12" + bytes(16) + body, "md5") + body


@given(secrets, st.binary(min_size=20, max_size=20), st.binary(max_size=300))
def test_a_signature_is_hmac_md5(secret: bytes, header: bytes, rest: bytes) -> None:
    assert sign(secret, header, rest) == hmac.digest(secret, header + b"\x50\x12" + bytes(16) + rest, "md5")


@given(secrets, authenticators, attributes)
def test_what_pyrad_sends_is_read_as_it_was_meant(
    secret: bytes, authenticator: bytes, wanted: dict[int, list[bytes]]
) -> None:
    packet = read_proven(sent_by_pyrad(secret, authenticator, wanted), secret)
    assert (packet.code, packet.identifier, packet.authenticator) == (1, 7, authenticator)
    assert packet.attributes == wanted


@given(secrets, authenticators, st.binary(min_size=1, max_size=128).filter(lambda octets: octets[-1] != 0))
def test_a_password_that_pyrad_hides_is_revealed(secret: bytes, authenticator: bytes, password: bytes) -> None:
    request = AuthPacket(secret=secret, authenticator=authenticator)
    assert reveal_password(request.PwCrypt(password), secret, authenticator) == password


@given(secrets, authenticators, attributes, st.sampled_from([2, 3, 11]), st.lists(st.tuples(kinds, values), max_size=4))
def test_a_reply_is_octet_by_octet_what_pyrad_replies(
    secret: bytes, authenticator: bytes, asked: dict[int, list[bytes]], code: int, said: list[tuple[int, bytes]]
) -> None:
    datagram = sent_by_pyrad(secret, authenticator, asked)
    said = sorted((kind, value) for kind, value in said if kind != PROXY_STATE)
    theirs = PyradPacket(packet=datagram, secret=secret).CreateReply(code=code)
    theirs.add_message_authenticator()
    for kind, value in said:
        theirs[kind] = [*(theirs.get(kind) or []), value]
    assert write_packet(read_proven(datagram, secret), code, said) == theirs.ReplyPacket()


@given(st.binary(max_size=300) | attributes.map(lambda some: b"".join(encoded(some))))
def test_whoever_must_sign_and_whoever_is_excused_are_read_alike(body: bytes) -> None:
    """Two readers, one meaning: but for lengths that do not add up, of which pyrad makes what it can."""
    try:
        packet = read_proven(signed(body), SECRET)
    except Dropped:
        return
    if VENDOR_SPECIFIC not in packet.attributes:  # pyrad takes it apart; nobody looks at it
        assert read_excused(signed(body), SECRET) == packet


def encoded(some: dict[int, list[bytes]]) -> list[bytes]:
    return [bytes([kind, len(value) + 2]) + value for kind, values in some.items() for value in values]


@pytest.mark.parametrize("body", [b"\x01", b"\x01\x00", b"\x01\x01", b"\x01\x04a", b"\x01\x03a\x02", b"\x50\x02"])
def test_lengths_that_do_not_add_up_are_dropped_however_well_signed(body: bytes) -> None:
    with pytest.raises(Dropped):
        read_proven(signed(body), SECRET)


def test_padding_after_the_length_is_not_read() -> None:
    datagram = signed(bytes([USER_NAME, 7]) + b"alice")
    assert read_proven(datagram + b"\x02\x12padding", SECRET) == read_proven(datagram, SECRET)


def test_a_reply_that_would_be_too_long_is_not_written_but_a_refusal_without_words_always_fits() -> None:
    room = LARGEST_PACKET - 38
    proxies = (bytes([PROXY_STATE, 255]) + bytes(253)) * (room // 255) + bytes([PROXY_STATE, room % 255])
    packet = read_proven(signed(proxies + bytes(room % 255 - 2)), SECRET)
    with pytest.raises(ValueError, match="too long"):
        write_packet(packet, ACCESS_REJECT, [(REPLY_MESSAGE, b"")])
    assert len(write_packet(packet, ACCESS_REJECT, ())) == LARGEST_PACKET


def test_a_packet_shows_no_secret_and_no_password() -> None:
    hidden = os.urandom(16)
    shown = repr(read_proven(signed(bytes([USER_PASSWORD, 18]) + hidden), SECRET))
    assert "secret" not in shown
    assert repr(hidden) not in shown
