"""Files that a sysadmin copies and edits: a test edits them too, and nothing else of them."""

import re
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def edited(path: Path, changes: Mapping[str, str]) -> str:
    """Return the text of a file with each of the regular expressions replaced everywhere.

    Raises AssertionError if one is not found: then the file has changed, and the test must.
    """
    text = path.read_text(encoding="utf-8")
    for pattern, new in changes.items():
        text, count = re.subn(pattern, new.replace("\\", r"\\"), text)
        if not count:
            raise AssertionError(f"{path} has nothing like {pattern!r}")
    return text


def block_of_code(page: Path, containing: str) -> str:
    """Return the one block of code of a document that contains something, without its fence."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if containing in block]
    return str(block)
