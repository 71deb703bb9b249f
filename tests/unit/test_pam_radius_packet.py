"""Our packets against pyrad's, and against everything that isn't one."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad.packet import AuthPacket

from tests.radius_peer import Answer, encode_answer
from watchword_pam.radius_packet import (
    ACCESS_ACCEPT,
    ACCESS_CHALLENGE,
    FILTER_ID,
    PROXY_STATE,
    REPLY_MESSAGE,
    STATE,
    USER_NAME,
    USER_PASSWORD,
    decode_reply,
    encode_request,
)

SECRET = b"a secret of the tests"
REQUEST = encode_request(7, bytes(range(16)), [(USER_NAME, b"alice")], SECRET)

secrets = st.binary(min_size=1, max_size=100)


def signed_by_pyrad(request: bytes, secret: bytes, code: int, attributes: dict[int, list[bytes]]) -> bytes:
    reply = AuthPacket(packet=request, secret=secret).CreateReply()
    reply.code = code
    reply.add_message_authenticator()
    for kind, values in attributes.items():
        reply[kind] = values
    return bytes(reply.ReplyPacket())


@given(secrets, st.binary(min_size=1, max_size=128).filter(lambda password: password[-1] != 0))
def test_pyrad_reads_a_request_and_its_password(secret: bytes, password: bytes) -> None:
    data = encode_request(7, os.urandom(16), [(USER_NAME, b"alice"), (USER_PASSWORD, password)], secret)
    packet = AuthPacket(packet=data, secret=secret)
    assert data[20] == 80
    assert packet.verify_message_authenticator()
    assert packet[USER_NAME] == [b"alice"]
    assert len(packet[USER_PASSWORD][0]) % 16 == 0
    assert packet[USER_PASSWORD] == [packet.PwCrypt(password)]


def test_an_empty_password_is_hidden_in_sixteen_octets() -> None:
    packet = AuthPacket(packet=encode_request(7, bytes(16), [(USER_PASSWORD, b"")], SECRET), secret=SECRET)
    assert packet[USER_PASSWORD] == [packet.PwCrypt(b"")]
    assert len(packet[USER_PASSWORD][0]) == 16


@pytest.mark.parametrize("attribute", [(USER_PASSWORD, b"x" * 129), (STATE, b"x" * 254)])
def test_what_does_not_fit_is_not_sent(attribute: tuple[int, bytes]) -> None:
    with pytest.raises(ValueError, match="too long"):
        encode_request(7, bytes(16), [attribute], SECRET)


@given(secrets, st.sampled_from([2, 3, 11]), st.lists(st.binary(max_size=253), max_size=3))
def test_a_reply_that_pyrad_signs_is_read(secret: bytes, code: int, texts: list[bytes]) -> None:
    request = encode_request(7, os.urandom(16), [(USER_NAME, b"alice")], secret)
    wanted = {REPLY_MESSAGE: texts} if texts else {}
    assert decode_reply(signed_by_pyrad(request, secret, code, wanted), request, secret) == (code, wanted)


def test_padding_after_the_length_is_ignored() -> None:
    reply = signed_by_pyrad(REQUEST, SECRET, ACCESS_ACCEPT, {FILTER_ID: [b"watchword:soft"]})
    assert decode_reply(reply + b"padding", REQUEST, SECRET) == (ACCESS_ACCEPT, {FILTER_ID: [b"watchword:soft"]})


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=7))
def test_a_reply_with_one_bit_changed_is_none(place: int, bit: int) -> None:
    reply = bytearray(signed_by_pyrad(REQUEST, SECRET, ACCESS_CHALLENGE, {STATE: [b"state"]}))
    reply[place % len(reply)] ^= 1 << bit
    assert decode_reply(bytes(reply), REQUEST, SECRET) is None


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda rest: b"\2\7" + rest))
def test_junk_is_none(data: bytes) -> None:
    assert decode_reply(data, REQUEST, SECRET) is None


@given(st.binary(min_size=38, max_size=80))
def test_a_signed_reply_with_broken_attributes_is_none_or_whole(body: bytes) -> None:
    attributes = ((body[0] % 255, body[1:]),) if body[0] % 255 not in {PROXY_STATE, 80} else ()
    reply = encode_answer(Answer(ACCESS_ACCEPT, attributes), REQUEST, SECRET)
    decoded = decode_reply(reply, REQUEST, SECRET)
    assert decoded is not None
    assert [value for values in decoded[1].values() for value in values] == [value for _, value in attributes]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(ACCESS_ACCEPT, signature="absent"),
        Answer(ACCESS_ACCEPT, ((FILTER_ID, b"watchword:soft"),), signature="last"),
        Answer(ACCESS_ACCEPT, signature="wrong"),
        Answer(ACCESS_ACCEPT, secret=b"not the secret"),
        Answer(ACCESS_ACCEPT, identifier_shift=1),
        Answer(ACCESS_ACCEPT, response_authenticator=False),
        Answer(ACCESS_ACCEPT, ((PROXY_STATE, b"forger"),)),
        Answer(ACCESS_ACCEPT, ((80, b"a second one, too"[:16]),)),
        Answer(5),
        Answer(1),
    ],
    ids=str,
)
def test_a_reply_that_breaks_one_rule_is_none(answer: Answer) -> None:
    assert decode_reply(encode_answer(answer, REQUEST, SECRET), REQUEST, SECRET) is None


def test_a_reply_to_another_request_is_none() -> None:
    other = encode_request(7, os.urandom(16), [(USER_NAME, b"alice")], SECRET)
    assert decode_reply(signed_by_pyrad(other, SECRET, ACCESS_ACCEPT, {}), REQUEST, SECRET) is None
