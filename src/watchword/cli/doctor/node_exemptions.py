"""exemptions.conf: what counts in it, and what does not."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from watchword.cli.doctor.findings import Area, Finding, Findings
from watchword.cli.doctor.trust import weaknesses
from watchword.domain.exemption_rules import Rule
from watchword.domain.exemptions import Problem, lines
from watchword_pam import exemption_list

AREA = Area("Exemptions")
NUMBERS_SHOWN = 10


def check_exemptions(path: Path, now: datetime) -> Findings:
    """Check the file as a login reads it, and its lines."""
    if not path.exists():
        yield AREA.ok(f"there is no {path}: nobody is exempt")
        return
    refused = exemption_list.why_refused(path.stat())
    if refused:
        yield AREA.problem(f"{path} {refused}: nobody is exempt", f"chown root {path}; chmod 0644 {path}")
    for weakness in weaknesses(path, group_may_write=True) if not refused else ():
        yield AREA.problem(f"{weakness}: who can write there can exempt anybody", "chown root and chmod go-w it")
    if not path.is_file():  # to read a FIFO would wait for a writer
        return
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    yield from _check_lines(path, text, now)


def _check_lines(path: Path, text: str, now: datetime) -> Iterator[Finding]:
    rules: list[tuple[int, Rule]] = []
    problems = []
    for number, _, meaning in lines(text):
        match meaning:
            case Rule():
                rules.append((number, meaning))
            case Problem():
                problems.append(meaning)
    for place, problem in enumerate(problems[:NUMBERS_SHOWN]):
        end = "; this line and everything below it is left out" if place == 0 else ""
        yield AREA.problem(f"{path}:{problem.line}: {problem.reason}{end}", "watchword exemptions edit")
    expired = {number for number, rule in rules if rule.has_ended(now.timetuple())}
    if expired:
        yield AREA.warning(f"expired, and without effect: {_numbers(sorted(expired))}", "watchword exemptions prune")
    for number, rule in rules:
        if number not in expired and rule.exempts and _is_everybody_everywhere(rule):
            yield AREA.warning(
                f"{path}:{number} exempts everybody from everywhere: nobody is asked for a code",
                'to switch the second factor off, set mode = "off" in pam.toml; else take the line out',
            )
    if not problems:
        count = len(rules) - len(expired)
        yield AREA.ok(f"every line of {path} is right; {count} {'rule is' if count == 1 else 'rules are'} in force")


def _is_everybody_everywhere(rule: Rule) -> bool:
    if len(rule.accounts) != 1 or len(rule.origins) != 1:  # EXCEPT spares somebody
        return False
    return "ALL" in rule.accounts[0] and "ALL" in rule.origins[0]


def _numbers(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:NUMBERS_SHOWN])
    more = len(numbers) - NUMBERS_SHOWN
    return f"line{'s' if len(numbers) > 1 else ''} {shown}{f' and {more} more' if more > 0 else ''}"
