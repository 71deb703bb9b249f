"""The database dies, stands still, is full, or takes no writes."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pymysql

from tests.chaos.centre import Centre, Story

DEAD_SECONDS = 0.5
FULL_MEBIBYTES, ENOUGH_MEBIBYTES = 64, 256

ONE_FILE = "--innodb-file-per-table=OFF"
"""So that what fills the disk takes the space that the audit log would have had."""
SMALL_STEPS = "--innodb-autoextend-increment=1"


def killed(centre: Centre) -> Story:
    """MariaDB is killed (`kill -9`) and begun again."""
    with centre.load() as load:
        for _ in range(centre.pace.rounds):
            centre.database.kill()
            time.sleep(DEAD_SECONDS)
            centre.database.start()
            centre.database.wait_ready()
            load.wait_for_grants(5)
            time.sleep(centre.pace.calm)
    return Story(load.attempts)


def frozen(centre: Centre) -> Story:
    """MariaDB stands still (SIGSTOP), and goes on."""
    with centre.load() as load:
        centre.database.freeze()
        try:
            time.sleep(centre.pace.freeze)
        finally:
            centre.database.thaw()
    return Story(load.attempts)


def read_only(centre: Centre) -> Story:
    """MariaDB takes no writes (`read_only`)."""
    with centre.load() as load:
        centre.database.execute("SET GLOBAL read_only = ON")
        try:
            load.expect_nobody(centre.pace.spell, centre.pace.nodes)
        finally:
            centre.database.execute("SET GLOBAL read_only = OFF")
    return Story(load.attempts)


def full(centre: Centre) -> Story:
    """MariaDB's disk is full; then it is made larger."""
    with centre.load() as load:
        fill(centre)
        load.expect_nobody(centre.pace.spell, centre.pace.nodes)
        enlarge(centre.database.directory)
    return Story(load.attempts)


def fill(centre: Centre) -> None:
    """Write rows until MariaDB finds no room for the next."""
    database = centre.database
    database.execute("CREATE DATABASE IF NOT EXISTS ballast")
    database.execute("CREATE TABLE IF NOT EXISTS ballast.stones (bulk LONGBLOB)")
    for octets in (2**20, 2**16, 2**13, 2**10):
        with suppress(pymysql.Error):
            while True:
                database.execute(f"INSERT INTO ballast.stones VALUES (REPEAT('x', {octets}))")


@contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    """Give a directory on a disk of its own that is soon full. Needs CAP_SYS_ADMIN."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={FULL_MEBIBYTES}M", "tmpfs", directory], check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def enlarge(directory: Path) -> None:
    """Make the disk larger, as a sysadmin would."""
    subprocess.run(["mount", "-o", f"remount,size={ENOUGH_MEBIBYTES}M", directory], check=True)
