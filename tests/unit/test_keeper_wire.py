"""What portal and keeper say to each other: it comes over as it was, or not at all."""

import inspect
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.domain.errors import Conflict, InvalidValue, KeeperUnavailable, WatchwordError
from watchword.domain.outcome import Challenge, Denied, Granted, Outcome, Pairing, Reason
from watchword.keeper import wire
from watchword.keeper.client import KeeperClient
from watchword.keeper.wire import Receive, Request, WireError
from watchword.services.ports_keeper import Keeper

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)
OUTCOMES = st.one_of(
    st.builds(Granted, TEXT),
    st.builds(Denied, TEXT, st.sampled_from(Reason)),
    st.builds(Challenge, TEXT, st.binary(max_size=200), st.booleans(), st.booleans()),
)


def octets(sent: bytes) -> Receive:
    """Receive what was sent, and then nothing more."""
    rest = bytearray(sent)

    def receive(count: int) -> bytes:
        if len(rest) < count:
            raise ConnectionResetError
        some = bytes(rest[:count])
        del rest[:count]
        return some

    return receive


def framed(body: object) -> bytes:
    """Frame any JSON."""
    text = json.dumps(body).encode("ascii")
    return struct.pack(">I", len(text)) + text


@given(OUTCOMES)
def test_an_outcome_comes_over_as_it_was(outcome: Outcome) -> None:
    assert wire.read_outcome(wire.read_reply(octets(wire.write_result(outcome)))) == outcome


@given(st.sampled_from(sorted(wire.VERBS)), st.data())
def test_a_request_comes_over_as_it_was(verb: str, data: st.DataObject) -> None:
    request = Request(verb, {name: data.draw(TEXT) for name in wire.VERBS[verb]})
    assert wire.read_request(octets(wire.write_request(request))) == request


@given(st.sampled_from([Conflict, InvalidValue, KeeperUnavailable]), TEXT, TEXT)
def test_an_error_of_ours_is_raised_again_on_the_other_side(
    error: type[WatchwordError], message: str, hint: str
) -> None:
    with pytest.raises(error) as caught:
        wire.read_reply(octets(wire.write_error(error(message, hint=hint))))
    assert (str(caught.value), caught.value.hint) == (message, hint)


def test_an_error_that_this_version_does_not_know_is_no_answer() -> None:
    error = {"name": "BaseException", "message": "", "hint": ""}
    with pytest.raises(KeeperUnavailable):
        wire.read_reply(octets(framed({"version": 1, "error": error})))


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_message_or_one_error(sent: bytes) -> None:
    for read in (wire.read_request, wire.read_reply):
        for message in (sent, struct.pack(">I", len(sent)) + sent):
            with pytest.raises((WireError, OSError, WatchwordError)):
                read(octets(message))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)


@given(JSON)
def test_whatever_a_reply_brings_is_an_outcome_or_one_error(result: object) -> None:
    with pytest.raises(WireError):
        wire.read_outcome(wire.read_reply(octets(framed({"version": 1, "result": result}))))


@pytest.mark.parametrize(
    "body",
    [
        {"version": 2, "verb": "masked_phones", "arguments": {"account": "alice"}},
        {"version": 1, "verb": "__init__", "arguments": {}},
        {"version": 1, "verb": ["masked_phones"], "arguments": {"account": "alice"}},
        {"version": 1, "verb": "masked_phones", "arguments": {}},
        {"version": 1, "verb": "masked_phones", "arguments": {"account": "alice", "more": ""}},
        {"version": 1, "verb": "masked_phones", "arguments": {"account": 1}},
        {"version": 1, "verb": "masked_phones", "arguments": {"account": "\ud800"}},
        {"version": 1, "verb": "masked_phones", "arguments": ["account"]},
        [],
        "masked_phones",
    ],
)
def test_a_request_that_is_not_quite_one_is_none(body: object) -> None:
    with pytest.raises(WireError):
        wire.read_request(octets(framed(body)))


def test_a_message_that_says_it_is_huge_is_not_even_received() -> None:
    def receive(count: int) -> bytes:
        assert count == wire.LENGTH_OCTETS
        return b"\xff\xff\xff\xff"

    for read in (wire.read_request, wire.read_reply):
        with pytest.raises(WireError):
            read(receive)


@pytest.mark.parametrize("code", ["\ud800", "1" * 20_000])
def test_what_cannot_be_sent_is_the_askers_mistake(code: str) -> None:
    with pytest.raises(InvalidValue):
        wire.write_request(Request("check", {"account": "alice", "code": code, "address": "", "node": ""}))


def test_how_an_account_is_paired_does_not_travel() -> None:
    with pytest.raises(WireError):
        wire.write_result(Pairing(None))


def test_no_code_stands_in_what_is_said_of_a_request() -> None:
    assert "123456" not in repr(Request("check", {"code": "123456"}))


def test_each_verb_of_the_port_travels_with_each_argument() -> None:
    verbs = {name: inspect.signature(verb) for name, verb in vars(Keeper).items() if not name.startswith("_")}
    assert {name: set(signature.parameters) - {"self"} for name, signature in verbs.items()} == {
        name: set(arguments) for name, arguments in wire.VERBS.items()
    }
    for name, signature in verbs.items():
        assert inspect.signature(getattr(KeeperClient, name)) == signature
