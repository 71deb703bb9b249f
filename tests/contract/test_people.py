"""The rows behind people's pages: pairings that have begun, mail, links, announcements; and who wins a race."""

import os
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy

from tests.contract.world import Server, World
from tests.harness.one_time_codes import oathtool_code
from watchword.domain.errors import InvalidValue, WatchwordError
from watchword.domain.tokens import Kind
from watchword.services.announce import kind_of
from watchword.services.keep_seeds import LocalKeeper
from watchword.services.lost_phone import LostPhone
from watchword.services.pair import Pairer
from watchword.services.pairing_flow import PairingFlows
from watchword.services.pairing_flow_rules import FlowOver, Paired, Walker
from watchword.services.ports_announcements import Announcement
from watchword.services.ports_flows import Flow, Stage
from watchword.services.ports_keeper import Keeper
from watchword.services.ports_mail import Letter, MailLink, WaitingMail
from watchword.services.throttle import Throttle
from watchword.services.write_mail import MailWriter
from watchword.services.write_mail_letters import Words

NOW = 1_800_000_000
WALKER = Walker("alice", b"s" * 32, "198.51.100.7", is_proved=False)


def a_flow(**changes: object) -> Flow:
    flow = Flow("alice", b"n" * 16, b"s" * 32, Kind.SOFT, 1, False, "SOFT-1", b"seed", "123456", "", 0, NOW + 600)
    return replace(flow, **changes)  # type: ignore[arg-type]  # names of its fields


def a_letter(mail_id: str = "m1", due_at: int = NOW) -> WaitingMail:
    letter = Letter("alice", "Subject", "Text with \N{SNOWMAN}", ("ops@example.org",))
    return WaitingMail(mail_id, letter, 0, due_at, NOW + 3600)


def pairing(server: Server, *, keeper: Keeper | None = None) -> PairingFlows:
    """Make the pairings of a server; without a keeper of its own, it opens seeds itself."""
    return PairingFlows(
        server.store,
        clock=server.clock,
        random_octets=os.urandom,
        throttle=Throttle(server.store, clock=server.clock),
        keeper=keeper
        or LocalKeeper(
            server.store,
            server.authenticator.answer,
            server.policy,
            clock=server.clock,
            random_octets=os.urandom,
            announce=True,
        ),
        pairer_at=lambda _address: pairer(server),
        mail=mail_writer(server),
        kinds=list(Kind),
        countries=("US",),
        text="{code}",
        drift_seconds=300,
        issuer="Test",
    )


def pairer(server: Server) -> Pairer:
    return Pairer(server.store, clock=server.clock, random_octets=os.urandom, issuer="Test", announce=True)


def mail_writer(server: Server) -> MailWriter:
    return MailWriter(server.clock, os.urandom, Words("Test", "https://mfa.example.org", "Ask."), is_on=True)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Do things at the same moment; answer what each came to, errors of ours included."""
    begun = threading.Barrier(len(acts))
    results: list[object] = [None] * len(acts)

    def run(place: int, act: Callable[[], object]) -> None:
        begun.wait()
        try:
            results[place] = act()
        except WatchwordError as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def count(server: Server, table: str) -> int:
    with server.database.engine.connect() as connection:
        return int(connection.scalar(sqlalchemy.text(f"SELECT count(*) FROM {table}")) or 0)


def test_a_flow_comes_back_as_it_was_put(server: Server) -> None:
    server.store.write(lambda rows: rows.flows.put(a_flow()))
    assert server.store.read(lambda rows: rows.flows.find("alice")) == a_flow()
    assert server.store.read(lambda rows: rows.flows.find("Alice")) is None


def test_a_flow_moves_once_from_each_step(server: Server) -> None:
    server.store.write(lambda rows: rows.flows.put(a_flow()))
    after = a_flow(step=2, shown=True, secret=b"+15125551234", code="1", issue="i", wrong=3)
    assert server.store.write(lambda rows: rows.flows.move(a_flow(), after))
    assert not server.store.write(lambda rows: rows.flows.move(a_flow(), after))
    assert not server.store.write(lambda rows: rows.flows.take(a_flow()))
    assert server.store.read(lambda rows: rows.flows.find("alice")) == after
    assert server.store.write(lambda rows: rows.flows.take(after))
    assert not server.store.write(lambda rows: rows.flows.take(after))


def test_a_flow_that_was_moved_to_another_account_is_taken_away(server: Server) -> None:
    server.store.write(lambda rows: rows.flows.put(a_flow()))
    with server.database.engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE flows SET account = 'mallory'"))
    assert server.store.write(lambda rows: rows.flows.find("mallory")) is None
    assert count(server, "flows") == 0


def test_flows_are_overdue_when_their_time_has_come(server: Server) -> None:
    server.store.write(lambda rows: rows.flows.put(a_flow()))
    assert server.store.write(lambda rows: rows.flows.overdue(NOW + 599, 10)) == []
    assert server.store.write(lambda rows: rows.flows.overdue(NOW + 600, 10)) == [a_flow()]


@pytest.mark.parametrize("kind", [Kind.SOFT, Kind.SMS])
def test_two_who_finish_a_pairing_at_once_make_one_token_or_end_it(world: World, kind: Kind) -> None:
    one, two = pairing(world.server), pairing(world.another_server("two"))
    one.begin(WALKER, kind)
    flow = one.show(WALKER)
    if flow.stage is Stage.NUMBER:
        assert one.give_number(WALKER, flow.ticket, "512 555 1234", "US") is None
        flow = one.show(WALKER)
    code = flow.code or oathtool_code(flow.secret.hex(), world.clock.seconds)
    results = at_once(*[lambda flows=flows: flows.prove(WALKER, flow.ticket, code) for flows in (one, two)])
    # A form that comes again ends the pairing, unless that was finished before.
    made = [result for result in results if isinstance(result, Paired)]
    assert len(made) <= 1 and all(isinstance(result, Paired | FlowOver) for result in results), results
    tokens = world.server.administrator.tokens(account="alice")
    assert [facts.serial for facts in tokens] == [paired.serial for paired in made]
    assert count(world.server, "flows") == 0


def test_two_who_begin_at_once_leave_one_flow(world: World) -> None:
    one, two = pairing(world.server), pairing(world.another_server("two"))
    results = at_once(lambda: one.begin(WALKER, Kind.SOFT), lambda: two.begin(WALKER, Kind.SMS))
    assert results == [None, None]
    assert count(world.server, "flows") == 1


def test_two_who_pair_an_unpaired_account_from_two_sessions_make_one_token(world: World) -> None:
    flows = pairing(world.server)
    thief = replace(WALKER, session_hash=b"t" * 32)
    flows.begin(thief, Kind.SOFT)
    shown = flows.show(thief)
    pairer(world.server).add_soft("alice")
    code = oathtool_code(shown.secret.hex(), world.clock.seconds)
    (result,) = at_once(lambda: flows.prove(thief, shown.ticket, code))
    assert isinstance(result, WatchwordError)
    assert len(world.server.administrator.tokens(account="alice")) == 1
    assert count(world.server, "flows") == 0


def test_a_waiting_mail_is_claimed_by_one(world: World) -> None:
    server, other = world.server, world.another_server("two")
    server.store.write(lambda rows: rows.mails.put(a_letter()))
    claims = at_once(*[lambda at=at: at.store.write(lambda rows: rows.mails.claim(NOW, 60)) for at in (server, other)])
    (claimed,) = [claim for claim in claims if claim is not None]
    assert isinstance(claimed, WaitingMail)
    assert claimed == replace(a_letter(), attempts=1, due_at=NOW + 60)
    assert not server.store.read(lambda rows: rows.mails.any_due(NOW + 59))
    server.store.write(lambda rows: rows.mails.postpone("m1", NOW + 5))
    assert server.store.read(lambda rows: rows.mails.any_due(NOW + 5))
    server.store.write(lambda rows: rows.mails.remove("m1"))
    assert count(server, "mails") == 0


def test_a_mail_that_cannot_be_opened_is_given_up(server: Server) -> None:
    server.store.write(lambda rows: rows.mails.put(a_letter()))
    with server.database.engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE mails SET account = 'mallory'"))
    assert server.store.write(lambda rows: rows.mails.claim(NOW, 60)) is None
    assert count(server, "mails") == 0


def test_links_are_used_once_and_swept_up(server: Server) -> None:
    link = MailLink(b"l" * 16, "alice", ("SOFT-1", "SMS-2"), NOW + 1800)
    server.store.write(lambda rows: rows.mail_links.add(link))
    assert server.store.read(lambda rows: rows.mail_links.find(b"l" * 16)) == link
    assert server.store.write(lambda rows: rows.mail_links.use(b"l" * 16))
    assert not server.store.write(lambda rows: rows.mail_links.use(b"l" * 16))
    server.store.write(lambda rows: rows.mail_links.add(link))
    assert server.store.write(lambda rows: rows.mail_links.prune(NOW + 1799)) == 0
    assert server.store.write(lambda rows: rows.mail_links.prune(NOW + 1800)) == 1
    server.store.write(lambda rows: rows.mail_links.add(link))
    assert server.store.write(lambda rows: rows.mail_links.drop_all("alice")) == 1


def test_two_who_use_a_link_at_once_use_it_once(world: World, server: Server) -> None:
    links: list[str] = []

    def remember(carried: str) -> str:
        links.append(carried)
        return carried

    def lost_phone(at: Server) -> LostPhone:
        return LostPhone(
            at.store,
            clock=at.clock,
            random_octets=os.urandom,
            throttle=Throttle(at.store, clock=at.clock),
            keys=at.keyring,
            pairer_at=lambda _address: pairer(at),
            mail=mail_writer(at),
            address_of_link=remember,
            link_minutes=30,
            is_operator=lambda _account: False,
        )

    one, two = lost_phone(server), lost_phone(world.another_server("two"))
    one.ask("alice", "198.51.100.7")
    carried = links[-1]
    results = at_once(lambda: one.use(carried, "a"), lambda: two.use(carried, "b"))
    assert sorted(isinstance(result, WatchwordError) for result in results) == [False, True]
    assert server.administrator.tokens(account="alice") == []


def test_a_pairing_whose_uri_cannot_be_composed_leaves_nothing(server: Server) -> None:
    before = {table: count(server, table) for table in ("accounts", "tokens", "audit")}
    clumsy = Pairer(server.store, clock=server.clock, random_octets=os.urandom, issuer="\ud800")
    with pytest.raises(UnicodeEncodeError):
        clumsy.add_soft("carol")
    for name in ("\ud800", "two words", ""):
        with pytest.raises(InvalidValue):
            server.pairer.add_soft(name)
    assert {table: count(server, table) for table in before} == before


def claim(server: Server, now: int = NOW) -> Announcement | None:
    return server.store.write(lambda rows: rows.announcements.claim(now, 60))


def test_a_change_is_announced_once_however_often_it_came(server: Server) -> None:
    for _ in range(3):
        server.store.write(lambda rows: rows.announcements.note("alice", NOW))
    told = claim(server)
    assert told is not None and (told.account, told.attempts) == ("alice", 1)
    assert claim(server) is None, "one has it in hand"
    assert server.store.write(lambda rows: rows.announcements.finish(told))
    assert count(server, "announcements") == 0


def test_a_change_while_the_directory_is_told_is_not_lost_and_nobody_else_takes_it(server: Server) -> None:
    server.store.write(lambda rows: rows.announcements.note("alice", NOW))
    told = claim(server)
    assert told is not None
    server.store.write(lambda rows: rows.announcements.note("alice", NOW))
    assert claim(server) is None
    assert not server.store.write(lambda rows: rows.announcements.finish(told))
    server.store.write(lambda rows: rows.announcements.release(told, NOW))
    again = claim(server)
    assert again is not None and again.mark != told.mark


def test_who_was_too_slow_neither_finishes_nor_releases_what_another_took(server: Server) -> None:
    server.store.write(lambda rows: rows.announcements.note("alice", NOW))
    slow = claim(server)
    quick = claim(server, NOW + 60)
    assert slow is not None and quick is not None
    assert not server.store.write(lambda rows: rows.announcements.finish(slow))
    server.store.write(lambda rows: rows.announcements.release(slow, NOW))
    assert claim(server, NOW + 60) is None
    assert server.store.write(lambda rows: rows.announcements.finish(quick))


def test_two_changes_of_one_account_at_once_leave_one_row(world: World, server: Server) -> None:
    other = world.another_server("two")
    results = at_once(*[lambda at=at: pairer(at).add_soft("alice") for at in (server, other)])
    assert not any(isinstance(result, WatchwordError) for result in results)
    assert count(server, "announcements") == 1


def test_what_is_announced_is_what_a_login_would_ask_for(server: Server) -> None:
    def kind(account: str) -> str:
        return server.store.read(lambda rows: kind_of(rows, account))

    assert kind("nobody") == ""
    assert kind("alice") == "soft"
    (token,) = server.administrator.tokens(account="alice")
    server.pairer.add_sms("alice", "+15125551234", country_code="1")
    assert kind("alice") == "soft"
    server.administrator.set_enabled(token.serial, enabled=False)
    assert kind("alice") == "sms"
    server.administrator.lock("bob")
    assert kind("bob") == "soft", "a held account is never let in without a code"
    server.pairer.add_sms("carol", "+15125551234", country_code="1")
    (only,) = server.administrator.tokens(account="carol")
    server.administrator.set_enabled(only.serial, enabled=False)
    assert kind("carol") == "sms", "nor is a disabled token no pairing"
