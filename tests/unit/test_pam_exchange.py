"""One request and its reply, over real sockets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.radius_peer import (
    SECRET,
    Answer,
    RadiusPeer,
    Request,
    accept,
    challenge,
    forged,
    late,
    refusing_port,
    reject,
    unsigned,
)
from watchword_pam.clock import boot_seconds
from watchword_pam.exchange import Person, Reply, Silent, answer, begin, exchange, pairing_query
from watchword_pam.settings import Server

ALICE = Person("alice", "192.0.2.7", "login1")


def server_of(peer: RadiusPeer, timeout_seconds: float = 2) -> Server:
    return Server(host=peer.host, port=peer.port, secret=SECRET, timeout_seconds=timeout_seconds)


def ask(peer: RadiusPeer, timeout_seconds: float = 2) -> Reply:
    return exchange(server_of(peer, timeout_seconds), begin(ALICE), boot_seconds() + 10)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_request_says_who_from_where_and_on_which_node(host: str) -> None:
    with RadiusPeer(lambda _: accept(), host=host) as peer:
        assert ask(peer).accepts
    [request] = peer.requests
    assert request.signed
    assert request.order[0] == 80
    assert request.attributes[1] == [b"alice"]
    assert request.attributes[31] == [b"192.0.2.7"]
    assert request.attributes[32] == [b"login1"]
    assert (request.kind, request.password) == ("begin", b"")


def test_each_kind_of_request_is_what_the_design_says() -> None:
    with RadiusPeer(lambda _: accept()) as peer:
        for attributes in (
            pairing_query(ALICE),
            begin(ALICE),
            answer(ALICE, b"123456", [b"one", b"two"]),
            answer(ALICE, b"123456", []),
        ):
            exchange(server_of(peer), attributes, boot_seconds() + 10)
    assert [request.kind for request in peer.requests] == ["pairing query", "begin", "answer", "one shot"]
    assert peer.requests[0].password is None
    assert peer.requests[2].attributes[24] == [b"one", b"two"]
    assert peer.requests[3].password == b"123456"
    assert len({request.raw[4:20] for request in peer.requests}) == 4


def test_a_challenge_is_read_whole() -> None:
    with RadiusPeer(lambda _: challenge("A text went to XXX-XXX-1234\n\x1b[2JCode:\t", b"handle", echo=0)) as peer:
        reply = ask(peer)
    assert reply.challenges
    assert not reply.accepts
    assert reply.state == [b"handle"]
    assert reply.text == "A text went to XXX-XXX-1234\n[2JCode: "
    assert not reply.echo


def test_a_reply_without_prompt_echoes() -> None:
    with RadiusPeer(lambda _: challenge()) as peer:
        assert ask(peer).echo


@pytest.mark.parametrize(
    "junk",
    [
        unsigned(accept()),
        forged(accept()),
        Answer(2, raw=b"junk"),
        Answer(2, raw=b""),
        Answer(5),
        Answer(2, ((11, b"watchword:soft"),), signature="last"),
    ],
    ids=str,
)
def test_an_invalid_reply_is_passed_over_and_the_valid_one_counts(junk: Answer) -> None:
    with RadiusPeer(lambda _: [junk, reject()]) as peer:
        reply = ask(peer)
    assert not reply.accepts
    assert len(peer.requests) == 1


@pytest.mark.parametrize("spoil", [unsigned, forged])
def test_a_server_that_signs_nothing_or_wrongly_is_silent(spoil: Callable[[Answer], Answer]) -> None:
    with RadiusPeer(lambda _: spoil(accept())) as peer, pytest.raises(Silent):
        ask(peer, 0.3)


def test_a_silent_server_gets_the_same_bytes_three_times() -> None:
    with RadiusPeer(lambda _: []) as peer, pytest.raises(Silent):
        ask(peer, 0.3)
    assert len(peer.requests) == 3
    assert len({request.raw for request in peer.requests}) == 1


def test_a_lost_request_is_made_good() -> None:
    seen: list[Request] = []

    def second(request: Request) -> list[Answer]:
        seen.append(request)
        return [accept()] if len(seen) > 1 else []

    with RadiusPeer(second) as peer:
        assert ask(peer, 1.5).accepts


def test_a_late_reply_within_the_timeout_counts() -> None:
    with RadiusPeer(lambda _: late(accept(), 0.5)) as peer:
        assert ask(peer, 3).accepts


def test_the_budget_cuts_the_timeout_short() -> None:
    with RadiusPeer(lambda _: []) as peer, pytest.raises(Silent):
        exchange(server_of(peer, 30), begin(ALICE), boot_seconds() + 0.3)


def test_a_port_at_which_nobody_listens_is_silent_at_once() -> None:
    start = boot_seconds()
    with pytest.raises(Silent):
        exchange(
            Server(host="127.0.0.1", port=refusing_port(), secret=SECRET, timeout_seconds=30), begin(ALICE), start + 60
        )


def test_an_address_without_a_route_is_silent() -> None:
    server = Server(host="255.255.255.255", port=1812, secret=SECRET, timeout_seconds=30)
    with pytest.raises(Silent):
        exchange(server, begin(ALICE), boot_seconds() + 60)
