"""`watchword radius`: the RADIUS server, in the foreground."""

import os
import sys

import typer

from watchword.cli.context import config_file


def radius(context: typer.Context) -> None:
    """Run the RADIUS server until it is told to stop (SIGTERM). SIGHUP makes it read its clients again.

    Example: watchword --config /etc/watchword/watchword.toml radius
    """
    # Become the daemon, rather than import it: it stays a stranger, and holds nothing of the command line in memory.
    # -P: what lies in the directory that we were called from is not ours to import.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "watchword_radius", str(config_file(context))])  # noqa: S606
