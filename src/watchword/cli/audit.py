"""`watchword audit …`: what happened."""

import sys
from typing import Annotated, Any

import typer

from watchword.cli.context import services_of
from watchword.cli.output import AsJson, bar, say, say_json, say_table, visible, when
from watchword.clock import pause
from watchword.domain.audit import ChainedEvent

app = typer.Typer(help="Read and verify the audit log.", no_args_is_help=True)

SECONDS_BETWEEN_LOOKS = 1.0


def _describe(row: int, chained: ChainedEvent) -> dict[str, Any]:
    event = chained.event
    return {
        "row": row,
        "at": event.at_milliseconds / 1000,
        "kind": event.kind,
        "result": event.result,
        "account": event.account,
        "serial": event.serial,
        "address": event.address,
        "node": event.node,
        "reason": event.reason,
        "actor": event.actor,
        "detail": event.detail,
        "writer": chained.writer,
        "sequence": chained.sequence,
    }


def _line(chained: ChainedEvent) -> str:
    event = chained.event
    parts = [when(event.at_milliseconds / 1000), event.kind, event.result, event.account or "-"]
    parts += [f"from {event.address}"] if event.address else []
    parts += [f"at {event.node}"] if event.node else []
    parts += [event.reason.replace("_", " ")] if event.reason else []
    parts += [f"({event.serial})"] if event.serial else []
    parts += [f"by {event.actor}"] if event.actor else []
    parts += [f"[{event.detail}]"] if event.detail else []
    return visible(" ".join(parts))


@app.command("list")
def list_events(
    context: typer.Context,
    account: Annotated[str, typer.Option(help="Only this account's.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest events, the oldest of them first. Example: watchword audit list --account alice."""
    with services_of(context) as services:
        events = services.reporter.newest(limit, account=account or None)
    if as_json:
        say_json([_describe(row, chained) for row, chained in events])
        return
    for _, chained in events:
        say(_line(chained))


@app.command()
def follow(context: typer.Context, as_json: AsJson = False) -> None:
    """Print events as they happen, until Ctrl-C. Example: watchword audit follow."""
    with services_of(context) as services:
        newest = services.reporter.newest(1)
        last = newest[-1][0] if newest else 0
        try:
            while True:
                for row, chained in services.reporter.since(last):
                    last = row
                    say_json(_describe(row, chained)) if as_json else say(_line(chained))
                pause(SECONDS_BETWEEN_LOOKS)
        except KeyboardInterrupt:
            return


@app.command()
def verify(context: typer.Context, as_json: AsJson = False) -> None:
    """Check that no event was changed, cut or reordered; ends with status 1 if one was.

    Example: watchword audit verify
    """
    with services_of(context) as services, bar("verifying", "events", hidden=as_json) as advance:
        reports = services.reporter.verify(advance)
    whole = not any(report.fault for report in reports)
    if as_json:
        chains = [{"writer": r.writer, "events": r.events, "fault": r.fault or None} for r in reports]
        say_json({"whole": whole, "chains": chains})
    else:
        rows = [[report.writer, str(report.events), report.fault or "whole"] for report in reports]
        say_table(["writer", "events verified", ""], rows)
        say("The audit log is whole." if whole else "The audit log was tampered with, or its keyring is incomplete.")
    if not whole:
        sys.exit(1)
