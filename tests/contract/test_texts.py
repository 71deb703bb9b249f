"""Codes by text message."""

from dataclasses import replace

import pytest
import sqlalchemy

from tests.contract.world import Server, World
from watchword.domain.errors import DeliveryFailed
from watchword.domain.lockout import LockoutPolicy
from watchword.domain.outcome import Denied, Granted, Reason


@pytest.fixture
def server(world: World) -> Server:
    world.server.pairer.add_sms("bob", "512-555-1234", country_code="1")
    return world.server


def sent_code(server: Server) -> str:
    assert server.postman.deliver_due() == 1
    return server.carrier.messages[-1].text[:6]


def test_begin_sends_one_code_to_the_number_and_says_where(server: Server) -> None:
    challenge = server.begin("bob")
    assert challenge.text.startswith("A code was sent to XXX-XXX-1234.\n")
    assert challenge.message_waits
    assert server.carrier.messages == [], "not in the login's own transaction"
    code = sent_code(server)
    assert server.carrier.messages[0].phone == "+15125551234"
    assert isinstance(server.reply("bob", code, challenge), Granted)


def test_no_second_message_is_sent_while_the_code_is_good(server: Server) -> None:
    server.begin("bob")
    code = sent_code(server)
    again = server.begin("bob")
    assert "still good; no new one was sent" in again.text
    assert not again.message_waits
    assert server.postman.deliver_due() == 0
    assert isinstance(server.reply("bob", code, again), Granted)


def test_two_begins_in_one_batch_send_one_message(server: Server) -> None:
    from watchword.services.attempts import Attempt, Begin

    server.answer(Attempt("bob", Begin()), Attempt("bob", Begin()))
    assert server.postman.deliver_due() == 1
    assert server.postman.deliver_due() == 0


def test_a_text_code_is_good_once(server: Server) -> None:
    challenge = server.begin("bob")
    code = sent_code(server)
    assert isinstance(server.reply("bob", code, challenge), Granted)
    outcome = server.one_shot("bob", code)
    assert isinstance(outcome, Denied)
    assert outcome.reason is Reason.WRONG_CODE


def test_a_new_code_comes_after_the_last_was_used(server: Server) -> None:
    server.begin("bob")
    first = sent_code(server)
    assert isinstance(server.one_shot("bob", first), Granted)
    server.begin("bob")
    sent_code(server)
    assert len(server.carrier.messages) == 2


def test_a_text_code_is_good_for_ten_minutes(world: World, server: Server) -> None:
    server.begin("bob")
    code = sent_code(server)
    world.clock.seconds += 599
    assert isinstance(server.one_shot("bob", code), Granted)
    server.begin("bob")
    code = sent_code(server)
    world.clock.seconds += 600
    assert isinstance(server.one_shot("bob", code), Denied)


def test_a_wrong_answer_leaves_the_text_code_good(server: Server) -> None:
    server.begin("bob")
    code = sent_code(server)
    assert isinstance(server.one_shot("bob", "000"), Denied)
    assert isinstance(server.one_shot("bob", code), Granted)


def test_a_carrier_that_fails_is_tried_again_and_then_logged(world: World, server: Server) -> None:
    server.carrier.failures = [DeliveryFailed("busy"), DeliveryFailed("busy")]
    server.begin("bob")
    for _ in range(2):
        assert server.postman.deliver_due() == 1
        assert server.carrier.messages == []
        world.clock.seconds += 30
    assert server.postman.deliver_due() == 1
    assert len(server.carrier.messages) == 1
    results = [chained.event.result for _, chained in server.reporter.newest(100) if chained.event.kind == "text"]
    assert results == ["failed", "failed", "done"]


@pytest.mark.parametrize("final", [True, False])
def test_after_the_carrier_has_failed_for_good_the_person_can_ask_again(
    world: World, server: Server, final: bool
) -> None:
    server.carrier.failures = [DeliveryFailed("no such number", final=final)] * (1 if final else 3)
    server.begin("bob")
    while server.postman.deliver_due():
        world.clock.seconds += 30
    assert server.carrier.messages == []
    assert "A code was sent" in server.begin("bob").text
    assert isinstance(server.one_shot("bob", sent_code(server)), Granted)


def test_a_message_that_another_server_has_in_hand_is_not_sent_twice(world: World, server: Server) -> None:
    other = world.another_server("two")
    server.begin("bob")
    claimed = server.store.write(lambda work: work.outbox.claim(int(world.clock.seconds), 10, 60))
    assert len(claimed) == 1
    assert other.postman.deliver_due() == 0
    world.clock.seconds += 61  # the first server died with it
    assert other.postman.deliver_due() == 1


def test_a_message_whose_code_has_expired_is_not_sent(world: World, server: Server) -> None:
    server.begin("bob")
    world.clock.seconds += 601
    server.postman.deliver_due()
    assert server.carrier.messages == []


def test_a_locked_account_reads_the_same_words_but_no_message_leaves(server: Server) -> None:
    open_text = server.begin("bob").text
    sent_code(server)
    for _ in range(20):
        server.one_shot("bob", "000")
    assert isinstance(server.one_shot("bob", "000"), Denied)
    server.administrator.view("bob")
    locked = server.begin("bob")
    assert locked.text.replace("still good; no new one was sent", "") != "" and not locked.message_waits
    assert server.postman.deliver_due() == 0
    server.administrator.clear_failures("bob")
    assert server.begin("bob").text == open_text
    assert server.postman.deliver_due() == 1


def test_neither_number_nor_code_is_in_the_database_or_the_audit_log_in_clear(server: Server) -> None:
    server.begin("bob")
    with server.database.engine.connect() as connection:
        from watchword.store.schema import metadata

        dump = repr([row for table in metadata.tables.values() for row in connection.execute(table.select()).all()])
    code = sent_code(server)
    assert "5551234" not in dump
    assert code not in dump


def test_an_account_that_an_operator_holds_reads_what_an_open_one_does(server: Server) -> None:
    server.pairer.add_sms("held", "+15125551234", country_code="1")
    server.administrator.lock("held")
    for _ in range(2):
        assert server.begin("held").text == server.begin("bob").text
    assert server.postman.deliver_due() == 1, "bob's alone"
    assert server.postman.deliver_due() == 0


def test_a_lockout_that_ends_leaves_nobody_waiting_for_a_message_that_never_left(world: World) -> None:
    world.policy = replace(world.policy, lockout=LockoutPolicy(3, 120))
    server = world.another_server("two")
    server.pairer.add_sms("eve", "+15125550000", country_code="1")
    for _ in range(3):
        server.one_shot("eve", "000")
    assert not server.begin("eve").text.startswith("The code sent")
    assert server.postman.deliver_due() == 0
    world.clock.seconds += 121
    assert "A code was sent" in server.begin("eve").text
    assert server.postman.deliver_due() == 1


def test_a_message_that_cannot_be_opened_is_given_up_and_holds_nobody_up(server: Server) -> None:
    server.begin("bob")
    with server.database.engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE outbox SET sealed_phone = 'rubbish'"))
    assert server.postman.deliver_due() == 1
    assert server.postman.deliver_due() == 0
    assert "A code was sent" in server.begin("bob").text
    assert isinstance(server.one_shot("bob", sent_code(server)), Granted)


def test_a_token_that_was_removed_texts_nobody(server: Server) -> None:
    server.begin("bob")
    (token,) = server.administrator.tokens(account="bob")
    server.pairer.remove(token.serial)
    assert server.postman.deliver_due() == 0
