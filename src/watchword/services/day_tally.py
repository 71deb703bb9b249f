"""What a batch of audit events adds to the counts of each day. Pure: the same events always come to the same.

What can be known, and how it is told from the log (docs/how-to/reports.md says what cannot):
a login with a code     a RADIUS server granted it
a login without         a node asked how the account is paired, and was told that it is not: in the modes `paired` and
                        `countdown` the node then lets the person in. No other mode asks. Of an account that is held
                        it is told that it is paired, though it has no token.
a pairing, its end      an account and a token were tied, or parted
"""

import enum
import functools
import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from watchword.domain.audit import EventKind, Result
from watchword.domain.outcome import Reason
from watchword.domain.tokens import Kind
from watchword.services.ports_statistics import Counted

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ACCOUNTS = "accounts"
"""Counts by how many more accounts had a token at the end of the day than at its beginning."""

KINDS = tuple(kind.value for kind in Kind)
OTHER_KIND = "other"
"""A kind of token that this version does not know."""

_QUARTER_MILLISECONDS = 900_000


class Factor(enum.StrEnum):
    """What opened a login, beside the first factor."""

    CODE = "code"
    NONE = "none"


class Origin(enum.StrEnum):
    """Where a login came from; unknown, if the node did not say."""

    INTERNAL = "internal"
    EXTERNAL = "external"
    UNKNOWN = "unknown"


def logins(factor: Factor, origin: Origin) -> str:
    """Name the count of logins."""
    return f"logins {factor} {origin}"


def people(factor: Factor) -> str:
    """Name the count of people, each once a day."""
    return f"people {factor}"


def paired(kind: str) -> str:
    """Name the count of new pairings."""
    return f"paired {kind}"


def ended(kind: str) -> str:
    """Name the count of pairings that ended."""
    return f"ended {kind}"


@dataclass
class Tally:
    """What events come to: counts by day and name, who logged in, how many tokens accounts gained."""

    internal_networks: Sequence[Network]
    counts: Counter[tuple[date, str]] = field(default_factory=Counter)
    people: dict[tuple[date, Factor], set[str]] = field(default_factory=dict)
    pairings: Counter[tuple[str, date]] = field(default_factory=Counter)

    def take(self, writer: str, events: Iterable[Counted]) -> None:
        """Add events of one writer. Codes that were proved to the portal opened no login: only RADIUS servers' do."""
        judges_logins = writer.rpartition("/")[2].startswith("radius")
        origin_of = functools.cache(functools.partial(origin, networks=self.internal_networks))
        for event in events:
            day = local_day(event.at_milliseconds)
            if day is None:
                continue
            match event.kind:
                case EventKind.LOGIN if judges_logins and event.result == Result.GRANTED:
                    self._log_in(day, Factor.CODE, event.account, origin_of(event.address))
                case EventKind.PAIRING_QUERY if (
                    judges_logins and event.result == Result.ANSWERED and event.account and _is_unpaired(event)
                ):
                    self._log_in(day, Factor.NONE, event.account, origin_of(event.address))
                case EventKind.PAIRING if event.account and event.result == Result.DONE:
                    self._pair(day, event)

    def _log_in(self, day: date, factor: Factor, account: str, origin: Origin) -> None:
        self.counts[day, logins(factor, origin)] += 1
        self.people.setdefault((day, factor), set()).add(account)

    def _pair(self, day: date, event: Counted) -> None:
        kind, _, _why = event.detail.partition(": ")  # an operator's reason stands after the kind
        if kind not in KINDS:
            kind = OTHER_KIND
        match event.reason:
            case "paired":
                self.counts[day, paired(kind)] += 1
                self.pairings[event.account, day] += 1
            case "unpaired" | "removed":
                self.counts[day, ended(kind)] += 1
                self.pairings[event.account, day] -= 1


def _is_unpaired(event: Counted) -> bool:
    """Tell whether a node was told that an account has no pairing."""
    return not event.serial and event.reason != Reason.HELD


def local_day(at_milliseconds: int) -> date | None:
    """Answer the day on which it was, by this machine's clock; None for a time that is in no calendar."""
    return _day_of_quarter(at_milliseconds // _QUARTER_MILLISECONDS)


@functools.lru_cache(maxsize=4096)
def _day_of_quarter(quarter: int) -> date | None:
    """Answer the day of a quarter of an hour: no zone of today begins its days within one."""
    try:
        return datetime.fromtimestamp(quarter * (_QUARTER_MILLISECONDS // 1000), UTC).astimezone().date()
    except (OverflowError, ValueError, OSError):
        return None


def origin(address: str, networks: Sequence[Network]) -> Origin:
    """Say whether an address is within these networks."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return Origin.UNKNOWN
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    within = any(parsed.version == network.version and parsed in network for network in networks)
    return Origin.INTERNAL if within else Origin.EXTERNAL


def steps(more: Mapping[date, int]) -> Counter[date]:
    """Say on which days an account became paired (1), or had no token any more (-1), by its gains of tokens.

    >>> steps({date(2026, 1, 1): 1, date(2026, 1, 5): 1, date(2026, 1, 9): -2})
    Counter({datetime.date(2026, 1, 1): 1, datetime.date(2026, 1, 9): -1})
    """
    found: Counter[date] = Counter()
    tokens = 0
    for day, gained in sorted(more.items()):
        was_paired, tokens = tokens > 0, tokens + gained
        if was_paired != (tokens > 0):
            found[day] = 1 if tokens > 0 else -1
    return found
