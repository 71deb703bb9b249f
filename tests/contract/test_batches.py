"""Many logins in one transaction: each as if it were alone."""

import threading

import pytest
import sqlalchemy

from tests.contract.world import Server, World
from watchword.domain.errors import StoreUnavailable
from watchword.domain.lockout import Standing
from watchword.domain.outcome import Denied, Granted, Outcome, Reason
from watchword.services.attempts import Attempt, OneShot
from watchword.services.ports import StepClaim, Work
from watchword.store.logins import MOST_STATEMENTS

ODD_NAMES = [
    *('a"b', "a\\b", "a'b", "a\\u0041", "aA", "[1]", "$[0]", ":given", "%s", "null"),
    *("émile", "e\u0301mile", "王", "😀"),
]


def shot(name: str, code: str) -> Attempt:
    return Attempt(name, OneShot(code))


def reason_of(outcome: Outcome) -> Reason:
    assert isinstance(outcome, Denied)
    return outcome.reason


@pytest.mark.parametrize("together", [True, False])
def test_an_account_of_any_name_is_found_and_no_other(world: World, server: Server, together: bool) -> None:
    secrets = {name: bytes([number] * 20) for number, name in enumerate(ODD_NAMES)}
    for name, secret in secrets.items():
        server.pairer.add_soft(name, secret=secret)
    attempts = [shot(name, world.code(secret=secret)) for name, secret in secrets.items()]
    outcomes = server.answer(*attempts) if together else [server.answer(attempt)[0] for attempt in attempts]
    assert [type(outcome) for outcome in outcomes] == [Granted] * len(ODD_NAMES)
    serials = {outcome.serial for outcome in outcomes if isinstance(outcome, Granted)}
    assert len(serials) == len(ODD_NAMES)


@pytest.mark.parametrize("name", ["Alice", "alicE", "alice\u0301", "a", "alic_", "alic%", "aliceé", "alice0"])
def test_a_name_that_is_nearly_an_accounts_is_unknown(world: World, server: Server, name: str) -> None:
    (outcome,) = server.answer(shot(name, world.code()))
    assert reason_of(outcome) is Reason.UNKNOWN


def test_two_codes_of_one_token_in_one_batch_are_taken_in_their_order(world: World, server: Server) -> None:
    earlier, later = world.code(), world.code(offset_seconds=30)
    outcomes = server.answer(shot("alice", earlier), shot("alice", later), shot("alice", earlier), shot("alice", later))
    assert isinstance(outcomes[0], Granted) and isinstance(outcomes[1], Granted)
    assert [reason_of(outcome) for outcome in outcomes[2:]] == [Reason.SPENT_CODE, Reason.SPENT_CODE]


def test_after_a_later_code_an_earlier_one_in_the_same_batch_is_spent(world: World, server: Server) -> None:
    later, earlier = server.answer(shot("alice", world.code(offset_seconds=30)), shot("alice", world.code()))
    assert isinstance(later, Granted)
    assert reason_of(earlier) is Reason.SPENT_CODE
    assert reason_of(server.one_shot("alice", world.code())) is Reason.SPENT_CODE


def test_a_claim_on_a_spent_step_undoes_the_whole_work_and_is_tried_again(server: Server) -> None:
    (owned,) = server.store.read(lambda rows: rows.tokens.page("", 10, account="alice"))
    serial = owned.token.serial
    server.store.write(lambda rows: rows.logins.spend_steps([StepClaim(serial, 100, 100, 0)], 1))
    tries = []

    def stale(rows: Work) -> None:
        account = rows.logins.lock(["alice"])["alice"].account
        rows.logins.set_standings({account.account_id: Standing(failures=7)})
        tries.append(account.standing.failures)
        rows.logins.spend_steps([StepClaim(serial, 100 if len(tries) < 3 else 101, 102, 0)], 1)

    server.store.write(stale)
    assert tries == [0, 0, 0]
    assert server.store.read(lambda rows: rows.tokens.page("", 10, account="alice"))[0].token.last_step == 102


@pytest.mark.parametrize("apart", [0, 1], ids=["all alike", "each another step"])
def test_many_steps_are_spent_at_once_or_if_one_was_spent_none(server: Server, apart: int) -> None:
    serials = [server.pairer.add_soft(f"user{number}").serial for number in range(MOST_STATEMENTS + 2)]

    def spend(step: int, *, stale: int = 0) -> None:
        claims = [StepClaim(serial, step + n * apart, step + n * apart, n * apart) for n, serial in enumerate(serials)]
        claims[-1] = claims[-1]._replace(first_step=claims[-1].first_step - stale)
        server.store.write(lambda rows: rows.logins.spend_steps(claims, 7))

    def spent() -> list[tuple[int, int]]:
        page = server.store.read(lambda rows: rows.tokens.page("", 100, pattern="user*"))
        found = {owned.token.serial: (owned.token.last_step, owned.token.drift_steps) for owned in page}
        return [found[serial] for serial in serials]

    spend(100)
    expected = [(100 + n * apart, n * apart) for n in range(len(serials))]
    assert spent() == expected
    with pytest.raises(StoreUnavailable):
        spend(200, stale=100)
    assert spent() == expected
    spend(200)
    assert spent() == [(200 + n * apart, n * apart) for n in range(len(serials))]


def test_a_work_that_locked_and_wrote_nothing_lets_go(world: World, server: Server) -> None:
    server.store.write(lambda rows: rows.logins.lock(["alice"]))
    other = world.another_server("two")
    other.store.write(lambda rows: rows.logins.lock(["alice"]))
    other.store.write(lambda rows: rows.accounts.lock(["alice"]))
    assert server.store.write(lambda rows: rows.logins.lock(["alice"])).keys() == {"alice"}


def test_a_work_that_never_wins_is_given_up_and_nothing_of_it_is_written(server: Server) -> None:
    (owned,) = server.store.read(lambda rows: rows.tokens.page("", 10, account="alice"))
    server.store.write(lambda rows: rows.logins.spend_steps([StepClaim(owned.token.serial, 100, 100, 0)], 1))

    def stale(rows: Work) -> None:
        account = rows.logins.lock(["alice"])["alice"].account
        rows.logins.set_standings({account.account_id: Standing(held=True)})
        rows.logins.spend_steps([StepClaim(owned.token.serial, 99, 99, 0)], 1)

    with pytest.raises(StoreUnavailable):
        server.store.write(stale)
    account = server.store.read(lambda rows: rows.accounts.find("alice"))
    assert account is not None and not account.standing.held


def test_many_standings_are_written_at_once_and_nobodys_nowhere(server: Server) -> None:
    names = [f"user{number}" for number in range(50)]
    for name in names:
        server.store.write(lambda rows, name=name: rows.accounts.ensure(name))  # type: ignore[misc]
    server.answer(*(shot(name, "000000") for name in [*names, "nobody", "alice"]))
    standings = {row.name: row.standing for row in server.store.read(lambda rows: rows.accounts.page("", 100))}
    assert standings["alice"].failures == 1
    assert "nobody" not in standings
    assert {standings[name].failures for name in names} == {0}  # unpaired: there was no code to fail


def test_threads_of_one_writer_keep_one_chain(world: World, server: Server) -> None:
    barrier = threading.Barrier(3)

    def work() -> None:
        barrier.wait()
        for _ in range(15):
            server.one_shot("alice", "000")

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (report,) = server.reporter.verify()
    assert (report.fault, report.events) == ("", 46)


def test_processes_that_share_a_writer_by_mistake_keep_one_chain(world: World, server: Server) -> None:
    namesake = world.another_server("one")
    for _ in range(3):
        server.one_shot("alice", "000")
        namesake.one_shot("alice", "000")
    (report,) = server.reporter.verify()
    assert (report.fault, report.events) == ("", 7)


def test_a_chain_that_is_set_back_while_its_writer_runs_shows(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        server.one_shot("alice", "000")
    with server.database.engine.begin() as connection:
        mac = connection.execute(sqlalchemy.text("SELECT mac FROM audit WHERE sequence = 2")).scalar_one()
        connection.execute(sqlalchemy.text("DELETE FROM audit WHERE sequence > 2"))
        connection.execute(sqlalchemy.text("UPDATE audit_heads SET sequence = 2, mac = :mac"), {"mac": mac})
    server.one_shot("alice", "000")
    assert "changed behind our back" in caplog.text
    assert [report.fault for report in server.reporter.verify() if report.fault]
