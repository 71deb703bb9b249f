"""The keeper of the seeds, on both databases: what it opens, for whom, and what it counts."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.world import SECRET, Server, World
from watchword.domain.audit import AuditEvent
from watchword.domain.errors import Conflict, InvalidValue, NotFound
from watchword.domain.otp import OtpProfile
from watchword.domain.outcome import Challenge, Denied, Granted, Outcome, Reason
from watchword.domain.seeds import SeedRow
from watchword.services.keep_seeds import LocalKeeper
from watchword.services.pair import MOST_TOKENS

HERE = "192.0.2.7"
OLGA: Any = {"actor": "olga", "why": "new fob", "address": "192.0.2.9"}
WRONG = "000000"


def keeper_of(server: Server, *, announce: bool = False) -> LocalKeeper:
    """Make a keeper among a server's services."""
    return LocalKeeper(
        server.store,
        server.authenticator.answer,
        server.policy,
        clock=server.clock,
        random_octets=os.urandom,
        announce=announce,
    )


@pytest.fixture
def keeper(server: Server) -> LocalKeeper:
    """A keeper; alice has a phone app of SECRET, and F1 and F2 lie in the drawer, with SECRET as well."""
    server.administrator.import_seeds([SeedRow(serial, SECRET, OtpProfile()) for serial in ("F1", "F2")])
    return keeper_of(server)


def events(server: Server, account: str) -> list[AuditEvent]:
    """What the audit log says of an account, newest first."""
    return [chained.event for _, chained in reversed(server.reporter.newest(100, account=account))]


def test_a_code_is_checked_spent_counted_and_written_down(world: World, server: Server, keeper: LocalKeeper) -> None:
    assert keeper.check("alice", world.code(), HERE) == Granted(server.administrator.tokens(account="alice")[0].serial)
    assert isinstance(server.one_shot("alice", world.code()), Denied)
    assert isinstance(keeper.check("alice", WRONG, HERE), Denied)
    assert server.administrator.view("alice").failures == 1
    newest = events(server, "alice")[0]
    assert (newest.address, newest.node, newest.reason) == (HERE, "portal", "wrong_code")


def test_what_is_no_code_at_all_is_a_wrong_one(server: Server, keeper: LocalKeeper) -> None:
    for typed in ("\ud800", "1" * 5000, "\x00"):
        assert isinstance(keeper.check("alice", typed, HERE), Denied)
    assert server.administrator.view("alice").failures == 3
    with pytest.raises(InvalidValue):
        keeper.check("no account", WRONG, HERE)


def test_a_code_is_texted_and_its_answer_checked(world: World, keeper: LocalKeeper, server: Server) -> None:
    server.pairer.add_sms("bob", "+15125551234", country_code="1")
    challenge = keeper.begin("bob", HERE)
    assert isinstance(challenge, Challenge) and challenge.message_waits
    server.postman.deliver_due()
    code = server.carrier.messages[0].text[:6]
    assert isinstance(keeper.answer("bob", challenge.handle, code, HERE), Granted)
    assert list(keeper.masked_phones("bob").values()) == ["XXX-XXX-1234"]


# fobs that people pair themselves


def test_whoever_has_shown_a_password_alone_pairs_the_first_fob_and_no_other(world: World, keeper: LocalKeeper) -> None:
    with pytest.raises(Conflict):
        keeper.assign_proved("alice", "F1", world.code(), HERE, as_first=True)
    assert isinstance(keeper.assign_proved("carol", "F1", world.code(), HERE, as_first=True), Granted)


def test_a_fob_is_paired_by_its_code_which_is_spent(world: World, server: Server, keeper: LocalKeeper) -> None:
    assert keeper.assign_proved("carol", "F1", world.code(), HERE) == Granted("F1")
    assert server.administrator.token("F1").account == "carol"
    assert isinstance(server.one_shot("carol", world.code()), Denied)
    assert isinstance(server.one_shot("carol", world.code(offset_seconds=30)), Granted)
    paired = events(server, "carol")[-1]
    assert (paired.reason, paired.actor, paired.address, paired.detail) == ("paired", "", HERE, "hard")


def refusals(world: World, server: Server, keeper: LocalKeeper) -> dict[str, Outcome]:
    """Refuse a fob for each reason that there is."""
    keeper.assign("dave", "F2", actor="olga")
    server.administrator.lock("held")
    for _ in range(20):
        server.one_shot("alice", WRONG)
    good = world.code()
    return {
        "wrong code": keeper.assign_proved("carol", "F1", WRONG, HERE),
        "no such serial": keeper.assign_proved("carol", "F9", good, HERE),
        "somebody's": keeper.assign_proved("carol", "F2", good, HERE),
        "one's own": keeper.assign_proved("dave", "F2", good, HERE),
        "no fob": keeper.assign_proved("carol", server.pairer.add_soft("x", secret=SECRET).serial, good, HERE),
        "locked out": keeper.assign_proved("alice", "F1", good, HERE),
        "held": keeper.assign_proved("held", "F1", good, HERE),
    }


def test_a_refused_fob_reads_the_same_whatever_was_wrong(world: World, server: Server, keeper: LocalKeeper) -> None:
    refused = refusals(world, server, keeper)
    assert {type(outcome) for outcome in refused.values()} == {Denied}
    assert len({outcome.text for outcome in refused.values() if isinstance(outcome, Denied)}) == 1
    of_others = {outcome.reason for outcome in refused.values() if isinstance(outcome, Denied)}
    assert of_others == {Reason.WRONG_CODE, Reason.LOCKED, Reason.HELD}
    assert server.administrator.token("F1").account == ""


def test_a_wrong_fob_counts_against_whoever_tries_and_locks_them_out(
    world: World, server: Server, keeper: LocalKeeper
) -> None:
    for _ in range(20):
        keeper.assign_proved("carol", "F1", WRONG, HERE)
    assert server.administrator.view("carol").locked == "too many failed codes"
    assert isinstance(keeper.assign_proved("carol", "F1", world.code(), HERE), Denied)
    assert server.administrator.token("F1").account == ""
    refused = events(server, "carol")
    assert [event.reason for event in refused[:2]] == ["locked_out", "wrong_code"]
    assert (refused[1].kind, refused[1].result, refused[1].detail) == ("pairing", "denied", "failures 20")
    world.clock.seconds += 1801
    assert isinstance(keeper.assign_proved("carol", "F1", world.code(), HERE), Granted)


def test_a_proved_fob_takes_no_failure_back(world: World, server: Server, keeper: LocalKeeper) -> None:
    """Or else whoever has a fob and a password could guess on, at the codes of the account's other token."""
    server.one_shot("alice", WRONG)
    assert isinstance(keeper.assign_proved("alice", "F1", world.code(offset_seconds=30), HERE), Granted)
    assert server.administrator.view("alice").failures == 1


def test_the_audit_log_never_has_what_was_typed_for_a_serial(server: Server, keeper: LocalKeeper) -> None:
    keeper.assign_proved("carol", "my-password", WRONG, HERE)
    assert "my-password" not in repr(events(server, "carol"))


def test_a_disabled_fob_cannot_be_paired(world: World, server: Server, keeper: LocalKeeper) -> None:
    server.administrator.set_enabled("F1", enabled=False)
    assert isinstance(keeper.assign_proved("carol", "F1", world.code(), HERE), Denied)


def test_a_fob_that_two_prove_at_once_is_one_accounts(world: World, server: Server, keeper: LocalKeeper) -> None:
    people, code = [f"user{number}" for number in range(4)], world.code()
    servers = [world.another_server(f"s{number}") for number in range(4)]
    with ThreadPoolExecutor(4) as threads:
        pairs = zip(servers, people, strict=True)
        answers = list(threads.map(lambda pair: keeper_of(pair[0]).assign_proved(pair[1], "F1", code, HERE), pairs))
    assert sum(isinstance(answer, Granted) for answer in answers) == 1
    winner = people[[isinstance(answer, Granted) for answer in answers].index(True)]
    assert server.administrator.token("F1").account == winner


def test_an_account_with_as_many_tokens_as_it_may_pairs_no_fob(
    world: World, server: Server, keeper: LocalKeeper
) -> None:
    for _ in range(MOST_TOKENS):
        server.pairer.add_static("carol")
    with pytest.raises(Conflict):
        keeper.assign_proved("carol", "F1", world.code(), HERE)
    assert isinstance(keeper.assign_proved("dave", "F1", world.code(), HERE), Granted)  # its code was not spent


# what operators do


def test_an_operators_work_is_written_down_with_who_why_and_from_where(
    world: World, server: Server, keeper: LocalKeeper
) -> None:
    keeper.assign("carol", "F1", **OLGA)
    assert keeper.resync("F1", world.code(offset_seconds=3600), world.code(offset_seconds=3630), **OLGA) == 3630
    keeper.unassign("F1", **OLGA)
    said = [(event.actor, event.address, event.detail) for event in events(server, "carol")]
    assert said == [("olga", "192.0.2.9", detail) for detail in ("hard: new fob", "new fob", "hard: new fob")]


def test_a_wrong_resync_counts_against_the_tokens_account_and_is_written_down(
    world: World, server: Server, keeper: LocalKeeper
) -> None:
    (token,) = server.administrator.tokens(account="alice")
    for _ in range(20):
        with pytest.raises(InvalidValue):
            keeper.resync(token.serial, "000000", "111111", **OLGA)
    assert server.administrator.view("alice").locked == "too many failed codes"
    assert isinstance(keeper.check("alice", world.code(), HERE), Denied)
    refused = events(server, "alice")[1]
    assert (refused.kind, refused.result, refused.reason) == ("administration", "denied", "token not resynced")
    assert (refused.serial, refused.actor, refused.detail) == (token.serial, "olga", "failures 20: new fob")
    with pytest.raises(InvalidValue):
        keeper.resync(token.serial, "000000", "111111", **OLGA)
    assert server.administrator.view("alice").failures == 20
    first, second = world.code(offset_seconds=3600), world.code(offset_seconds=3630)
    assert keeper.resync(token.serial, first, second, **OLGA) == 3630, "a clock that is off is why many are locked out"


def test_a_resync_with_codes_that_were_good_once_counts_nothing_and_a_fob_in_the_drawer_is_nobodys(
    world: World, server: Server, keeper: LocalKeeper
) -> None:
    (token,) = server.administrator.tokens(account="alice")
    codes = world.code(offset_seconds=60), world.code(offset_seconds=90)
    keeper.resync(token.serial, *codes, **OLGA)
    with pytest.raises(InvalidValue):
        keeper.resync(token.serial, *codes, **OLGA)
    assert server.administrator.view("alice").failures == 0
    with pytest.raises(InvalidValue):
        keeper.resync("F1", "000000", "111111", **OLGA)
    assert events(server, "")[0].reason == "token not resynced"


def test_an_operator_without_a_name_is_refused(keeper: LocalKeeper) -> None:
    for work in (
        lambda: keeper.assign("carol", "F1", actor=""),
        lambda: keeper.unassign("F1", actor=""),
        lambda: keeper.resync("F1", "1", "2", actor=""),
    ):
        with pytest.raises(InvalidValue):
            work()
    with pytest.raises(NotFound):
        keeper.unassign("F1", actor="olga")
    with pytest.raises(InvalidValue):
        keeper.assign("carol", "F1", actor="olga", why="x" * 201)


def test_the_directory_is_told_of_each_change_if_it_is_to_be(world: World, server: Server, keeper: LocalKeeper) -> None:
    announcing = keeper_of(server, announce=True)
    keeper.assign("nobody", "F2", actor="olga")
    announcing.assign("carol", "F1", actor="olga")
    told = server.store.write(lambda rows: rows.announcements.claim(int(world.clock()), 60))
    assert told is not None and told.account == "carol"
    assert server.store.write(lambda rows: rows.announcements.finish(told))
    announcing.unassign("F1", actor="olga")
    announcing.assign_proved("dave", "F1", world.code(), HERE)
    again = [server.store.write(lambda rows: rows.announcements.claim(int(world.clock()), 60)) for _ in range(3)]
    assert {each.account for each in again if each is not None} == {"carol", "dave"}
