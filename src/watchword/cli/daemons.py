"""`watchword radius`, `watchword portal`, `watchword keeper`: the daemons, in the foreground."""

import os
import sys
from pathlib import Path
from typing import NoReturn

import typer

from watchword.cli import keeper_daemon
from watchword.cli.context import config_file


def radius(context: typer.Context) -> None:
    """Run the RADIUS server until it is told to stop (SIGTERM). SIGHUP makes it read its clients again.

    Example: watchword --config /etc/watchword/watchword.toml radius
    """
    _become("watchword_radius", config_file(context))


def portal(context: typer.Context) -> None:
    """Run the web portal until it is told to stop (SIGTERM).

    Example: watchword --config /etc/watchword/watchword.toml portal
    """
    _become("watchword.portal", config_file(context))


def keeper(context: typer.Context) -> None:
    """Run the keeper of the seeds, which the portal asks, until it is told to stop (SIGTERM).

    Example: watchword --config /etc/watchword/keeper.toml keeper
    """
    keeper_daemon.run(config_file(context))


def _become(module: str, config: Path) -> NoReturn:
    """Become a daemon, rather than import it: it stays a stranger, and holds nothing of the command line in memory."""
    # -P: what lies in the directory that we were called from is not ours to import.
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, str(config)])  # noqa: S606
