"""What the database says afterwards, read by SQL as its administrator."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.harness.watchword_command import Watchword

Ask = Callable[[str], Sequence[tuple[Any, ...]]]
"""Answers the rows of a SELECT."""


@dataclass(frozen=True)
class Ledger:
    """The audit log's grants, as (account, address), and the last spent step of each account."""

    granted: list[tuple[str, str]]
    last_steps: dict[str, int]
    is_whole: bool = True
    """As `watchword audit verify` says, if it was asked."""


def read_ledger(ask: Ask, watchword: Watchword | None) -> Ledger:
    """Read the rows of all logins that were granted, and have the whole log verified if there is a command for it."""
    granted = ask("SELECT account, address FROM audit WHERE kind = 'login' AND result = 'granted'")
    steps = ask("SELECT name, last_step FROM tokens JOIN accounts ON accounts.id = tokens.account_id")
    whole = watchword is None or watchword.run("audit", "verify").returncode == 0
    return Ledger([(str(row[0]), str(row[1])) for row in granted], {str(row[0]): int(row[1]) for row in steps}, whole)
