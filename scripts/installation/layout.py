"""Where things go on a real machine."""

import argparse
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULT_PREFIX = Path("/usr/lib/watchword")


@dataclass(frozen=True)
class Layout:
    """The directories of one installation.

    `destdir` stands before every path while files are put in place, and is not known to them afterwards: it is how
    packages are built.
    """

    prefix: Path = DEFAULT_PREFIX
    configuration: Path = Path("/etc/watchword")
    commands: Path = Path("/usr/bin")
    units: Path = Path("/usr/lib/systemd/system")
    state: Path = Path("/var/lib/watchword")
    destdir: Path = Path("/")

    def staged(self, path: Path) -> Path:
        """Return where `path` lies while it is being put in place."""
        return self.destdir / path.relative_to("/")

    @property
    def is_staged(self) -> bool:
        """Whether this is a package being built, and not this machine."""
        return self.destdir != Path("/")


def read_layout(description: str) -> Layout:
    """Read the layout from the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--prefix", default=str(DEFAULT_PREFIX), help="our own directory (default: %(default)s)")
    parser.add_argument("--destdir", default="", help="put everything below this directory, to build a package")
    given = parser.parse_args()
    if not given.prefix.startswith("/"):
        parser.error("--prefix must be an absolute path")
    return Layout(prefix=Path(given.prefix), destdir=Path(given.destdir or "/").resolve())
