"""Portals whose databases are three nodes of one Galera cluster."""

import functools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.harness.galera import Galera, GaleraNode, running_galera
from tests.harness.one_time_codes import oathtool_code
from tests.web.world import KnownPeople, password_of
from watchword.clock import now_seconds
from watchword.domain.errors import Conflict, StoreUnavailable, WatchwordError
from watchword.domain.otp import OtpProfile
from watchword.domain.tokens import Kind, Token, make_serial
from watchword.services.pairing_flow_rules import FlowOver, Paired, Walker, check_may_pair
from watchword.services.portal_ports import PortalWork
from watchword.services.sign_in import SignIn
from watchword.settings import Settings
from watchword.store import migrate
from watchword.store.keyring import KeyState, new_key, write_keys
from watchword.wiring.portal import Desk, open_desk

pytestmark = pytest.mark.slow

ADDRESS = "198.51.100.7"
AT_ONCE = 30
# docs/how-to/mariadb.md: what a node reads is what another has written by then.
CATCH_UP = "&init_command=" + quote("SET SESSION wsrep_sync_wait=1")


@pytest.fixture(scope="module")
def galera() -> Iterator[Galera]:
    with running_galera() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def desks(galera: Galera, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Desk]]:
    """A portal's services at each node."""
    directory = tmp_path_factory.mktemp("portals")
    write_keys(directory / "keyring", [new_key(KeyState.PRIMARY, 1)])
    database = galera.nodes[0].create_database()
    with ExitStack() as undo:
        opened = [_open(directory, node, node.url(database, galera.nodes[0].password)) for node in galera.nodes]
        for desk in opened:
            undo.callback(desk.close)
        migrate.upgrade(opened[0].store.database)
        yield opened


def _open(directory: Path, node: GaleraNode, url: str) -> Desk:
    name = node.directory.name
    (anchors := directory / name).mkdir()
    settings = {
        "database": {"url": url + CATCH_UP},
        "keyring": {"file": str(directory / "keyring")},
        "audit": {"server": name, "anchors": str(anchors)},
    }
    return open_desk(Settings.model_validate(settings))


def walker(account: str, session_hash: bytes = b"") -> Walker:
    return Walker(account, session_hash or os.urandom(32), ADDRESS, is_proved=False)


def code_of(secret: bytes, *, steps_ahead: int = 0) -> str:
    return oathtool_code(secret.hex(), int(now_seconds()) + 30 * steps_ahead)


def test_a_pairing_is_walked_over_three_nodes_and_used_and_ended_at_another(desks: list[Desk]) -> None:
    first, second, third = desks
    alice = walker("alice")
    first.people.pairing.begin(alice, Kind.SOFT)
    flow = second.people.pairing.show(alice)
    paired = third.people.pairing.prove(alice, flow.ticket, code_of(flow.secret))
    assert isinstance(paired, Paired)
    assert [token.serial for token in first.people.unpairer.tokens("alice")] == [paired.serial]
    second.people.unpairer.unpair("alice", paired.serial, code_of(flow.secret, steps_ahead=1), ADDRESS)
    assert [desk.people.unpairer.tokens("alice") for desk in desks] == [[], [], []]


def test_who_signs_in_at_one_node_is_signed_in_at_the_others_at_once(desks: list[Desk]) -> None:
    people = KnownPeople()
    for desk in desks:
        sign_in = SignIn(desk.store, people, people, desk.sessions, desk.throttle, desk.clock)
        begun = sign_in.sign_in("bob", password_of("bob"), address=ADDRESS, browser="test")
        assert all(other.sessions.find(begun.cookie) is not None for other in desks)


def at_once(desks: list[Desk], act: Callable[[Desk], str]) -> list[str]:
    """Do something thirty times at the same moment, in turn at each node."""
    together = threading.Barrier(AT_ONCE)

    def one(number: int) -> str:
        together.wait()
        return act(desks[number % len(desks)])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def test_of_thirty_first_pairings_of_an_account_at_once_one_wins(desks: list[Desk]) -> None:
    def pair(desk: Desk) -> str:
        carol = walker("carol")
        try:
            desk.people.pairing.begin(carol, Kind.SOFT)
            flow = desk.people.pairing.show(carol)
            desk.people.pairing.prove(carol, flow.ticket, code_of(flow.secret))
        # Its flow was replaced by another; or, again and again, another node was quicker.
        except (FlowOver, StoreUnavailable) as lost:
            return type(lost).__name__
        except WatchwordError as error:
            return str(error)
        return "paired"

    ends = at_once(desks, pair)
    assert ends.count("paired") == 1
    assert set(ends) <= {"paired", "FlowOver", "StoreUnavailable", "this account is paired already"}
    assert [len(desk.people.unpairer.tokens("carol")) for desk in desks] == [1, 1, 1]


def test_accounts_that_come_to_be_at_three_nodes_at_once_lose_no_try(desks: list[Desk]) -> None:
    """The node that is too late loses its savepoint, too: its work has to be begun anew, and is."""
    for number in range(10):
        name = f"new{number}"
        held = threading.Barrier(len(desks))

        def ensure(desk: Desk, name: str = name, held: threading.Barrier = held) -> int:
            held.wait()
            return desk.store.write(lambda rows: rows.accounts.ensure(name)).account_id

        with ThreadPoolExecutor(len(desks)) as pool:
            assert len(set(pool.map(ensure, desks))) == 1


def test_of_first_pairings_at_three_nodes_at_once_one_wins_though_the_account_was_there(desks: list[Desk]) -> None:
    """A lock holds on its own node alone: it is the rank, of which an account has each once, that settles it."""
    for number in range(20):
        name = f"dave{number}"
        make = functools.partial(_make_account, name=name)
        assert len({desk.store.write(make) for desk in desks}) == 1  # by now it is there, at each node
        together = threading.Barrier(len(desks))
        with ThreadPoolExecutor(len(desks)) as pool:
            ends = list(pool.map(functools.partial(_pair_first, name=name, together=together), desks))
        assert ends.count(True) == 1


def _make_account(rows: PortalWork, name: str) -> int:
    return rows.accounts.ensure(name).account_id


def _pair_first(desk: Desk, name: str, together: threading.Barrier) -> bool:
    """Pair an account that may have one token by now; answers whether it did not."""
    token = Token(make_serial(Kind.SOFT, os.urandom(4)), Kind.SOFT, os.urandom(20), OtpProfile())

    def work(rows: PortalWork) -> None:
        rows.accounts.ensure(name)
        check_may_pair(rows, walker(name))
        desk.pairer().tie(rows, name, token)

    together.wait()
    try:
        desk.store.write(work)
    except Conflict:
        return False
    return True
