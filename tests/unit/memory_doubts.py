"""What may be wrong with a memory as a file, whatever stands in it (watchword_pam/memory_files.py)."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class Remembering(Protocol):
    """A node with a memory that lies in a directory."""

    memory: Path
    state: Path


def everybody_may_write(node: Remembering) -> None:
    """Let everybody write the memory."""
    node.memory.chmod(0o602)


def the_group_may_write(node: Remembering) -> None:
    """Let its group write the memory."""
    node.memory.chmod(0o620)


def everybody_may_write_the_directory(node: Remembering) -> None:
    """Let everybody replace the memory."""
    node.state.chmod(0o702)


def it_belongs_to_another(node: Remembering) -> None:
    """Give the memory away."""
    os.chown(node.memory, os.getuid() + 1, -1)


def the_directory_belongs_to_another(node: Remembering) -> None:
    """Give the directory away."""
    os.chown(node.state, os.getuid() + 1, -1)


def it_is_a_link(node: Remembering) -> None:
    """Have a link lead to the memory."""
    node.memory.rename(node.state / "elsewhere")
    node.memory.symlink_to("elsewhere")


def the_directory_is_a_link(node: Remembering) -> None:
    """Have a link lead to the directory."""
    node.state.rename(node.state.with_name("elsewhere"))
    node.state.symlink_to("elsewhere")


def it_is_a_fifo(node: Remembering) -> None:
    """Put a FIFO in the memory's place, which nobody writes to."""
    node.memory.unlink()
    os.mkfifo(node.memory)


def it_is_a_directory(node: Remembering) -> None:
    """Put a directory in the memory's place."""
    node.memory.unlink()
    node.memory.mkdir()


def it_is_empty(node: Remembering) -> None:
    """Leave nothing in the memory."""
    node.memory.write_bytes(b"")


def it_is_gone(node: Remembering) -> None:
    """Take the memory away."""
    node.memory.unlink()


FILE_DOUBTS: list[Callable[[Remembering], None]] = [
    everybody_may_write, the_group_may_write, everybody_may_write_the_directory, it_belongs_to_another,
    the_directory_belongs_to_another, it_is_a_link, the_directory_is_a_link, it_is_a_fifo, it_is_a_directory,
    it_is_empty, it_is_gone,
]  # fmt: skip
