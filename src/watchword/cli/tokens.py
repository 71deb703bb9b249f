"""`watchword token …`: what yields codes."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from watchword.cli.context import services_of
from watchword.cli.line_input import given_or_asked
from watchword.cli.output import AsJson, bar, say, say_done, say_json, say_table, when
from watchword.cli.token_add import add
from watchword.domain.tokens import Kind
from watchword.seedfiles import read, read_key_file, read_password_file
from watchword.services.ports_tokens import TokenFacts

app = typer.Typer(help="Add, show, change and import tokens.", no_args_is_help=True)

Serial = Annotated[str, typer.Argument(help="The token's serial, such as SOFT-7F3A19C2.")]
MOST_AT_ONCE = 1000

app.command()(add)


class SeedFormat(StrEnum):
    """What a file of seeds is written in."""

    AUTO = "auto"
    CSV = "csv"
    PSKC = "pskc"


@app.command("list")
def list_tokens(
    context: typer.Context,
    account: Annotated[str, typer.Option(help="Only this account's.")] = "",
    after: Annotated[str, typer.Option(help="Begin beyond this serial.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = MOST_AT_ONCE,
    as_json: AsJson = False,
) -> None:
    """List tokens by serial. Example: watchword token list --account alice."""
    with services_of(context) as services:
        found = services.administrator.tokens(after, limit, account=account or None)
        phones = services.administrator.masked_phones(after, limit, account=account or None) if as_json else {}
    if as_json:
        say_json([describe(token, phones) for token in found])
        return
    say_table(
        ["serial", "kind", "account", "name", "state", "last used"],
        [
            [
                token.serial,
                token.kind,
                token.account or "(in the drawer)",
                token.label,
                "enabled" if token.enabled else "disabled",
                when(token.last_used_at),
            ]
            for token in found
        ],
    )
    if len(found) == limit:
        say(f"There may be more: --after {found[-1].serial}")


def describe(token: TokenFacts, phones: Mapping[str, str]) -> dict[str, Any]:
    """Describe a token for programs; `phones` has the masked telephones, by serial."""
    described: dict[str, Any] = {
        "serial": token.serial,
        "kind": token.kind.value,
        "account": token.account or None,
        "name": token.label,
        "rank": token.rank,
        "enabled": token.enabled,
        "created_at": token.created_at,
        "last_used_at": token.last_used_at,
    }
    if token.kind.is_time_based:
        described["digits"] = token.profile.digits
        described["period_seconds"] = token.profile.period_seconds
        described["algorithm"] = token.profile.algorithm.value
        described["drift_seconds"] = token.drift_seconds
    if token.kind is Kind.SMS:
        described["phone"] = phones.get(token.serial)
    return described


@app.command()
def show(context: typer.Context, serial: Serial, as_json: AsJson = False) -> None:
    """Show a token. Example: watchword token show SOFT-7F3A19C2."""
    with services_of(context) as services:
        token = services.administrator.token(serial)
        phones = services.administrator.masked_phones(account=token.account) if token.kind is Kind.SMS else {}
    described = describe(token, phones)
    if as_json:
        say_json(described)
        return
    rows = described | {"created_at": when(token.created_at), "last_used_at": when(token.last_used_at)}
    say_table(["", ""], [[key.replace("_", " "), str(value)] for key, value in rows.items()])


@app.command()
def enable(context: typer.Context, serial: Serial, as_json: AsJson = False) -> None:
    """Let a token be used again. Example: watchword token enable SOFT-7F3A19C2."""
    with services_of(context) as services:
        services.administrator.set_enabled(serial, enabled=True)
    say_done(f"{serial} can be used", as_json=as_json, serial=serial, enabled=True)


@app.command()
def disable(context: typer.Context, serial: Serial, as_json: AsJson = False) -> None:
    """Keep a token from being used. Example: watchword token disable SOFT-7F3A19C2."""
    with services_of(context) as services:
        services.administrator.set_enabled(serial, enabled=False)
    say_done(f"{serial} cannot be used", as_json=as_json, serial=serial, enabled=False)


@app.command()
def first(context: typer.Context, serial: Serial, as_json: AsJson = False) -> None:
    """Make a token the one that a login of its account asks for. Example: watchword token first SMS-7F3A19C2."""
    with services_of(context) as services:
        services.administrator.make_first(serial)
    say_done(f"{serial} is its account's first token", as_json=as_json, serial=serial, rank=0)


@app.command()
def rename(
    context: typer.Context,
    serial: Serial,
    label: Annotated[str, typer.Argument(metavar="NAME", help="What its owner calls it.")],
    as_json: AsJson = False,
) -> None:
    """Give a token its owner's name for it. Example: watchword token rename SOFT-7F3A19C2 'my old phone'."""
    with services_of(context) as services:
        services.administrator.rename(serial, label)
    say_done(f"{serial} is called {label}", as_json=as_json, serial=serial, name=label)


@app.command()
def remove(context: typer.Context, serial: Serial, as_json: AsJson = False) -> None:
    """Remove a token for good. Example: watchword token remove SOFT-7F3A19C2."""
    with services_of(context) as services:
        services.pairer.remove(serial)
    say_done(f"{serial} is removed", as_json=as_json, serial=serial, removed=True)


@app.command()
def assign(
    context: typer.Context,
    serial: Serial,
    name: Annotated[str, typer.Argument(help="The account.")],
    as_json: AsJson = False,
) -> None:
    """Pair an account with a fob from the drawer. Example: watchword token assign 2600123456789 alice."""
    with services_of(context) as services:
        services.pairer.assign(serial, name)
    say_done(f"{name} is paired with {serial}", as_json=as_json, serial=serial, account=name)


@app.command()
def unassign(context: typer.Context, serial: Serial, as_json: AsJson = False) -> None:
    """Put a fob back in the drawer. Example: watchword token unassign 2600123456789."""
    with services_of(context) as services:
        services.pairer.unassign(serial)
    say_done(f"{serial} is in the drawer", as_json=as_json, serial=serial, account=None)


@app.command()
def resync(
    context: typer.Context,
    serial: Serial,
    first_code: Annotated[str, typer.Argument(metavar="CODE", help="A code of the token. `-` asks for it.")],
    second_code: Annotated[str, typer.Argument(metavar="NEXT", help="The code that came after it. `-` asks for it.")],
    as_json: AsJson = False,
) -> None:
    """Find a token's clock again by two codes in a row. Example: watchword token resync 2600123456789 - -."""
    first_code, second_code = given_or_asked(first_code, "code"), given_or_asked(second_code, "next code")
    with services_of(context) as services:
        drift_seconds = services.administrator.resync(serial, first_code, second_code)
    if as_json:
        say_json({"serial": serial, "drift_seconds": drift_seconds})
    else:
        say(f"{serial} is in step again; its clock is {drift_seconds} s off")


@app.command("import")
def import_seeds(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What the maker of the fobs sent.")],
    file_format: Annotated[SeedFormat, typer.Option("--format", help="What it is written in.")] = SeedFormat.AUTO,
    key_file: Annotated[Path | None, typer.Option(help="PSKC: the key that encrypts it.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="PSKC: the password that encrypts it.")] = None,
    period: Annotated[
        int | None, typer.Option(min=10, max=300, help="Seconds of a code, where the file is silent.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put the fobs of a file in the drawer: all of them, or none if a line is wrong.

    Example: watchword token import c200.csv --period 60
    """
    seeds = read(
        file,
        file_format.value,
        key=read_key_file(key_file) if key_file else None,
        password=read_password_file(password_file) if password_file else None,
        period_seconds=period,
    )
    with (
        services_of(context) as services,
        bar("importing", "fobs", total=len(seeds), hidden=as_json) as advance,
    ):
        count = services.administrator.import_seeds(seeds, advance)
    if as_json:
        say_json({"imported": count})
    else:
        say(f"{count} fobs are in the drawer; `watchword token assign` pairs one")


@app.command()
def regenerate(
    context: typer.Context,
    pattern: Annotated[str, typer.Argument(help="The accounts, such as 'train*'.")],
    as_json: AsJson = False,
) -> None:
    """Draw new codes for the static tokens of a whole class, and print them.

    Example: watchword token regenerate 'train*'
    """
    with services_of(context) as services:
        codes = services.administrator.regenerate_class(pattern)
    if as_json:
        say_json([{"account": new.account, "serial": new.serial, "code": new.code} for new in codes])
    else:
        say_table(["account", "code", "serial"], [[new.account, new.code, new.serial] for new in codes])
