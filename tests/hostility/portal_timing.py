"""Measure whether a portal's answers tell who has an account: by their time, or by anything in them.

Run by `make hostility`. Everything is printed as the tables of docs/hostility.md have it.
"""

import ipaddress
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, count, cycle
from pathlib import Path

from tests.harness.mariadb import running_mariadb
from tests.hostility.portal_people import KINDS, UNKNOWN, Door, FrontDoor, running_door
from tests.hostility.portal_visitor import Seen, Visitor
from tests.hostility.timing import report
from tests.hostility.wire_timing import Measured
from watchword.services.lost_phone import LINKS_OF_ACCOUNT
from watchword.services.portal_ports import PortalWork
from watchword.services.sign_in import BY_ACCOUNT_AND_PLACE, SignInRefused

TRIES_OF_A_NAME = 40
"""With those without the beat, fewer than an hour has for one account, from places where it never was."""

IN_FLIGHT = 6
"""Nearly all of a refusal is waiting. Fewer than a portal's turns, or they would wait for each other."""

AT_THE_LIMIT = 30
"""So many at once of those that take nobody's turn."""

BEAT_SECONDS = 2
"""As the default is: with a shorter one, a busy machine's hashes are not done within it, and then it tells."""

BURST, BURSTS = 32, 6

WRONG_PASSWORD, WRONG_CODE = "not the password", "000000"

Send = Callable[[str], tuple[float, Seen]]
"""Does something in an account's name; answers the seconds that it took, and what came back."""

_numbers = count(1)  # of many threads at once


def _new_address() -> str:
    """Answer an address where nobody was yet."""
    return str(ipaddress.IPv4Address("10.0.0.0") + next(_numbers))


@dataclass(frozen=True)
class Found:
    """What was measured, and what was seen of each kind."""

    measured: Measured
    seen: dict[str, dict[str, set[Seen]]]

    @property
    def telltales(self) -> list[str]:
        """Name what does not look the same for all kinds."""
        return [what for what, by_kind in self.seen.items() if len(set.union(*by_kind.values())) != 1]


def measure_portal(tries: int) -> None:
    """Measure so many tries of each kind, by PAM and by LDAP, and print what came out."""
    found = Found({}, {})
    with tempfile.TemporaryDirectory() as scratch:
        (database := Path(scratch) / "mariadb").mkdir()
        with running_mariadb(database) as mariadb:
            fronts: tuple[FrontDoor, ...] = ("pam", "ldap")
            for front in fronts:
                (directory := Path(scratch) / front).mkdir()
                names = -(-tries // TRIES_OF_A_NAME)
                with running_door(
                    directory, mariadb.create_database(), front, names_of_each=names, refusal_seconds=BEAT_SECONDS
                ) as door:
                    measure_door(door, tries, found)
            (directory := Path(scratch) / "bursts").mkdir()
            with running_door(
                directory,
                mariadb.create_database(),
                "pam",
                names_of_each=BURSTS,
                refusal_seconds=BEAT_SECONDS,
            ) as door:
                measure_bursts(door, found)
    print("not the same for all: " + (", ".join(found.telltales) or "nothing"), flush=True)


def measure_door(door: Door, tries: int, found: Found) -> None:
    """Try everything that an outsider, or a key's holder, can do in somebody's name."""
    visitor = Visitor(door.url)
    visitor.open("/sign-in")

    def refuse(name: str) -> tuple[float, Seen]:
        return visitor.send("/sign-in", name, _typed(name), _new_address())

    measure(f"password, {door.front}", door, refuse, tries, found)
    measure(
        f"one try too many, {door.front}", door, _too_many(door, visitor, tries), tries, found, at_once=AT_THE_LIMIT
    )
    measure(f"password, {door.front}, without the beat", door, _bare_refusal(door), min(tries, 100), found, at_once=1)
    if door.front == "pam":
        measure("code, REST API", door, _code_sender(door), tries, found, at_once=1)
        measure("lost phone, signed in", door, _link_asker(door), tries, found, KINDS[1:3], at_once=1)


def _typed(name: str) -> dict[str, str]:
    return {"account": name, "password": WRONG_PASSWORD, "next": "/"}


def _too_many(door: Door, visitor: Visitor, tries: int) -> Send:
    """Use up what each name has at many addresses; then send one try more from each of them."""
    spent: dict[str, list[str]] = {}
    now = int(door.desk.clock())
    window = BY_ACCOUNT_AND_PLACE.window_seconds
    for name in chain.from_iterable(door.names.values()):
        spent[name] = [_new_address() for _ in range(tries // len(door.names[UNKNOWN]) + 2)]
        buckets = [BY_ACCOUNT_AND_PLACE.bucket(name, address) for address in spent[name]]

        def work(rows: PortalWork, buckets: list[bytes] = buckets) -> None:
            for bucket in buckets * BY_ACCOUNT_AND_PLACE.tries:
                rows.throttles.take(bucket, now, window)

        door.desk.store.write(work)
    return lambda name: visitor.send("/sign-in", name, _typed(name), spent[name].pop())


def _bare_refusal(door: Door) -> Send:
    """Refuse in this process, where no beat hides how long it takes: this is what the beat is for."""

    def send(name: str) -> tuple[float, Seen]:
        began = time.perf_counter()
        try:
            door.desk.sign_in.sign_in(name, WRONG_PASSWORD, address=_new_address(), browser="")
        except SignInRefused as refused:
            return time.perf_counter() - began, Seen(0, (), 0, str(refused))
        raise AssertionError("a wrong password let somebody in")

    return send


def _code_sender(door: Door) -> Send:
    key = _new_key(door)
    visitor = Visitor(door.url)

    def send(name: str) -> tuple[float, Seen]:
        return visitor.ask_api("/api/v1/validate", name, key, {"account": name, "code": WRONG_CODE})

    return send


def _link_asker(door: Door) -> Send:
    """Sign everybody in whom the portal knows, and ask for a link as each of them."""
    visitors = {}
    for name in door.names["unpaired"] + door.names["paired"]:
        visitors[name] = visitor = Visitor(door.url)
        visitor.open("/sign-in")
        password = door.passwords[name]
        visitor.send("/sign-in", name, {"account": name, "password": password, "next": "/"}, _new_address())
        visitor.open("/lost")

    def send(name: str) -> tuple[float, Seen]:
        door.desk.throttle.forget(LINKS_OF_ACCOUNT, name)
        return visitors[name].send("/lost", name, {}, _new_address())

    return send


def _new_key(door: Door) -> str:
    return str(door.watchword.ask("api-key", "add", "timing", "--scope", "validate")["key"])


def measure_bursts(door: Door, found: Found) -> None:
    """Send many tries of one name at once, from many places: do they wait longer if the name is somebody's?"""
    what = f"{BURST} passwords of one name at once"
    found.measured[what] = defaultdict(list)
    found.seen[what] = defaultdict(set)
    visitor = Visitor(door.url)
    visitor.open("/sign-in")
    for turn in range(BURSTS):
        for kind in KINDS[:2]:
            name = door.names[kind][turn]
            with ThreadPoolExecutor(BURST) as pool:
                sent = [pool.submit(visitor.send, "/sign-in", name, _typed(name), _new_address()) for _ in range(BURST)]
            for answer in sent:
                seconds, seen = answer.result()
                found.measured[what][kind].append(seconds)
                found.seen[what][kind].add(seen)
    _print_rows(what, found)


def measure(
    what: str,
    door: Door,
    send: Send,
    tries: int,
    found: Found,
    kinds: Sequence[str] = KINDS,
    *,
    at_once: int = IN_FLIGHT,
) -> None:
    """Try so often for each kind, in an order drawn by chance, and add what was measured and seen to `found`."""
    found.measured[what] = defaultdict(list)
    found.seen[what] = defaultdict(set)
    names = {kind: cycle(door.names[kind]) for kind in kinds}
    turns = list(kinds) * tries
    random.shuffle(turns)
    for kind in kinds:
        send(next(names[kind]))  # warms up

    with ThreadPoolExecutor(at_once) as pool:
        for kind, (seconds, seen) in zip(turns, pool.map(lambda kind: send(next(names[kind])), turns), strict=True):
            found.measured[what][kind].append(seconds)
            found.seen[what][kind].add(seen)
    _print_rows(what, found)


def _print_rows(what: str, found: Found) -> None:
    for line in list(report({what: found.measured[what]}, KINDS))[2:]:
        print(line, flush=True)
