"""The commands, put together."""

from pathlib import Path
from typing import Annotated

import typer

from watchword import cli
from watchword.cli import accounts, api_keys, audit, daemons, exemptions, keys, report, setup, tokens
from watchword.cli.doctor import doctor
from watchword.cli.output import fail
from watchword.domain.errors import WatchwordError
from watchword.settings import DEFAULT_FILE

app = typer.Typer(
    name="watchword",
    help="Multi-factor authentication for login nodes.\n\nExamples:\n\n  watchword token add alice --kind soft\n\n"
    "  watchword exemptions explain alice 192.0.2.7\n\n  watchword doctor",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(tokens.app, name="token")
app.add_typer(accounts.app, name="account")
app.add_typer(exemptions.app, name="exemptions")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(api_keys.app, name="api-key")
app.command()(setup.init)
app.command()(daemons.radius)
app.command()(daemons.portal)
app.command()(daemons.keeper)
app.command()(report.report)
app.command()(doctor)


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", envvar="WATCHWORD_CONFIG", help="The servers' configuration file.")
    ] = DEFAULT_FILE,
) -> None:
    context.ensure_object(dict)["config"] = config


def main() -> None:
    """Run the command line; ends the process."""
    try:
        app()
    except WatchwordError as error:
        fail(error)


__all__ = ["app", "cli", "main"]
