"""The keyring, the database behind it, and what only both together can open."""

import pwd
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from watchword.cli.doctor.findings import Area, Finding, Findings
from watchword.cli.doctor.server_settings import check_secret_file
from watchword.cli.doctor.trust import may
from watchword.clock import Clock
from watchword.domain.errors import StoreUnavailable
from watchword.domain.tokens import Kind
from watchword.services.ports import OwnedToken, Work
from watchword.settings import Settings
from watchword.store.database import Database, Facts
from watchword.store.keyring import Keyring
from watchword.store.migrate import current_revision, newest_revision
from watchword.wiring import Services

KEYRING = Area("Keyring")
DATABASE = Area("Database")
SERVICE_ACCOUNT = "watchword"
OTHER_ACCOUNTS = ("watchword-portal", "watchword-keeper")
SAMPLE_SIZE = 100
LATE_SECONDS = 60
SLOW_MILLISECONDS = 100


def service_account(config: Path) -> pwd.struct_passwd | None:
    """Find the account of the daemon that reads a file: its own group may read the file, if it has one."""
    try:
        group = config.group()
    except (OSError, KeyError):
        group = ""
    try:
        return pwd.getpwnam(group if group in OTHER_ACCOUNTS else SERVICE_ACCOUNT)
    except KeyError:
        return None


def check_keyring(settings: Settings, service: pwd.struct_passwd | None) -> Findings:
    """Check that the keyring can be used, by whom, and where the audit log's anchors go."""
    path = settings.keyring.file
    keys = Keyring(path).keys()
    yield KEYRING.ok(f"{path} holds {len(keys)} {'key' if len(keys) == 1 else 'keys'}")
    yield from check_secret_file(KEYRING, path)
    anchors = settings.audit.anchors
    name = service.pw_name if service else SERVICE_ACCOUNT
    if not anchors.is_dir():
        yield KEYRING.problem(
            f"{anchors}, where the audit log's anchors go, is not there", f"watchword init; chown {name} it"
        )
        return
    if service is None:
        yield KEYRING.ok(f"there is no account {SERVICE_ACCOUNT} here, so who may read these was not looked at")
        return
    if not may(service, path, "read"):
        yield KEYRING.problem(
            f"{name}, whom the daemon runs as, can't read {path}",
            "run watchword init as root: it gives the file to the group of the daemons",
        )
    if not may(service, anchors, "write", "search"):
        yield KEYRING.problem(f"{name} can't write into {anchors}", f"chown -R {name}: {anchors}")


def check_database(settings: Settings, service: pwd.struct_passwd | None, clock: Clock) -> Findings:
    """Check that the database answers, and has the schema that this version needs."""
    url = settings.database.url.get_secret_value()
    file = _sqlite_file(url)
    if file is not None and not file.is_file():
        # To connect would make it.
        yield DATABASE.problem(f"{file} is not there", "watchword init, as the account that the daemons run as")
        return
    if file is not None and service is not None and not _may_write(service, file):
        yield DATABASE.problem(
            f"{service.pw_name}, whom the daemon runs as, can't write {file} and its directory",
            f"chown -R {service.pw_name}: {file.parent}",
        )
    database = Database(url)
    try:
        yield from _check_answer(database, clock)
        yield from _check_kind(database.facts())
        yield from _check_schema(current_revision(database), newest_revision())
    except StoreUnavailable as error:
        yield DATABASE.problem(
            f"{error}",
            "is it running, and is database.url right: host, user, password, name? An SQLite file may be damaged or "
            "locked: `sqlite3 FILE 'PRAGMA integrity_check'`",
        )
    finally:
        database.close()


def _may_write(service: pwd.struct_passwd, file: Path) -> bool:
    """Tell whether an account may write an SQLite database: it needs the directory too."""
    return may(service, file, "write") and may(service, file.parent, "write")


def _sqlite_file(url: str) -> Path | None:
    with suppress(SQLAlchemyError):
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            return Path(parsed.database)
    return None


def _check_answer(database: Database, clock: Clock) -> Iterator[Finding]:
    database.ping()  # the first one connects
    begun = clock()
    database.ping()
    milliseconds = (clock() - begun) * 1000
    kind = database.engine.dialect.name
    if milliseconds > SLOW_MILLISECONDS:
        yield DATABASE.warning(
            f"{kind} answers in {milliseconds:.0f} ms: each login waits for several answers",
            "look at the database's load, and at the network to it",
        )
    else:
        yield DATABASE.ok(f"{kind} answers in {milliseconds:.1f} ms")


def _check_kind(facts: Facts) -> Iterator[Finding]:
    version = f"{facts.name} {'.'.join(str(number) for number in facts.version)}"
    if not facts.is_new_enough:
        yield DATABASE.problem(f"{version} is too old: nobody can log in", "upgrade it: MariaDB 10.6, SQLite 3.33")
    elif not facts.is_durable:
        yield DATABASE.problem(
            f"{version} does not write each commit to disk: after a crash, spent codes would be good again, and logins "
            "missing from the audit log",
            "innodb_flush_log_at_trx_commit = 1",
        )
    else:
        yield DATABASE.ok(f"{version} is new enough, and writes each commit to disk")


def _check_schema(current: str, newest: str) -> Iterator[Finding]:
    if current == newest:
        yield DATABASE.ok(f"the schema has revision {current}, the one that this version needs")
    elif not current:
        yield DATABASE.problem("the database has no tables of Watchword's", "watchword init")
    else:
        yield DATABASE.problem(
            f"the schema has revision {current}, and this version needs {newest}",
            "watchword init brings it up to date; if a newer Watchword made it, upgrade this one",
        )


@dataclass(frozen=True, slots=True)
class _Sample:
    """What was seen of the store's rows."""

    tokens: list[OwnedToken]
    message_is_late: bool


def check_rows(services: Services, settings: Settings, now_seconds: int) -> Findings:
    """Open a sample of what is sealed, and look whether messages lie about."""

    def look(work: Work) -> _Sample:
        return _Sample(work.tokens.page("", SAMPLE_SIZE), work.outbox.any_due(now_seconds - LATE_SECONDS))

    sample = services.store.read(look)
    # What can't be unsealed comes back empty: no kind of token has an empty secret.
    sealed = [owned.token.serial for owned in sample.tokens if not owned.token.secret]
    if sealed:
        yield DATABASE.problem(
            f"{len(sealed)} of {len(sample.tokens)} tokens can't be unsealed, {sealed[0]} for one",
            "copy the keyring from the server that rotated last, or restore it from your backup",
        )
    else:
        yield DATABASE.ok(f"the keyring opens {_count(len(sample.tokens))}")
    has_carrier = settings.sms.carrier != "none"
    if not has_carrier and any(owned.token.kind is Kind.SMS for owned in sample.tokens):
        yield DATABASE.problem("there are sms tokens, and no carrier to send their codes", "configure [sms]")
    if sample.message_is_late:
        yield DATABASE.problem(
            "a text message has waited in the outbox for more than a minute",
            "is `watchword radius` running, with [sms]? Its log says what the carrier answers",
        )


def _count(number: int) -> str:
    if number == 0:
        return "all there is: no token yet"
    return f"a sample of {number} {'token' if number == 1 else 'tokens'}"
