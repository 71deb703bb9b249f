"""A world whose servers can be other users of the database, each with the grants that we ship."""

from pathlib import Path

import pymysql

from tests.contract.world import SECRET, World
from tests.harness.database_roles import as_role, grant_roles
from tests.harness.mariadb import Mariadb

DENIED = (pymysql.err.OperationalError, pymysql.err.ProgrammingError)


class Parts(World):
    """A world whose servers can be other database users."""

    def become(self, part: str) -> None:
        """Let the servers that begin from now on be this part of Watchword, such as `portal`."""
        self.url = as_role(self.url, part)
        self.role = part

    def connect(self, part: str) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        """Connect to the database as a part, without any code of ours."""
        host, _, rest = self.url.rpartition("@")[2].partition(":")
        port, _, database = rest.partition("/")
        return pymysql.connect(
            host=host,
            port=int(port),
            user=f"watchword_{part}",
            password=f"change me: {part}",
            database=database.partition("?")[0],
        )

    def run_as(self, part: str, *statements: str) -> None:
        """Run statements as a part, in one connection, and undo what they did."""
        with self.connect(part) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def make_parts(mariadb: Mariadb, directory: Path) -> Parts:
    """Make a database with the grants, alice's phone app (SECRET) and bob's telephone."""
    parts = Parts(mariadb.create_database(), directory)
    grant_roles(mariadb, parts.url)
    parts.server.pairer.add_soft("alice", secret=SECRET)
    parts.server.pairer.add_sms("bob", "+15125551234", country_code="1")
    return parts
