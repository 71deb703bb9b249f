"""What the checks find. A check is a function that yields findings; it changes nothing, and it always ends."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from watchword.domain.errors import WatchwordError


class Level(StrEnum):
    """How much a finding matters: a problem must be mended, a warning should be understood."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do about it."""

    level: Level
    area: str
    what: str
    what_to_do: str = ""

    def described(self) -> dict[str, str]:
        """Describe it for programs."""
        return asdict(self)


Findings = Iterable[Finding]


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the machine that is examined, and the heading of what is found there."""

    name: str

    def ok(self, what: str) -> Finding:
        """Find that something is as it should be."""
        return Finding(Level.OK, self.name, what)

    def warning(self, what: str, what_to_do: str) -> Finding:
        """Find something that may be meant, but should be understood."""
        return Finding(Level.WARNING, self.name, what, what_to_do)

    def problem(self, what: str, what_to_do: str) -> Finding:
        """Find something that must be mended."""
        return Finding(Level.PROBLEM, self.name, what, what_to_do)

    def examine(self, check: Callable[[], Findings]) -> list[Finding]:
        """Run a check to its end. One that fails has found something too, and does not stop the rest."""
        found: list[Finding] = []
        try:
            for finding in check():
                found.append(finding)  # noqa: PERF402 - what was found before a failure is kept
        except WatchwordError as error:
            found.append(self.problem(str(error), error.hint or "mend that, then run this again"))
        except Exception as error:  # noqa: BLE001 - the type alone is shown: a message may quote a secret
            where = f" ({error.strerror}: {error.filename})" if isinstance(error, OSError) and error.filename else ""
            found.append(
                self.problem(
                    f"this could not be examined: {type(error).__name__}{where}",
                    "run this as root; if you did, this is a bug of Watchword's",
                )
            )
        return found


def is_healthy(findings: Findings) -> bool:
    """Tell whether there is no problem; warnings don't count."""
    return all(finding.level is not Level.PROBLEM for finding in findings)
