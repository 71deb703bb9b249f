"""What the commands print: text for people, JSON for programs, errors that say what to do next."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from watchword.domain.errors import WatchwordError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


def say(text: str) -> None:
    """Print a line for people."""
    typer.echo(text)


def say_json(value: object) -> None:
    """Print a value for programs: ASCII, so that nothing from outside steers a terminal."""
    typer.echo(json.dumps(value))


def say_done(text: str, *, as_json: bool, **done: object) -> None:
    """Tell what was done: a sentence for people, an object for programs."""
    say_json(done) if as_json else say(text)


def say_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; control characters, which may come from a log, are shown and not obeyed."""
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(visible(cell) for cell in row))
    console.print(table)


@contextmanager
def bar(doing: str, what: str, *, total: int | None = None, hidden: bool = False) -> Iterator[Callable[[int], None]]:
    """Show progress at a terminal, and nothing elsewhere; gives what is to be told of each advance."""
    columns = (TextColumn(doing), BarColumn(), TextColumn("{task.completed:.0f} " + what))
    with Progress(*columns, console=console, disable=hidden or not console.is_terminal, transient=True) as progress:
        task = progress.add_task(doing, total=total)
        yield lambda count: progress.advance(task, count)


def visible(text: str) -> str:
    """Write control characters out, so that nothing from outside steers the terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def when(seconds: float | None) -> str:
    """Write a time as this machine's clock shows it."""
    if seconds is None:
        return "never"
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def fail(error: WatchwordError) -> NoReturn:
    """Say what went wrong and what to do next, on stderr, and end with status 1."""
    typer.echo(f"watchword: {visible(str(error))}", err=True)
    if error.hint:
        typer.echo(f"  {visible(error.hint)}", err=True)
    sys.exit(1)
