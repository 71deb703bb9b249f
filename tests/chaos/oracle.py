"""The oracle: holds what people typed, what passed over the wire and what the audit log says against each other.

It stands outside of the program: it reads datagrams and rows, and asks nobody.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.chaos.ledger import Ledger
from tests.chaos.login import Attempt, Outcome
from tests.chaos.people import Intent
from tests.chaos.wire import Heard


@dataclass(frozen=True)
class Findings:
    """What a scenario came to. Each of the three counts must be 0, and the log must verify."""

    name: str
    tried: int
    granted: int
    refused: int
    right_refused: int
    """Of the refused, those whose code was right: mostly spent by a request whose answer was lost."""
    unanswered: int
    doubles: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    intruders: list[str] = field(default_factory=list)
    longest_outage_seconds: float = 0.0
    log_is_whole: bool = True
    remark: str = ""

    @property
    def failures(self) -> list[str]:
        """Name all that must not be."""
        faults = [f"accepted twice: {one}" for one in self.doubles]
        faults += [f"not in the audit log: {one}" for one in self.missing]
        faults += [f"wrongly let in: {one}" for one in self.intruders]
        return faults + ([] if self.log_is_whole else ["`watchword audit verify` finds the log broken"])


def judge(
    name: str,
    attempts: Sequence[Attempt],
    heard: Heard,
    ledger: Ledger,
    remark: str = "",
) -> Findings:
    """Judge a scenario by what was tried, heard on the wire, and written down."""
    outcomes = Counter(attempt.outcome for attempt in attempts)
    right_refused = sum(a.outcome is Outcome.REFUSED and a.tried.intent is Intent.RIGHT for a in attempts)
    return Findings(
        name,
        tried=len(attempts),
        granted=outcomes[Outcome.GRANTED],
        refused=outcomes[Outcome.REFUSED],
        right_refused=right_refused,
        unanswered=outcomes[Outcome.UNANSWERED],
        doubles=sorted(_doubles(attempts, heard, ledger)),
        missing=sorted(_missing(attempts, heard, ledger)),
        intruders=sorted(_intruders(attempts, heard)),
        longest_outage_seconds=_longest_outage(attempts),
        log_is_whole=ledger.is_whole,
        remark=remark,
    )


def _doubles(attempts: Iterable[Attempt], heard: Heard, ledger: Ledger) -> set[str]:
    """Find codes that were accepted more than once: by servers, as nodes saw it, or as the audit log has it.

    A code tells its step, since people whose codes repeat nearby don't use them.
    """
    by_servers = Counter((accepted.asked.account, accepted.asked.code) for accepted in heard.accepted)
    by_nodes = Counter(
        (attempt.tried.person.account, attempt.tried.code) for attempt in attempts if attempt.outcome is Outcome.GRANTED
    )
    in_log = Counter(ledger.granted)  # a login has one code, and an address that no other has
    twice = {account for accepted in (by_servers, by_nodes) for (account, _), n in accepted.items() if n > 1}
    return twice | {f"{account} from {address}" for (account, address), n in in_log.items() if n > 1}


def _missing(attempts: Iterable[Attempt], heard: Heard, ledger: Ledger) -> set[str]:
    """Find grants that the audit log does not have, or whose code the database does not hold for spent."""
    rows = set(ledger.granted)
    granted = {(accepted.asked.account, accepted.asked.address) for accepted in heard.accepted}
    unspent = set()
    for attempt in attempts:
        who, step = attempt.tried.person.account, attempt.tried.step
        if attempt.outcome is Outcome.GRANTED:
            granted.add((who, attempt.address))
            if step is not None and ledger.last_steps.get(who, -1) < step:
                unspent.add(who)
    return {f"{account} from {address}" for account, address in granted - rows} | {f"{who}'s code" for who in unspent}


def _intruders(attempts: Iterable[Attempt], heard: Heard) -> set[str]:
    """Find who got in, at a server or at a node, and should not have."""
    by_address = {attempt.address: attempt for attempt in attempts}
    found = {f"{heard.unexplained} accepted without a request"} if heard.unexplained else set()
    proven = set()
    for accepted in heard.accepted:
        asked = accepted.asked
        proven.add(asked.address)
        attempt = by_address.get(asked.address)
        if attempt is None or not _may_enter(attempt, asked.account, asked.code):
            found.add(f"{asked.account} from {asked.address}")
    for attempt in attempts:
        who, intent = attempt.tried.person.account, attempt.tried.intent
        if attempt.outcome is Outcome.GRANTED and (intent is not Intent.RIGHT or attempt.address not in proven):
            found.add(f"{who} from {attempt.address}, {intent}")
    return found


def _may_enter(attempt: Attempt, account: str, code: str) -> bool:
    tried = attempt.tried
    return (tried.person.account, tried.code, tried.intent) == (account, code, Intent.RIGHT)


def _longest_outage(attempts: Sequence[Attempt]) -> float:
    """Return the longest time in which nobody was let in, from the first login's beginning to the last one's end."""
    began, ended = min(a.began for a in attempts), max(a.ended for a in attempts)
    moments = [a.ended for a in attempts if a.outcome is Outcome.GRANTED]
    return max(later - sooner for sooner, later in pairwise([began, *sorted(moments), ended]))
