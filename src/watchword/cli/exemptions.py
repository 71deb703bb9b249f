"""`watchword exemptions …`: who goes without a second factor on this node."""

import os
import shlex
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from watchword.cli.context import operator
from watchword.cli.output import AsJson, say, say_json, say_table, visible
from watchword.clock import local_now
from watchword.domain.errors import Conflict, InvalidValue
from watchword.domain.exemption_rules import Rule
from watchword.domain.exemptions import Finding, Problem, lines
from watchword.domain.exemptions import check as find_problems
from watchword.domain.expiry import Moment
from watchword.domain.origins import NOT_AN_ADDRESS, client_address
from watchword.services import exemption_file
from watchword.services.exemption_file import Choice
from watchword_pam import exemption_list, system_log

DEFAULT_FILE = Path("/etc/watchword/exemptions.conf")

NUMBERS_LOGGED = 40

app = typer.Typer(
    help="See and change who goes without a second factor on this node.\n\n"
    "A rule is a line: permission : accounts : origins [ : expires ]. The first that matches decides.\n\n"
    "Examples:\n\n  watchword exemptions explain alice 192.0.2.7\n\n"
    "  watchword exemptions add alice --from 192.0.2.7 --until 2026-12-31\n\n  watchword exemptions edit",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Option("--file", "-f", help="The exemption file.")]
Origins = Annotated[str, typer.Option("--from", help="Addresses, networks, @netgroup, LOCAL or ALL.")]
Until = Annotated[str, typer.Option(help="A date, a date and time (this node's clock), or ALL for ever.")]


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The exemption file.")] = DEFAULT_FILE,
    as_json: AsJson = False,
) -> None:
    """Find the lines that do not parse; status 1 if there are any. Example: watchword exemptions check new.conf."""
    problems = find_problems(exemption_file.read(file))
    refused = _warn_if_refused(file)
    if as_json:
        say_json({"file": str(file), "refused": refused, "problems": [_described(problem) for problem in problems]})
    else:
        _show_problems(file, problems)
        if not problems:
            say(f"{file}: every line is right")
    if problems:
        raise typer.Exit(1)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="The account.")],
    address: Annotated[str, typer.Argument(help="Where it logs in from; LOCAL for no network at all.")],
    file: File = DEFAULT_FILE,
    at: Annotated[str, typer.Option(help="Another time than now: 2026-12-31, or 2026-12-31T18:00.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say whether a login is exempt, and by which line. Example: watchword exemptions explain alice 192.0.2.7."""
    if client_address(address) == NOT_AN_ADDRESS and address != "LOCAL":
        raise typer.BadParameter("write the address in numbers, as 192.0.2.7 or 2001:db8::7, or LOCAL")
    moment = _moment(at)
    _warn_if_refused(file)
    origin = None if address == "LOCAL" else address
    finding = exemption_list.explain(exemption_file.read(file), name, origin, moment.timetuple(), _warn)
    if as_json:
        say_json(_answer(finding))
        return
    say(f"{name} from {address} is {'exempt' if finding.exempt else 'not exempt'}: {finding.reason}")
    if finding.line:
        say(f"  {file}:{finding.line}: {visible(finding.rule)}")
    if finding.bad_line:
        say(f"  {file}:{finding.bad_line}: {visible(finding.bad_reason)}")


@app.command("list")
def list_rules(file: File = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """List the rules and whether they are in force. Example: watchword exemptions list --json."""
    rows = _rows(exemption_file.read(file), local_now().timetuple())
    if as_json:
        say_json(rows)
    else:
        say_table(("line", "state", "rule"), [(str(row["line"]), row["state"], row["rule"]) for row in rows])


@app.command()
def add(
    accounts: Annotated[str, typer.Argument(help="Names, (group), @netgroup, ALL, EXCEPT; in quotes if several.")],
    origins: Origins,
    until: Until,
    file: File = DEFAULT_FILE,
    deny: Annotated[bool, typer.Option("--deny", help="Say that these are not exempt, whatever stands below.")] = False,
    top: Annotated[bool, typer.Option("--top", help="Put the rule above all others.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a rule, at the end unless told --top.

    Example: watchword exemptions add "(staff) EXCEPT carol" --from 192.0.2.0/24 --until 2026-12-31
    """
    # A colon among the accounts or a comment sign would shift or cut the fields that follow.
    if ":" in accounts or "#" in accounts + origins + until:
        raise InvalidValue("accounts have no colon, and nothing here a #", hint="see: watchword exemptions add --help")
    rule = f"{'-' if deny else '+'} : {accounts.strip()} : {origins.strip()} : {until.strip()}"
    added = exemption_file.add_rule(file, rule, local_now().timetuple(), at_top=top)
    _record(file, f"rule added as line {added.line.number}: {rule}")
    earlier = added.decided_by
    if as_json:
        say_json({"line": added.line.number, "rule": rule, "decided_by": earlier.number if earlier else None})
    else:
        say(f"{file}:{added.line.number}: {rule}")
    if earlier:
        _warn(f"it has no effect: line {earlier.number} decides before it ({earlier.text}); use --top, or edit")


@app.command()
def prune(
    file: File = DEFAULT_FILE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take out the rules that have expired; comments stay. Example: watchword exemptions prune --dry-run."""
    gone = exemption_file.prune_expired(file, local_now().timetuple(), dry_run=dry_run)
    if gone and not dry_run:
        numbers = " ".join(str(line.number) for line in gone[:NUMBERS_LOGGED])
        more = " ..." if len(gone) > NUMBERS_LOGGED else ""
        _record(file, f"expired rules taken out: {len(gone)}, from lines {numbers}{more}")
    if as_json:
        say_json({"dry_run": dry_run, "removed": [{"line": line.number, "rule": visible(line.text)} for line in gone]})
        return
    for line in gone:
        say(f"{file}:{line.number}: {visible(line.text.strip())}")
    say(f"{len(gone)} expired {'rule' if len(gone) == 1 else 'rules'} {'would go' if dry_run else 'taken out'}")


@app.command()
def edit(file: File = DEFAULT_FILE) -> None:
    """Edit the file with $VISUAL or $EDITOR, and check it before it counts. Example: watchword exemptions edit."""
    changed = exemption_file.edit(file, _open_editor, lambda problems: _ask(file, problems))
    if changed:
        _record(file, f"edited, lines that differ: {changed}")
    say(f"{file} {'is in effect from the next login on' if changed else 'is as it was'}")


def _record(file: Path, what: str) -> None:
    """Leave a line in the log of logins: who opened or shut a door, where and how."""
    system_log.write_text(f"exemptions: {operator()} changed {file.absolute()}: {what}")


def _open_editor(copy: Path) -> None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        # The person's own editor, by the person's own wish, as crontab -e and visudo start it.
        subprocess.run([*shlex.split(editor), str(copy)], check=True)  # noqa: S603
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise Conflict(
            f"the editor failed ({editor}); nothing was changed", hint="set VISUAL to your editor"
        ) from error


def _ask(file: Path, problems: list[Problem]) -> Choice:
    _show_problems(file, problems)
    _warn(f"nothing from line {problems[0].line} on would count")
    letters = {"e": Choice.EDIT_AGAIN, "d": Choice.DISCARD, "i": Choice.INSTALL}
    while True:
        answer = typer.prompt("(e)dit again, (d)iscard, or (i)nstall all the same", default="e", err=True)
        if answer[:1].lower() in letters:
            return letters[answer[:1].lower()]


def _show_problems(file: Path, problems: list[Problem]) -> None:
    for problem in problems:
        typer.echo(f"{file}:{problem.line}: {visible(problem.reason)}\n  {visible(problem.text.strip())}", err=True)


def _warn_if_refused(file: Path) -> str:
    """Warn if a login would not use the file, whatever it says, and return why."""
    refused = exemption_list.why_refused(file.stat()) if file.exists() else ""
    if refused:
        _warn(f"a login takes no notice of {file}: it {refused}")
    return refused


def _warn(text: str) -> None:
    typer.echo(f"watchword: {visible(text)}", err=True)


def _moment(at: str) -> datetime:
    """Read --at as this node's local time, unless it names another zone; a day alone is its first moment."""
    if not at:
        return local_now()
    try:
        return datetime.fromisoformat(at).astimezone()
    except ValueError:
        raise typer.BadParameter("write a time as 2026-12-31 or 2026-12-31T18:00", param_hint="--at") from None


def _answer(finding: Finding) -> dict[str, Any]:
    return {
        "exempt": finding.exempt,
        "line": finding.line or None,
        "rule": visible(finding.rule) or None,
        "expires": finding.expires,
        "reason": finding.reason,
        "bad_line": finding.bad_line or None,
        "bad_reason": visible(finding.bad_reason) or None,
    }


def _described(problem: Problem) -> dict[str, Any]:
    return {"line": problem.line, "text": visible(problem.text), "reason": visible(problem.reason)}


def _rows(text: str, now: Moment) -> list[dict[str, Any]]:
    """Describe each rule; below a line that does not parse, none is in force."""
    rows: list[dict[str, Any]] = []
    ended = False
    for number, line, meaning in lines(text):
        if meaning is None:
            continue
        state = "left out" if ended else "in force"
        if isinstance(meaning, Rule):
            state = "expired" if meaning.has_ended(now) else state
        else:
            state, ended = "does not parse", True
        rows.append({"line": number, "state": state, "rule": visible(" ".join(line.split()))})
    return rows
