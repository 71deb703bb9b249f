"""pam.toml, and the files that it names."""

import re
import socket
import stat
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from watchword.cli.doctor.findings import Area, Finding, Findings
from watchword.cli.doctor.trust import is_there, mode_text, weaknesses
from watchword.domain.enforcement import Mode, current_mode
from watchword_pam.settings import Settings, settings_from
from watchword_pam.trusted_files import Untrusted, read_trusted

AREA = Area("pam.toml")
REFERENCE = "docs/reference/pam.md has every key"
STILL_FULL = "until then the mode is full, and an outage denies"


def read_node_settings(path: Path) -> tuple[dict[str, Any], Settings]:
    """Read pam.toml as a login does, but without a word in syslog. Never fails: mistakes are in the settings."""
    document: dict[str, Any] = {}
    mistakes = []
    try:
        document = tomllib.loads(read_trusted(str(path))[0].decode("utf-8"))
    except Untrusted as error:
        mistakes = [f"the file {error}"]
    except OSError as error:
        mistakes = [f"the file can't be read ({error.strerror})"]
    except (ValueError, RecursionError) as error:
        # The parser's own words may quote the file, secrets and all.
        where = re.search(r"at line \d+, column \d+", str(error))
        mistakes = [f"the file is not TOML ({where[0] if where else type(error).__name__})"]
    return document, settings_from(document, socket.gethostname(), mistakes)


def check_node_settings(path: Path, document: dict[str, Any], settings: Settings, today: date) -> Findings:
    """Check what pam.toml says, and who can read and change it."""
    if not is_there(path):
        yield AREA.problem(f"{path} is not there: everybody is refused", "copy conf/pam.toml there, and edit it")
        return
    for mistake in settings.mistakes:
        yield AREA.problem(f"{path}: {mistake}", f"mend it; {STILL_FULL}. {REFERENCE}")
    yield from _check_secret_file(path)
    for file in _secret_files(document):
        yield from _check_secret_file(file)
    yield from _check_mode(settings, today)
    if settings.allow_on_outage:
        yield AREA.warning(
            "on_outage is allow: while no server answers, a first factor alone gets in",
            "set on_outage = \"deny\" once you have two servers; grep 'on-outage' in the log of logins",
        )
    yield from _check_state_directory(Path(settings.state_dir))


def _check_mode(settings: Settings, today: date) -> Iterator[Finding]:
    mode = settings.mode
    if settings.mistakes:
        return
    if mode is Mode.OFF:
        yield AREA.warning("mode is off: nobody is asked for a second factor", 'set mode = "paired" when you are ready')
    elif mode is Mode.COUNTDOWN and settings.deadline is not None:
        left = (settings.deadline - today).days
        if current_mode(mode, settings.deadline, today) is Mode.FULL:
            yield AREA.warning(
                f"the countdown ended on {settings.deadline}: everybody must have a device", 'set mode = "full"'
            )
        else:
            yield AREA.ok(f"mode is countdown: {left} days left until {settings.deadline}")
    else:
        yield AREA.ok(f"mode is {mode.value}")
    if settings.info_url:
        yield AREA.ok(f"people who are refused are sent to {settings.info_url}")


def _secret_files(document: dict[str, Any]) -> Iterator[Path]:
    """Yield the files named beside secrets, whatever shape the document has."""
    servers = document.get("server")
    tables = [*(servers if isinstance(servers, list) else []), document.get("ldap")]
    for table in tables:
        for key in ("secret_file", "bind_password_file"):
            name = table.get(key) if isinstance(table, dict) else None
            if isinstance(name, str) and name.startswith("/"):
                yield Path(name)


def _check_secret_file(path: Path) -> Iterator[Finding]:
    """Check that root alone can change and read a file that holds secrets."""
    try:
        weak, status = weaknesses(path), path.stat()
    except OSError as error:
        yield AREA.problem(f"{path} can't be examined: {error.strerror}", "run this as root, or name another file")
        return
    for weakness in weak:
        yield AREA.problem(weakness, "chown root and chmod go-w what is named")
    if status.st_mode & stat.S_IROTH:
        yield AREA.problem(
            f"everybody can read the secrets in {path} (mode {mode_text(status)}), and then speak for your servers",
            f"chmod 0600 {path}, and change the secrets: they were public",
        )
    elif status.st_mode & stat.S_IRGRP:
        yield AREA.warning(f"a group can read the secrets in {path} (mode {mode_text(status)})", f"chmod 0600 {path}")
    elif not weak:
        yield AREA.ok(f"{path} is root's alone (mode {mode_text(status)})")


def _check_state_directory(path: Path) -> Iterator[Finding]:
    """Check where logins remember whose turn it is; the first one makes it."""
    todo = f"remove {path}: the next login makes it anew; until then no login knows which server is dead"
    try:
        status = path.lstat()
    except FileNotFoundError:
        yield AREA.ok(f"{path} is made by the first login")
        return
    if not stat.S_ISDIR(status.st_mode):
        yield AREA.problem(f"{path} is not a directory", todo)
        return
    weak = weaknesses(path)
    for weakness in weak:
        yield AREA.problem(weakness, todo)
    if not weak:
        yield AREA.ok(f"{path}, where logins remember the servers, is root's alone")
