"""One-shot validations a second, 64 in flight: ours, what people would use instead, and the ceiling of the language."""

import secrets
import sys
from collections.abc import Callable

from tests.bench.closed_loop import ClosedLoop
from tests.bench.figures import Series, ratio
from tests.bench.peers import echo_server, linotp, privacyidea, pyrad_server
from tests.bench.peers.environment import NotHad
from tests.bench.people import Crowd
from tests.bench.report import Aim, Row
from tests.bench.requests import Target
from tests.bench.stage import CHECKOUT, Stage
from tests.harness.ports import free_udp_port
from tests.harness.processes import running

ACCOUNTS = 100_000
ROUNDS = 27
SECONDS = 1.3
ROUNDS_A_PEER_TURN = 3
PEER_SECONDS = 4.0
"""Peers are so far behind that few turns tell enough; but they answer so little that a turn has to be long."""

WHAT = "one-shot validations a second, 64 in flight, two cores for everything"

Runner = Callable[[float], float]
"""Runs logins for about so many seconds, and returns how many were granted a second."""

WORKERS = (1, 2)

FIRST = ("pyrad's Server", "ours, workers = 2", "echo on asyncio", "ours, workers = 1")
"""What is compared closely: measured one after the other in each round, forth and back."""

COMPARED = {
    "privacyIDEA as documented, two workers": ("privacyIDEA as documented", 250.0),
    "privacyIDEA tuned, two workers": ("privacyIDEA tuned", 250.0),
    "LinOTP 4 (the faster of two ways to start it)": ("LinOTP", 30.0),
    "a pyrad server that only echoes: pyrad's own `Server`, subclassed": ("pyrad's Server", 0.5),
    "the same by hand: pyrad's packets on bare asyncio": ("echo on asyncio", 0.5),
}
"""What an aim compares ours with, how the names of its runs begin, and how many times as fast ours should be."""

NOTES = """\
- MariaDB with `innodb_flush_log_at_trx_commit=1`; server, database and client share the machine's two cores. All
  servers are up all the time, one is loaded at a time: ours and the echoes in turns of about 1.3 seconds, in changing
  order, the others in turns of 4 seconds in each third round.
- Every login is another account's, with a code that is right now and was never used: RFC 6238, 30 s, 6 digits. A run
  in which one login is not granted ends the measurement.
- Ours and the echoes are driven by a generator that has all packets made beforehand and checks each reply, from 64
  ports, as people's logins come; peers by an asyncio client, 64 in flight, that keeps connections where the server does
  (gunicorn's sync workers close them). Not by radclient, which takes a whole core while it waits.
- The two echoes accept whoever asks, and do nothing else: what a RADIUS server in Python does before it has done
  anything. "pyrad's Server" is `pyrad.server.Server` as its documentation shows it, subclassed to accept; "echo on
  asyncio" is pyrad's packets in a bare datagram protocol. Each is one process that checks the request's
  Message-Authenticator and writes the reply's, and leaves the other core to the generator.
"""


def measure(stage: Stage) -> Row:
    """Measure all in turns."""
    missing: dict[str, str] = {}
    runners = _runners(stage, missing)
    stage.say(f"in turns: {', '.join(runners)}")
    for run in runners.values():
        run(2.0)  # the first logins load, connect and fill caches
    samples: dict[str, list[float]] = {name: [] for name in runners}
    close = [name for name in runners if name in FIRST]
    peers = [name for name in runners if name not in FIRST]
    for turn in range(2 * ROUNDS_A_PEER_TURN if stage.quick else ROUNDS):
        stage.calibrate()
        for name in close if turn % 2 else reversed(close):
            samples[name].append(runners[name](SECONDS))
        for name in peers if turn % ROUNDS_A_PEER_TURN == 0 else ():
            samples[name].append(runners[name](PEER_SECONDS))
        stage.say(", ".join(f"{name} {values[-1]:,.0f}/s" for name, values in samples.items()))
    series = [Series(name, "/s", tuple(values)) for name, values in samples.items()]
    notes = NOTES + privacyidea.NOTES + linotp.NOTES
    return Row("One-shot validations", list(_aims(series, missing)), series, notes)


def _runners(stage: Stage, missing: dict[str, str]) -> dict[str, Runner]:
    runners: dict[str, Runner] = {}
    if stage.wants("echo"):
        runners["pyrad's Server"] = _echo(stage, pyrad_server.__name__)
        runners["echo on asyncio"] = _echo(stage, echo_server.__name__)
    if stage.wants("ours"):
        runners |= _ours(stage)
    for name, start in (("privacyIDEA", privacyidea.start), ("LinOTP", linotp.start)):
        if stage.wants(name.lower()):
            try:
                runners |= start(stage)
            except NotHad as reason:
                stage.say(f"{name} is not had: {reason}")
                missing[name] = str(reason)
    return {name: runners[name] for name in (*FIRST, *runners) if name in runners}


def _echo(stage: Stage, module: str) -> Runner:
    directory = stage.folder(module)
    target = Target(free_udp_port(), secrets.token_hex(8))
    argv = [sys.executable, "-m", module, str(target.port), target.secret]
    server = stage.undo.enter_context(running(argv, directory / "log", {"PYTHONPATH": str(CHECKOUT)}))
    server.wait_until(lambda: echo_server.READY in server.log_text())
    return ClosedLoop(target, Crowd(ACCOUNTS))


def _ours(stage: Stage) -> dict[str, Runner]:
    store = stage.store("ours", ACCOUNTS)
    crowd = Crowd(ACCOUNTS)
    runners: dict[str, Runner] = {}
    for workers in WORKERS:
        server = stage.radius_server(store, f"workers{workers}", workers=workers)
        runners[f"ours, workers = {workers}"] = ClosedLoop(Target(server.port, server.secret), crowd)
    return runners


def _aims(series: list[Series], missing: dict[str, str]) -> list[Aim]:
    """Compare the faster of ours with the faster of each peer's."""
    ours = _fastest(series, "ours")
    if ours is None:
        return []
    aims = []
    for against, (prefix, times) in COMPARED.items():
        theirs = _fastest(series, prefix)
        aim = f"{times:g} times"
        if theirs is None:
            aims.append(Aim(WHAT, against, aim, missing.get(prefix.split()[0], "not measured"), None))
            continue
        in_the_same_rounds = ours.values[:: len(ours.values) // len(theirs.values)]
        compared = ratio(in_the_same_rounds, theirs.values)
        measured = f"{compared} times: {ours.median:,.0f}/s, {theirs.median:,.0f}/s"
        aims.append(Aim(WHAT, against, aim, measured, compared.middle >= times))
    return aims


def _fastest(series: list[Series], prefix: str) -> Series | None:
    return max((one for one in series if one.name.startswith(prefix)), key=lambda one: one.median, default=None)
