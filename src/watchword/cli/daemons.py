"""`watchword radius`: the RADIUS server, in the foreground."""

import sys

import typer

from watchword.cli.context import config_file


def radius(context: typer.Context) -> None:
    """Run the RADIUS server until it is told to stop (SIGTERM). SIGHUP makes it read its clients again.

    Example: watchword --config /etc/watchword/watchword.toml radius
    """
    from watchword_radius.daemon import run  # noqa: PLC0415 - the other commands need no server

    sys.exit(run(config_file(context)))
