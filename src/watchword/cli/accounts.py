"""`watchword account …`: whether a person can log in, and why not."""

from typing import Annotated, Any

import typer

from watchword.cli.context import services_of
from watchword.cli.output import AsJson, say, say_done, say_json, say_table, when
from watchword.cli.tokens import MOST_AT_ONCE, describe
from watchword.domain.lockout import FOREVER
from watchword.services.administer import AccountView

app = typer.Typer(help="Show, lock and unlock accounts.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The account.")]


@app.command("list")
def list_accounts(
    context: typer.Context,
    after: Annotated[str, typer.Option(help="Begin beyond this name.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = MOST_AT_ONCE,
    as_json: AsJson = False,
) -> None:
    """List the accounts that were ever paired. Example: watchword account list."""
    with services_of(context) as services:
        found = services.administrator.accounts(after, limit)
    if as_json:
        say_json([_brief(view) for view in found])
        return
    say_table(
        ["account", "failures", "locked", "until"],
        [[view.name, str(view.failures), view.locked or "no", _until(view)] for view in found],
    )
    if len(found) == limit:
        say(f"There may be more: --after {found[-1].name}")


def _brief(view: AccountView) -> dict[str, Any]:
    return {
        "account": view.name,
        "failures": view.failures,
        "locked": view.locked or None,
        "locked_until": view.locked_until or None,
    }


def _until(view: AccountView) -> str:
    if not view.locked:
        return ""
    if not view.locked_until or view.locked_until >= FOREVER:
        return "an operator unlocks it"
    return when(view.locked_until)


@app.command()
def show(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show an account and its tokens. Example: watchword account show alice."""
    with services_of(context) as services:
        view = services.administrator.view(name)
        phones = services.administrator.masked_phones(account=name) if as_json else {}
    if as_json:
        say_json(_brief(view) | {"tokens": [describe(token, phones) for token in view.tokens]})
        return
    say(f"{view.name}: {_state(view)}")
    say(f"failed codes in a row: {view.failures}")
    for number, token in enumerate(view.tokens):
        state = "" if token.enabled else ", disabled"
        place = "first" if number == 0 else "also"
        say(f"{place}: {token.serial} ({token.kind}{state}), last used {when(token.last_used_at)}")


def _state(view: AccountView) -> str:
    if view.locked:
        return f"locked ({view.locked}) until {_until(view)}"
    if not view.tokens:
        return "not paired"
    if not any(token.enabled for token in view.tokens):
        return "paired, but none of its tokens can be used"
    return "can log in"


@app.command()
def lock(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Hold an account, paired or not: no code opens it until `unlock`. Example: watchword account lock alice."""
    with services_of(context) as services:
        services.administrator.lock(name)
    say_done(f"{name} is locked until `watchword account unlock {name}`", as_json=as_json, account=name, locked=True)


@app.command()
def unlock(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Open an account, whoever or whatever locked it. Example: watchword account unlock alice."""
    with services_of(context) as services:
        services.administrator.unlock(name)
    say_done(f"{name} is unlocked", as_json=as_json, account=name, locked=False)


@app.command("clear-failures")
def clear_failures(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Start a new count of failed codes; this ends a lockout. Example: watchword account clear-failures alice."""
    with services_of(context) as services:
        services.administrator.clear_failures(name)
    say_done(f"{name} has no failed codes", as_json=as_json, account=name, failures=0)
