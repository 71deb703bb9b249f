"""The command line. `main` is the console script; each module beside this one is one family of commands."""

from watchword.cli.app import main

__all__ = ["main"]
