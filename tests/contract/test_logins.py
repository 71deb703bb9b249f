"""What a code opens, and what it does not."""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy

from tests.contract.world import SECRET, Server, World
from tests.harness.one_time_codes import oathtool_code
from watchword.domain.errors import StoreUnavailable
from watchword.domain.lockout import LockoutPolicy
from watchword.domain.otp import Algorithm, OtpProfile
from watchword.domain.outcome import Challenge, Denied, Granted, Outcome, Pairing, Reason
from watchword.domain.tokens import Kind
from watchword.services.attempts import Answer, Attempt, Begin, OneShot, PairingQuery


def refused(outcome: Outcome, reason: Reason) -> bool:
    return isinstance(outcome, Denied) and outcome.reason is reason


def test_a_right_code_grants_and_is_audited(world: World, server: Server) -> None:
    assert isinstance(server.one_shot("alice", world.code()), Granted)
    assert server.reasons("alice")[-1] == "right_code"


def test_a_code_is_good_once_within_a_batch_and_after(world: World, server: Server) -> None:
    attempt = Attempt("alice", OneShot(world.code()))
    first, second = server.answer(attempt, attempt)
    assert isinstance(first, Granted)
    assert refused(second, Reason.SPENT_CODE)
    assert refused(server.one_shot("alice", world.code()), Reason.SPENT_CODE)


def test_a_code_is_good_once_after_a_restart(world: World, server: Server) -> None:
    assert isinstance(server.one_shot("alice", world.code()), Granted)
    server.database.close()
    assert refused(world.another_server("restarted").one_shot("alice", world.code()), Reason.SPENT_CODE)


def at_once(*works: Callable[[], Outcome]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], Outcome]) -> None:
        barrier.wait()
        outcomes.append(work())

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == len(works)
    return outcomes


def test_a_code_that_reaches_servers_at_the_same_instant_is_accepted_once(world: World, server: Server) -> None:
    servers = [server, world.another_server("two"), world.another_server("three")]
    for round_ in range(20):
        world.clock.seconds += 30
        code = world.code()
        outcomes = at_once(*(partial(one.one_shot, "alice", code) for one in servers))
        assert sum(isinstance(outcome, Granted) for outcome in outcomes) == 1, f"round {round_}: {outcomes}"


def test_a_text_code_that_reaches_servers_at_the_same_instant_is_accepted_once(world: World) -> None:
    servers = [world.server, world.another_server("two")]
    world.server.pairer.add_sms("bob", "+15125551234", country_code="1")
    for _ in range(10):
        world.server.begin("bob")
        assert world.server.postman.deliver_due() == 1
        code = world.server.carrier.messages[-1].text[:6]
        outcomes = at_once(*(partial(one.one_shot, "bob", code) for one in servers))
        assert sum(isinstance(outcome, Granted) for outcome in outcomes) == 1


def test_a_code_older_than_the_last_accepted_one_is_refused(world: World, server: Server) -> None:
    older = world.code(offset_seconds=-60)
    assert isinstance(server.one_shot("alice", world.code()), Granted)
    assert refused(server.one_shot("alice", older), Reason.SPENT_CODE)


def test_a_wrong_code_spends_nothing(world: World, server: Server) -> None:
    right = world.code()
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    assert refused(server.one_shot("alice", wrong), Reason.WRONG_CODE)
    assert isinstance(server.one_shot("alice", right), Granted)


@pytest.mark.parametrize("offset_seconds", [-300, -150, 150, 300])
def test_a_phone_up_to_300_seconds_off_is_accepted(world: World, server: Server, offset_seconds: int) -> None:
    assert isinstance(server.one_shot("alice", world.code(offset_seconds=offset_seconds)), Granted)


@pytest.mark.parametrize("offset_seconds", [-360, 360])
def test_a_phone_further_off_is_refused(world: World, server: Server, offset_seconds: int) -> None:
    assert refused(server.one_shot("alice", world.code(offset_seconds=offset_seconds)), Reason.WRONG_CODE)


def test_the_drift_of_a_token_is_remembered(world: World, server: Server) -> None:
    assert isinstance(server.one_shot("alice", world.code(offset_seconds=240)), Granted)
    (token,) = server.administrator.tokens(account="alice")
    assert token.drift_steps == 8


def test_the_drift_of_many_logins_does_not_add_up(world: World, server: Server) -> None:
    assert isinstance(server.one_shot("alice", world.code(offset_seconds=300)), Granted)
    world.clock.seconds += 3600
    assert refused(server.one_shot("alice", world.code(offset_seconds=330)), Reason.WRONG_CODE)
    assert isinstance(server.one_shot("alice", world.code(offset_seconds=-300)), Granted)


def test_a_token_far_off_is_found_again_by_two_codes_in_a_row(world: World, server: Server) -> None:
    (token,) = server.administrator.tokens(account="alice")
    first, second = world.code(offset_seconds=7200), world.code(offset_seconds=7230)
    assert server.administrator.resync(token.serial, first, second) == 7230
    assert refused(server.one_shot("alice", second), Reason.SPENT_CODE)
    world.clock.seconds += 60
    assert isinstance(server.one_shot("alice", world.code(offset_seconds=7230)), Granted)
    world.clock.seconds += 600
    assert isinstance(server.one_shot("alice", world.code(offset_seconds=7530)), Granted)
    world.clock.seconds += 600
    assert refused(server.one_shot("alice", world.code(offset_seconds=7560)), Reason.WRONG_CODE)


@pytest.mark.parametrize("typed", ["123 456", "123-456", " 123456 "])
def test_spaces_and_dashes_in_a_code_do_not_matter(world: World, typed: str) -> None:
    world.server.pairer.add_static("train01", code="123456")
    assert isinstance(world.server.one_shot("train01", typed), Granted)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "١٢٣٤٥٦", "\ufffd", "123456\n1", "x" * 128])
def test_what_is_not_the_code_is_refused(world: World, typed: str) -> None:
    world.server.pairer.add_static("train01", code="123456")
    assert refused(world.server.one_shot("train01", typed), Reason.WRONG_CODE)


def test_a_static_code_is_good_again_and_again_until_it_is_redrawn(world: World) -> None:
    for name in ("train01", "train02", "other"):
        world.server.pairer.add_static(name, code="123456")
    assert isinstance(world.server.one_shot("train01", "123456"), Granted)
    assert isinstance(world.server.one_shot("train01", "123456"), Granted)
    redrawn = {code.account: code.code for code in world.server.administrator.regenerate_class("train*")}
    assert sorted(redrawn) == ["train01", "train02"]
    assert isinstance(world.server.one_shot("train02", redrawn["train02"]), Granted)
    assert isinstance(world.server.one_shot("other", "123456"), Granted)


def test_a_fob_of_60_seconds_and_sha256_is_accepted(world: World) -> None:
    profile = OtpProfile(8, 60, Algorithm.SHA256)
    world.server.pairer.add_hard("carol", "2600123456789", secret=SECRET, profile=profile)
    code = oathtool_code(SECRET.hex(), world.clock.seconds, period_seconds=60, digits=8, algorithm="sha256")
    assert isinstance(world.server.one_shot("carol", code), Granted)


def test_twenty_failures_lock_the_account_even_for_the_right_code(world: World, server: Server) -> None:
    for _ in range(20):
        assert refused(server.one_shot("alice", "000"), Reason.WRONG_CODE)
    assert refused(server.one_shot("alice", world.code()), Reason.LOCKED)


def test_a_code_that_was_good_once_is_no_guess_and_locks_nobody_out(world: World, server: Server) -> None:
    code = world.code()
    assert isinstance(server.one_shot("alice", code), Granted)
    for _ in range(25):
        assert refused(server.one_shot("alice", code), Reason.SPENT_CODE)
    assert server.administrator.view("alice").failures == 0
    assert isinstance(server.one_shot("alice", world.code(offset_seconds=30)), Granted)


def test_a_spent_code_leaves_the_failures_as_they_are(world: World, server: Server) -> None:
    code = world.code()
    assert isinstance(server.one_shot("alice", code), Granted)
    server.one_shot("alice", "000")
    server.one_shot("alice", code)
    assert server.administrator.view("alice").failures == 1


def test_a_lockout_that_ends_starts_a_new_count(world: World, server: Server) -> None:
    for _ in range(20):
        server.one_shot("alice", "000")
    world.clock.seconds += 1800
    assert refused(server.one_shot("alice", "000"), Reason.WRONG_CODE)
    assert isinstance(server.one_shot("alice", world.code()), Granted)
    for _ in range(19):
        assert refused(server.one_shot("alice", "000"), Reason.WRONG_CODE)
    assert isinstance(server.one_shot("alice", world.code(offset_seconds=30)), Granted)


def test_a_right_code_breaks_the_row_of_failures(world: World, server: Server) -> None:
    for _ in range(3):
        for _ in range(19):
            server.one_shot("alice", "000")
        assert isinstance(server.one_shot("alice", world.code()), Granted)
        world.clock.seconds += 30


def test_a_lockout_without_a_time_ends_only_by_an_operator(world: World) -> None:
    world.policy = replace(world.policy, lockout=LockoutPolicy(3, 0))
    server = world.another_server("strict")
    server.pairer.add_soft("alice", secret=SECRET)
    for _ in range(3):
        server.one_shot("alice", "000")
    world.clock.seconds += 10 * 365 * 86400
    assert refused(server.one_shot("alice", world.code()), Reason.LOCKED)
    server.administrator.clear_failures("alice")
    assert isinstance(server.one_shot("alice", world.code()), Granted)


def test_an_account_that_an_operator_holds_stays_shut_until_unlocked(world: World, server: Server) -> None:
    server.administrator.lock("alice")
    assert refused(server.one_shot("alice", world.code()), Reason.HELD)
    server.administrator.clear_failures("alice")
    assert refused(server.one_shot("alice", world.code()), Reason.HELD)
    server.administrator.unlock("alice")
    assert isinstance(server.one_shot("alice", world.code()), Granted)


def test_guesses_at_two_servers_at_once_are_all_counted(world: World, server: Server) -> None:
    two = world.another_server("two")
    guesses = [Attempt("alice", OneShot("000"))] * 15

    def guess(at: Server) -> Outcome:
        return at.answer(*guesses)[-1]

    at_once(lambda: guess(server), lambda: guess(two))
    reasons = list(server.reasons("alice"))
    assert reasons.count("wrong_code") == 20
    assert reasons.count("locked_out") == 10


def test_everybody_who_is_refused_reads_the_same_words(world: World, server: Server) -> None:
    server.pairer.add_soft("unpaired", secret=SECRET)
    for owned in server.administrator.tokens(account="unpaired"):
        server.pairer.remove(owned.serial)
    server.pairer.add_soft("held", secret=SECRET)
    server.administrator.lock("held")
    names = ["alice", "unpaired", "held", "nobody"]
    refusals = [server.one_shot(name, "000") for name in names]
    assert all(isinstance(refusal, Denied) for refusal in refusals)
    assert len({refusal.text for refusal in refusals if isinstance(refusal, Denied)}) == 1
    challenges = [server.begin(name) for name in names]
    assert len({challenge.text for challenge in challenges}) == 1
    again = [server.reply(name, "000", challenge) for name, challenge in zip(names, challenges, strict=True)]
    assert len({outcome.text for outcome in again if isinstance(outcome, Challenge)}) == 1
    assert len(again) == len([outcome for outcome in again if isinstance(outcome, Challenge)])
    assert server.reasons("unpaired")[0] == "unpaired"
    assert server.reasons("nobody")[0] == "unknown_account"


def test_a_challenge_can_be_answered_at_another_server(world: World, server: Server) -> None:
    challenge = server.begin("alice")
    assert isinstance(world.another_server("two").reply("alice", world.code(), challenge), Granted)


def test_three_wrong_answers_end_a_challenge(server: Server) -> None:
    outcome: Outcome = server.begin("alice")
    for _ in range(2):
        assert isinstance(outcome, Challenge)
        outcome = server.reply("alice", "000", outcome)
    assert isinstance(outcome, Challenge)
    assert refused(server.reply("alice", "000", outcome), Reason.WRONG_CODE)


def test_an_empty_answer_is_asked_again_and_not_counted(server: Server) -> None:
    outcome = server.reply("alice", "", server.begin("alice"))
    assert isinstance(outcome, Challenge)
    assert server.administrator.view("alice").failures == 0


def test_a_handle_is_good_for_its_own_account_only(world: World, server: Server) -> None:
    server.pairer.add_soft("mallory", secret=bytes(20))
    stolen = server.begin("mallory")
    assert refused(server.reply("alice", world.code(), stolen), Reason.STALE_STATE)


def test_an_altered_cut_or_empty_handle_is_refused(world: World, server: Server) -> None:
    handle = server.begin("alice").handle
    for position in range(len(handle)):
        altered = bytearray(handle)
        altered[position] ^= 1
        (outcome,) = server.answer(Attempt("alice", Answer(world.code(), bytes(altered))))
        assert refused(outcome, Reason.STALE_STATE)
    for length in range(len(handle)):
        (outcome,) = server.answer(Attempt("alice", Answer(world.code(), handle[:length])))
        assert refused(outcome, Reason.STALE_STATE)


def test_a_handle_older_than_ten_minutes_is_refused(world: World, server: Server) -> None:
    challenge = server.begin("alice")
    world.clock.seconds += 600
    assert refused(server.reply("alice", world.code(), challenge), Reason.STALE_STATE)


@pytest.mark.parametrize("name", ["Alice", "alice ", " alice", "ALICE", "álice", "alice\0", "a%", "_____", ""])
def test_a_name_that_only_resembles_an_account_is_nobodys(world: World, server: Server, name: str) -> None:
    assert refused(server.one_shot(name, world.code()), Reason.UNKNOWN)


def test_any_of_several_tokens_opens_and_the_first_one_is_asked_for(world: World, server: Server) -> None:
    server.pairer.add_static("alice", code="654321", label="class")
    server.pairer.add_sms("alice", "+15125551234", country_code="1", label="my phone")
    assert server.begin("alice").text == "Type a code, or sms to have one sent.\nToken code: "
    assert isinstance(server.one_shot("alice", "654321"), Granted)
    assert isinstance(server.one_shot("alice", world.code()), Granted)
    sms = next(t.serial for t in server.administrator.tokens(account="alice") if t.kind is Kind.SMS)
    server.administrator.make_first(sms)
    (pairing,) = server.answer(Attempt("alice", PairingQuery()))
    assert pairing == Pairing(Kind.SMS)
    assert "XXX-XXX-1234" in server.begin("alice").text


def test_typing_sms_has_a_code_sent(server: Server) -> None:
    server.pairer.add_sms("alice", "+15125551234", country_code="1")
    challenge = server.reply("alice", "SMS", server.begin("alice"))
    assert isinstance(challenge, Challenge)
    assert "XXX-XXX-1234" in challenge.text
    server.postman.deliver_due()
    assert isinstance(server.reply("alice", server.carrier.messages[0].text[:6], challenge), Granted)


def test_a_disabled_token_opens_nothing(world: World, server: Server) -> None:
    (token,) = server.administrator.tokens(account="alice")
    server.administrator.set_enabled(token.serial, enabled=False)
    assert refused(server.one_shot("alice", world.code()), Reason.UNPAIRED)
    server.administrator.set_enabled(token.serial, enabled=True)
    assert isinstance(server.one_shot("alice", world.code()), Granted)


def pairing_of(server: Server, account: str) -> Outcome:
    (pairing,) = server.answer(Attempt(account, PairingQuery()))
    return pairing


def test_only_an_account_without_any_token_counts_as_unpaired(server: Server) -> None:
    """Unpaired accounts are let in without a code in mode paired: nothing may look like one by accident."""
    (token,) = server.administrator.tokens(account="alice")
    server.administrator.set_enabled(token.serial, enabled=False)
    assert pairing_of(server, "alice") == Pairing(Kind.SOFT), "a disabled token is still a pairing"
    for damage in ("enabled = 1, sealed_secret = 'rubbish'", "kind = 'telepathy'", "algorithm = 'rot13'"):
        with server.database.engine.begin() as connection:
            connection.execute(sqlalchemy.text(f"UPDATE tokens SET {damage}"))
        assert pairing_of(server, "alice") != Pairing(None), "a token that cannot be used is, too"
    server.administrator.lock("mallory")
    assert pairing_of(server, "mallory") == Pairing(Kind.SOFT), "an operator's lock asks everybody for a code"
    server.pairer.remove(token.serial)
    assert pairing_of(server, "alice") == Pairing(None)
    assert pairing_of(server, "nobody") == Pairing(None)


def test_a_token_of_a_kind_from_a_newer_version_stops_nobody(world: World, server: Server) -> None:
    server.pairer.add_static("alice", code="123456")
    with server.database.engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE tokens SET kind = 'push' WHERE kind = 'static'"))
    assert refused(server.one_shot("alice", "123456"), Reason.WRONG_CODE)
    assert isinstance(server.one_shot("alice", world.code()), Granted)


def test_a_token_whose_row_was_given_to_another_account_opens_nothing(world: World, server: Server) -> None:
    server.pairer.add_soft("mallory", secret=bytes(range(20, 40)))
    (mallorys,) = server.administrator.tokens(account="mallory")
    alice = server.store.read(lambda work: work.accounts.find("alice"))
    assert alice is not None
    give = sqlalchemy.text("UPDATE tokens SET account_id = :alice, `rank` = 9 WHERE serial = :serial")
    with server.database.engine.begin() as connection:
        connection.execute(give, {"serial": mallorys.serial, "alice": alice.account_id})
    code = world.code(secret=bytes(range(20, 40)))
    assert refused(server.one_shot("alice", code), Reason.WRONG_CODE)
    with server.database.engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE accounts SET name = 'x' WHERE name = 'alice'"))
        connection.execute(sqlalchemy.text("UPDATE accounts SET name = 'alice' WHERE name = 'mallory'"))
    assert not isinstance(server.one_shot("alice", code), Granted)


def test_a_fob_opens_for_its_owner_and_after_unassigning_for_the_next(world: World) -> None:
    server = world.server
    server.pairer.add_hard("carol", "F1", secret=SECRET)
    server.pairer.unassign("F1")
    server.pairer.assign("F1", "dave")
    assert refused(server.one_shot("carol", world.code()), Reason.UNPAIRED)
    assert isinstance(server.one_shot("dave", world.code()), Granted)


def test_a_secret_copied_to_another_row_opens_nothing(world: World, server: Server) -> None:
    server.pairer.add_soft("root", secret=bytes(range(20, 40)))
    (mine,) = server.administrator.tokens(account="alice")
    (theirs,) = server.administrator.tokens(account="root")
    copy = sqlalchemy.text(
        "UPDATE tokens SET sealed_secret ="
        " (SELECT s FROM (SELECT sealed_secret AS s FROM tokens WHERE serial = :mine) AS x)"
        " WHERE serial = :theirs"
    )
    with server.database.engine.begin() as connection:
        connection.execute(copy, {"mine": mine.serial, "theirs": theirs.serial})
    # The damaged row is as if disabled; everybody else's login in the same batch goes on.
    root, alice = server.answer(Attempt("root", OneShot(world.code())), Attempt("alice", OneShot(world.code())))
    assert refused(root, Reason.UNPAIRED)
    assert isinstance(alice, Granted)


@pytest.mark.parametrize("damage", ["digits = 0", "digits = 5", "digits = 9", "period_seconds = 0"])
def test_a_row_whose_codes_would_be_easier_to_guess_opens_nothing_and_stops_nobody(
    world: World, server: Server, damage: str
) -> None:
    server.pairer.add_soft("root", secret=bytes(range(20, 40)))
    (theirs,) = server.administrator.tokens(account="root")
    with server.database.engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"UPDATE tokens SET {damage} WHERE serial = :it"), {"it": theirs.serial})
    root, alice = server.answer(Attempt("root", OneShot("")), Attempt("alice", OneShot(world.code())))
    assert refused(root, Reason.UNPAIRED)
    assert isinstance(alice, Granted)


def test_a_clock_set_back_accepts_nothing_twice(world: World, server: Server) -> None:
    code = world.code()
    assert isinstance(server.one_shot("alice", code), Granted)
    world.clock.seconds -= 120
    assert refused(server.one_shot("alice", code), Reason.SPENT_CODE)
    assert refused(server.one_shot("alice", world.code()), Reason.SPENT_CODE)


def test_nothing_is_granted_when_the_database_is_away(world: World, server: Server) -> None:
    with server.database.engine.begin() as connection:
        connection.execute(sqlalchemy.text("ALTER TABLE audit RENAME TO audit_gone"))
    code = world.code()
    with pytest.raises(StoreUnavailable) as caught:
        server.one_shot("alice", code)
    assert code not in str(caught.value)
    with server.database.engine.begin() as connection:
        connection.execute(sqlalchemy.text("ALTER TABLE audit_gone RENAME TO audit"))
    assert isinstance(server.one_shot("alice", code), Granted), "what was not granted was not spent"


def test_a_batch_of_many_is_settled_in_order(world: World, server: Server) -> None:
    world.server.pairer.add_static("train01", code="123456")
    alice = Attempt("alice", OneShot(world.code()))
    attempts = [Attempt("train01", OneShot("123456")), Attempt("nobody", Begin()), alice]
    granted, asked, also = server.answer(*attempts * 40)[:3]
    assert isinstance(granted, Granted)
    assert isinstance(asked, Challenge)
    assert isinstance(also, Granted)
    assert server.answer() == []
