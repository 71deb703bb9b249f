"""Read pam.toml, at every login. Any mistake in it means mode "full", and what is right in it still counts."""

from __future__ import annotations

from watchword.domain.enforcement import Mode
from watchword_pam import system_log
from watchword_pam.memory_files import STATE_DIRECTORY
from watchword_pam.setting_checks import (
    Mistake,
    a_choice,
    a_date,
    a_line,
    a_number,
    a_path,
    an_account_filter,
    an_address,
    is_safe_uri,
    secret_of,
    some_lines,
    some_text,
    value_table,
)
from watchword_pam.settings_memory import parsed
from watchword_pam.trusted_files import Untrusted, is_readable_by_all, read_trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from typing import Any

DEFAULT_CA_FILE = "/etc/ssl/certs/ca-certificates.crt"


class Server:
    """A RADIUS server. Its secret is in no repr."""

    def __init__(self, *, host: str, port: int, secret: bytes, timeout_seconds: float) -> None:
        self.host = host
        self.port = port
        self.secret = secret
        self.timeout_seconds = timeout_seconds
        self.name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def __repr__(self) -> str:
        return f"Server({self.name})"


class Ldap:
    """How to look a pairing up in LDAP. The password is in no repr."""

    def __init__(self, values: dict[str, Any], bind_password: str) -> None:
        self.uris: tuple[str, ...] = values["uri"]
        self.start_tls: bool = values["start_tls"]
        self.ca_file: str = values["ca_file"]
        self.bind_dn: str = values["bind_dn"]
        self.bind_password = bind_password
        self.base: str = values["base"]
        self.filter: str = values["filter"]
        self.attribute: str = values["attribute"]
        self.kinds: dict[str, str] = values["values"]
        self.timeout_seconds: int = values["timeout_seconds"]  # ldap3 takes no fractions

    def __repr__(self) -> str:
        return f"Ldap({', '.join(self.uris)})"


class Settings:
    """What pam.toml says; with `mistakes`, the mode is full and an outage denies."""

    def __init__(
        self, values: dict[str, Any], servers: tuple[Server, ...], ldap: Ldap | None, mistakes: tuple[str, ...]
    ) -> None:
        self.mode: Mode = Mode.FULL if mistakes else values["mode"]
        self.deadline: date | None = values["deadline"]
        self.info_url: str = values["info_url"]
        self.prompt: str = values["prompt"]
        self.node: str = values["node"]
        self.allow_on_outage: bool = values["on_outage"] == "allow" and not mistakes
        self.budget_seconds: float = values["budget_seconds"]
        self.dead_seconds: float = values["dead_seconds"]
        self.tries: int = values["tries"]
        self.state_dir: str = values["state_dir"]
        self.servers = servers
        self.ldap = ldap if values["pairing_from"] == "ldap" else None
        self.mistakes = mistakes

    def __repr__(self) -> str:
        return f"Settings(mode={self.mode.value}, servers={self.servers}, mistakes={len(self.mistakes)})"


# key -> (what it is without an entry, what checks an entry)
_TOP: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "mode": (Mode.FULL, lambda value: Mode(a_choice(value, "off", "paired", "countdown", "full"))),
    "deadline": (None, a_date),
    "info_url": ("", a_line),
    "prompt": ("", a_line),
    "node": ("", a_line),
    "pairing_from": ("radius", lambda value: a_choice(value, "radius", "ldap")),
    "on_outage": ("deny", lambda value: a_choice(value, "deny", "allow")),
    "budget_seconds": (90, lambda value: a_number(value, 5, 110)),
    "dead_seconds": (60, lambda value: a_number(value, 1, 86400)),
    "tries": (3, lambda value: a_number(value, 1, 10, whole=True)),
    "state_dir": (STATE_DIRECTORY, a_path),
}
_SERVER: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "host": (None, an_address),
    "port": (1812, lambda value: a_number(value, 1, 65535, whole=True)),
    "secret": (None, some_text),
    "secret_file": (None, a_path),
    "timeout_seconds": (3, lambda value: a_number(value, 0.1, 30)),
}
_LDAP: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "uri": ((), some_lines),
    "start_tls": (False, lambda value: a_choice(value, False, True)),
    "ca_file": (DEFAULT_CA_FILE, a_path),
    "bind_dn": ("", a_line),
    "bind_password": (None, some_text),
    "bind_password_file": (None, a_path),
    "base": ("", a_line),
    "filter": ("(uid={account})", an_account_filter),
    "attribute": ("", a_line),
    "values": ({}, value_table),
    "timeout_seconds": (3, lambda value: a_number(value, 1, 30, whole=True)),
}
_TABLES = ("server", "ldap")


def read_settings(path: str, node: str, *, memory: str = STATE_DIRECTORY) -> Settings:
    """Read pam.toml, and log its mistakes in one line that names the file and the keys, never a value.

    In the directory `memory`, logins keep what the file says for each other.
    """
    document: dict[str, Any]
    mistakes: list[str] = []
    try:
        data, mode = read_trusted(path)
        if is_readable_by_all(mode):
            system_log.write(system_log.WARNING, "settings", "anyone can read the secrets", file=path)
        document = parsed(path, data, directory=memory)
    except Untrusted as error:
        document, mistakes = {}, [f"the file {error}"]
    except OSError as error:
        document, mistakes = {}, [f"the file can't be read ({error.strerror})"]
    except (ValueError, RecursionError) as error:
        document, mistakes = {}, [_where_it_breaks(error)]
    settings = settings_from(document, node, mistakes)
    if settings.mistakes:
        text = f"mistakes in {path}, so the mode is full: {'; '.join(settings.mistakes)}"
        system_log.write(system_log.ERROR, "settings", text)
    return settings


def settings_from(document: dict[str, Any], node: str, mistakes: list[str] | None = None) -> Settings:
    """Validate what TOML gave. Total: whatever the document holds, settings come back."""
    mistakes = list(mistakes or ())
    tables = {key: document[key] for key in _TABLES if key in document}
    values = _checked({key: document[key] for key in document if key not in _TABLES}, _TOP, "", mistakes)
    values["node"] = values["node"] or node
    servers = tuple(_servers(tables.get("server", []), mistakes))
    ldap = _ldap(tables["ldap"], mistakes) if "ldap" in tables else None
    if not mistakes:
        mistakes += _missing(document, values, servers, ldap)
    return Settings(values, servers, ldap, tuple(mistakes))


def _missing(
    document: dict[str, Any], values: dict[str, Any], servers: tuple[Server, ...], ldap: Ldap | None
) -> Iterator[str]:
    """Name what this mode needs and doesn't have. Mode off needs nothing."""
    if "mode" not in document:
        yield "mode is missing"
    if values["mode"] is Mode.OFF:
        return
    if not servers:
        yield "there is no [[server]]"
    if not values["info_url"]:
        yield "info_url is missing"
    if values["mode"] is Mode.COUNTDOWN and values["deadline"] is None:
        yield "deadline is missing"
    if values["pairing_from"] == "ldap" and ldap is None:
        yield "there is no [ldap]"


def _checked(
    table: object, rules: dict[str, tuple[Any, Callable[[Any], Any]]], prefix: str, mistakes: list[str]
) -> dict[str, Any]:
    """Return a value for each rule: the checked entry, or the default where there is none or a wrong one."""
    values = {key: default for key, (default, _) in rules.items()}
    if not isinstance(table, dict):
        mistakes.append(f"{prefix.rstrip('.')} must be a table")
        return values
    for key, value in table.items():
        if key not in rules:
            mistakes.append(f"{prefix}{key} is no setting")
            continue
        try:
            values[key] = rules[key][1](value)
        except Mistake as mistake:
            mistakes.append(f"{prefix}{key} {mistake}")
    return values


def _servers(tables: object, mistakes: list[str]) -> Iterator[Server]:
    """Yield each server that can be asked: a typo in its timeout, say, does not take it away."""
    if not isinstance(tables, list):
        mistakes.append("server must be written [[server]]")
        return
    names: set[str] = set()
    for number, table in enumerate(tables, start=1):
        server = _server(table, f"server {number}: ", mistakes)
        if server is None:
            continue
        if server.name in names:
            mistakes.append(f"server {number}: is the same as an earlier one")
            continue
        names.add(server.name)
        yield server


def _server(table: object, prefix: str, mistakes: list[str]) -> Server | None:
    """Return a server, or None with a mistake noted."""
    values = _checked(table, _SERVER, prefix, mistakes)
    try:
        secret = secret_of(values, "secret", "secret_file")
    except Mistake as mistake:
        mistakes.append(f"{prefix}{mistake}")
        return None
    if values["host"] is None:
        mistakes.append(f"{prefix}host is missing")
        return None
    return Server(
        host=values["host"],
        port=values["port"],
        secret=secret.encode("utf-8"),
        timeout_seconds=values["timeout_seconds"],
    )


def _ldap(table: object, mistakes: list[str]) -> Ldap | None:
    """Return how to ask LDAP, or None with a mistake noted."""
    before = len(mistakes)
    values = _checked(table, _LDAP, "ldap.", mistakes)
    password = ""
    try:
        if values["bind_dn"]:
            password = secret_of(values, "bind_password", "bind_password_file")
    except Mistake as mistake:
        mistakes.append(f"ldap.{mistake}")
    mistakes += [f"ldap.{key} is missing" for key in ("uri", "base", "attribute") if not values[key]]
    if not all(is_safe_uri(uri, start_tls=values["start_tls"]) for uri in values["uri"]):
        mistakes.append("ldap.uri must be ldaps://, or ldap:// with start_tls: else anyone could answer")
    return Ldap(values, password) if len(mistakes) == before else None


def _where_it_breaks(error: Exception) -> str:
    """Say where the TOML is wrong, without the parser's words: they quote the file, secrets and all."""
    kind = type(error).__name__
    _, marker, position = str(error).rpartition("(at ")
    place = f" at {position.rstrip(')')}" if marker and kind == "TOMLDecodeError" else ""
    return f"the file is not TOML ({kind}{place})"
