"""The RADIUS servers of a node: whether they answer, and how fast."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from watchword.cli.doctor.findings import Area, Finding, Findings
from watchword.cli.doctor.status_server import Answered, Peer, Unanswered, ask_status
from watchword.clock import Clock

AREA = Area("RADIUS servers")
SLOW_MILLISECONDS = 500
MOST_AT_ONCE = 16


def check_servers(peers: Sequence[Peer], clock: Clock) -> Findings:
    """Ask every server at once; at most some seconds."""
    if not peers:
        yield AREA.warning("no server to ask: pam.toml names none that can be used", "add a [[server]] to pam.toml")
        return
    with ThreadPoolExecutor(MOST_AT_ONCE) as threads:
        answers = list(threads.map(lambda peer: ask_status(peer, clock), peers))
    for peer, answer in zip(peers, answers, strict=True):
        yield _finding(peer, answer)
    count = sum(isinstance(answer, Answered) for answer in answers)
    if count == 0:
        yield AREA.problem(
            "no server answers: nobody can log in with a code now",
            "begin with one: on it, run `watchword doctor`",
        )
    elif len(peers) == 1:
        yield AREA.warning(
            "there is one server alone: while it is away, nobody can log in with a code", "add a second [[server]]"
        )
    else:
        yield (
            AREA.ok(f"{count} of {len(peers)} servers answer")
            if count == len(peers)
            else AREA.warning(
                f"{count} of {len(peers)} servers answer: logins go on, slower",
                "mend the others before the next one goes",
            )
        )


def _finding(peer: Peer, answer: Answered | Unanswered) -> Finding:
    match answer:
        case Answered(milliseconds) if milliseconds > SLOW_MILLISECONDS:
            return AREA.warning(
                f"{peer.name} answers in {milliseconds:.0f} ms, or after a lost packet",
                "look at the network between, and at the load of the server and its database",
            )
        case Answered(milliseconds):
            return AREA.ok(f"{peer.name} answers in {milliseconds:.1f} ms")
        case Unanswered(forged=True):
            return AREA.problem(
                f"{peer.name} answers, but not with our secret",
                "make the secret in pam.toml the one of this node's [[radius.client]]; see also that it sends "
                "Message-Authenticator first. (radsecproxy answers this question by itself, unsigned: log in to know)",
            )
        case Unanswered(reason):
            return AREA.problem(
                f"{peer.name} does not answer{f': {reason}' if reason else ''}",
                "one of: the address or port is wrong; the server is down; a firewall stands between (UDP, both "
                "ways); this node is in no [[radius.client]] there; the secret differs; the server's database is "
                "down. On the server, `watchword doctor` and its log tell which",
            )
