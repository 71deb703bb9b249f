"""MariaDB as docs/how-to/mariadb.md has it: each part of Watchword is a database user with no more than its grants."""

from pathlib import Path

from tests.harness.mariadb import Mariadb

GRANTS = Path(__file__).parents[2] / "conf/mariadb/grants.sql"


def grant_roles(mariadb: Mariadb, url: str) -> None:
    """Run conf/mariadb/grants.sql in the database of a URL; the schema must be there."""
    lines = [line for line in GRANTS.read_text(encoding="utf-8").splitlines() if not line.startswith("--")]
    for statement in " ".join(lines).split(";"):
        if statement.strip():
            mariadb.execute(statement.strip(), database=_name(url))


def as_role(url: str, part: str) -> str:
    """Return a database's URL for one part, such as `portal`, with the password that the shipped grants give it."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://watchword_{part}:change%20me:%20{part}@{rest.rpartition('@')[2]}"


def _name(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]
