"""Ten million events in the audit log, as years of somebody else's logins leave them."""

from sqlalchemy import create_engine

from tests.bench.people import name_of, serial_of
from tests.harness.radius_server import ServerSettings
from watchword.domain.audit import EventKind, Result
from watchword.domain.outcome import Reason

WRITER = "elsewhere/radius-0"
FILL_PER_CENT = 70
"""How full the pages of an index are that grew by itself, with keys in no order; built in one go they would be full."""

NAME_DIGITS = len(name_of(0).removeprefix("user"))
SERIAL_DIGITS = len(serial_of(0).removeprefix("SOFT-"))


def write_history(store: ServerSettings, events: int, accounts: int) -> None:
    """Fill an audit log that is empty, in one statement: MariaDB builds each index at the end, sorted."""
    person = f"MOD(seq * 7919, {accounts})"
    columns = {
        "writer": f"'{WRITER}'",
        "sequence": "seq",
        "at_milliseconds": "1700000000000 + seq * 100",
        "kind": f"'{EventKind.LOGIN}'",
        "result": f"'{Result.GRANTED}'",
        "account": f"CONCAT('user', LPAD({person}, {NAME_DIGITS}, '0'))",
        "serial": f"CONCAT('SOFT-', LPAD(HEX({person}), {SERIAL_DIGITS}, '0'))",
        "address": "'192.0.2.7'",
        "node": "'login1'",
        "reason": f"'{Reason.RIGHT_CODE}'",
        "actor": "''",
        "detail": "''",
        "key_id": "'00000000'",
        "mac": "UNHEX(SHA2(seq, 256))",
    }
    insert = f"INSERT INTO audit ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM seq_1_to_{events}"
    engine = create_engine(store.database_url)
    with engine.begin() as database:
        database.exec_driver_sql(f"SET GLOBAL innodb_fill_factor = {FILL_PER_CENT}")
        database.exec_driver_sql("SET SESSION unique_checks = 0, foreign_key_checks = 0")
        database.exec_driver_sql(insert)
    with engine.begin() as database:
        database.exec_driver_sql("ANALYZE TABLE accounts, tokens, audit")
    engine.dispose()
