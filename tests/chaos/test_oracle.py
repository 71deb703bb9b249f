"""The oracle sees what it is there to see: each crime is committed before its eyes."""

import hashlib
import os
import random
from dataclasses import replace

import pytest

from tests.chaos.ledger import Ledger
from tests.chaos.login import Attempt, Outcome
from tests.chaos.oracle import Findings, judge
from tests.chaos.people import Crowd, Intent, Person, Try, now_step
from tests.chaos.wire import Accepted, Asked, Heard, RequestKey, listen
from tests.harness.wiretap import Datagram
from tests.radius_peer import accept, encode_answer
from watchword_pam.exchange import Person as Who
from watchword_pam.exchange import answer, pairing_query
from watchword_pam.radius_packet import encode_request

SECRET, SERVER = b"a secret", 1812
ALICE = Try(Person("alice"), Intent.RIGHT, "123456", 1000)
LOGIN = Attempt(ALICE, "2001:db8::1", Outcome.GRANTED, "s", 10.0, 10.5)
ASKED = Asked(RequestKey(40000, SERVER, 7, bytes(16)), "alice", "123456", LOGIN.address)
HEARD = Heard([Accepted(ASKED, 10.4)], 0)
LEDGER = Ledger([("alice", LOGIN.address)], {"alice": 1000}, is_whole=True)


def verdict(*attempts: Attempt, heard: Heard = HEARD, ledger: Ledger = LEDGER) -> Findings:
    return judge("a crime", attempts or (LOGIN,), heard, ledger)


def test_a_login_as_it_should_be_is_no_crime() -> None:
    found = verdict()
    assert found.failures == []
    assert (found.tried, found.granted) == (1, 1)


def test_the_longest_outage_may_stand_at_either_end() -> None:
    unanswered = replace(LOGIN, outcome=Outcome.UNANSWERED, began=2.0, ended=14.0)
    assert verdict(LOGIN, unanswered).longest_outage_seconds == 8.5


def test_a_code_that_two_servers_accepted_is_seen() -> None:
    again = replace(ASKED, key=RequestKey(40001, SERVER + 1, 7, bytes(16)))
    assert len(verdict(heard=Heard([*HEARD.accepted, Accepted(again, 11)], 0)).doubles) == 1


def test_a_code_that_let_two_logins_in_is_seen() -> None:
    again = replace(LOGIN, address="2001:db8::2")
    assert verdict(LOGIN, again).doubles == ["alice"]


def test_a_code_that_was_granted_twice_and_answered_once_is_seen() -> None:
    assert len(verdict(ledger=replace(LEDGER, granted=LEDGER.granted * 2)).doubles) == 1


def test_a_grant_that_is_not_in_the_log_is_seen() -> None:
    assert verdict(ledger=replace(LEDGER, granted=[])).missing == [f"alice from {LOGIN.address}"]


def test_a_grant_that_no_node_heard_of_and_that_is_not_in_the_log_is_seen() -> None:
    unheard = replace(LOGIN, outcome=Outcome.UNANSWERED)
    assert len(verdict(unheard, ledger=replace(LEDGER, granted=[])).missing) == 1


def test_a_code_that_is_not_spent_after_it_let_somebody_in_is_seen() -> None:
    assert verdict(ledger=replace(LEDGER, last_steps={"alice": 999})).missing == ["alice's code"]


@pytest.mark.parametrize("intent", [intent for intent in Intent if intent is not Intent.RIGHT])
def test_whoever_should_not_get_in_is_seen_if_a_server_let_them(intent: Intent) -> None:
    wrong = replace(LOGIN, tried=replace(ALICE, intent=intent), outcome=Outcome.UNANSWERED)
    assert len(verdict(wrong).intruders) == 1


def test_a_forged_accept_that_a_node_believed_is_seen() -> None:
    assert len(verdict(heard=Heard([], 0)).intruders) == 1


def test_an_accept_to_no_request_is_seen() -> None:
    assert len(verdict(heard=Heard(HEARD.accepted, 1)).intruders) == 1


def test_a_broken_log_is_seen() -> None:
    assert len(verdict(ledger=replace(LEDGER, is_whole=False)).failures) == 1


def request(code: bytes = b"123456") -> bytes:
    who = Who("alice", "2001:db8::1", "login1")
    attributes = answer(who, code, []) if code else pairing_query(who)
    return encode_request(7, os.urandom(16), attributes, SECRET)


def overheard(*packets: tuple[bytes, bool], port: int = 40000) -> Heard:
    datagrams = [
        Datagram(float(at), *((port, SERVER) if to_server else (SERVER, port)), data)
        for at, (data, to_server) in enumerate(packets)
    ]
    return listen(datagrams, {SERVER}, SECRET)


def test_an_accepted_request_is_read_from_the_wire() -> None:
    asked = request()
    (accepted,) = overheard((asked, True), (encode_answer(accept(), asked, SECRET), False)).accepted
    assert (accepted.asked.account, accepted.asked.code, accepted.asked.address) == ("alice", "123456", "2001:db8::1")


def test_the_same_packet_again_and_its_answer_again_is_one_accept() -> None:
    asked = request()
    said = encode_answer(accept(), asked, SECRET)
    assert len(overheard((asked, True), (asked, True), (said, False), (said, False)).accepted) == 1


def test_the_same_code_in_a_new_request_is_another_accept() -> None:
    first, second = request(), request()
    packets = [(data, True) for data in (first, second)]
    packets += [(encode_answer(accept(), data, SECRET), False) for data in (first, second)]
    assert len(overheard(*packets).accepted) == 2


def test_a_pairing_query_that_is_accepted_lets_nobody_in() -> None:
    asked = request(b"")
    heard = overheard((asked, True), (encode_answer(accept("watchword:soft"), asked, SECRET), False))
    assert (heard.accepted, heard.unexplained) == ([], 0)


def test_an_accept_that_proves_no_request_is_counted() -> None:
    other = encode_answer(accept(), request(), SECRET)
    assert overheard((request(), True), (other, False)).unexplained == 1


def test_what_is_cut_on_the_way_hides_no_request() -> None:
    asked = request()
    cut = asked[: len(asked) // 2]
    assert len(overheard((cut, True), (asked, True), (encode_answer(accept(), asked, SECRET), False)).accepted) == 1


def test_codes_on_the_wire_are_hidden_as_the_rfc_says() -> None:
    asked = request(b"1234567890123456789")
    hidden = asked[asked.index(bytes([2, 34])) + 2 :][:32]
    mask = hashlib.md5(SECRET + asked[4:20]).digest()
    assert bytes(a ^ b for a, b in zip(hidden[:16], mask, strict=True)) == b"1234567890123456"


def test_nobody_types_a_code_twice_or_goes_back() -> None:
    person = Person("alice")
    crowd = Crowd([person], [], random.Random(1))
    steps = []
    while (tried := crowd.next_try(8, 0.0)) is not None:
        assert tried.code == person.code(tried.step or 0)
        steps.append(tried.step)
        crowd.done(person)
    assert steps == sorted(set(steps), key=lambda step: step or 0)
    assert len(steps) in range(15, 19)
    assert abs((steps[-1] or 0) - now_step()) <= 9


def test_whoever_got_no_answer_types_the_same_code_again() -> None:
    person = Person("alice")
    crowd = Crowd([person], [], random.Random(1))
    first = crowd.next_try(8, 0.0)
    assert first is not None
    person.was_unanswered(first)
    crowd.done(person)
    again = crowd.next_try(8, 0.0)
    assert again is not None
    assert (again.step, again.code) == (first.step, first.code)


def test_what_was_not_answered_in_one_scenario_is_not_typed_in_the_next() -> None:
    person = Person("alice")
    crowd = Crowd([person], [], random.Random(1))
    first = crowd.next_try(8, 0.0)
    assert first is not None and first.step is not None
    person.was_unanswered(first)
    crowd.done(person)
    crowd.begin_anew()
    later = crowd.next_try(8, 0.0)
    assert later is not None and later.step is not None
    assert later.step > first.step


def test_a_wrong_code_is_no_code_of_its_person_near_now() -> None:
    person = Person("alice", last_tried=now_step(), last_granted=now_step() - 1)
    crowd = Crowd([person], [Person("held1")], random.Random(1))
    tried = []
    for _ in range(200):
        one = crowd.next_try(8, 1.0)
        if one is not None:
            tried.append(one)
            crowd.done(one.person)
    assert {one.intent for one in tried} >= set(Intent) - {Intent.RIGHT}
    near = {person.code(step) for step in range(now_step() - 12, now_step() + 12)}
    assert all(one.code not in near for one in tried if one.intent in (Intent.WRONG, Intent.ALTERED))
