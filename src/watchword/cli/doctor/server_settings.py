"""watchword.toml: who can read it, whom it answers, how messages leave."""

import platform
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

from watchword.cli.doctor.findings import Area, Finding, Findings
from watchword.cli.doctor.trust import mode_text, name_of
from watchword.domain.errors import SettingsError
from watchword.settings import ClientSettings, Settings
from watchword.wiring import text_sender

AREA = Area("Server settings")
SHORTEST_SECRET = 16  # octets, RFC 2865, section 3
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def check_server_settings(path: Path, settings: Settings, *, answers_radius: bool) -> Findings:
    """Check the file, the clients that it names if there have to be any, and the carrier of text messages."""
    yield AREA.ok(f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION}")
    yield from check_secret_file(AREA, path)
    for file in _secret_files(settings):
        yield from check_secret_file(AREA, file)
    if answers_radius:
        yield from _check_clients(settings)
    yield from _check_carrier(settings)


def check_secret_file(area: Area, path: Path) -> Iterator[Finding]:
    """Check the mode of a file that holds secrets and that the service's group may read."""
    try:
        status = path.stat()
    except OSError as error:
        yield area.problem(f"{path} can't be examined: {error.strerror}", "run this as root, or name another file")
        return
    todo = f"chown root {path}; chmod 0640 {path}"
    if status.st_mode & OTHERS_MAY_WRITE:
        yield area.problem(f"others can change {path} (mode {mode_text(status)})", todo)
    if status.st_mode & stat.S_IROTH:
        yield area.problem(
            f"everybody can read the secrets in {path} (mode {mode_text(status)})",
            f"{todo}; then change the secrets: they were public",
        )
    if not status.st_mode & (OTHERS_MAY_WRITE | stat.S_IROTH):
        yield area.ok(f"{path} is {name_of(status.st_uid)}'s (mode {mode_text(status)})")


def _secret_files(settings: Settings) -> Iterator[Path]:
    files = [client.secret_file for client in settings.radius.client]
    files += [settings.sms.auth_token_file, settings.ldap.bind_password_file if settings.ldap else None]
    return iter(dict.fromkeys(file for file in files if file is not None))


def _check_clients(settings: Settings) -> Iterator[Finding]:
    clients = settings.radius.client
    if not clients:
        yield AREA.problem("no [[radius.client]]: nobody is answered", "add one for your login nodes")
        return
    found = [finding for client in clients for finding in _check_client(client)]
    yield from found
    if not found:
        yield AREA.ok(f"{len(clients)} {'client' if len(clients) == 1 else 'clients'}, each with a long secret")


def _check_client(client: ClientSettings) -> Iterator[Finding]:
    if client.network.prefixlen == 0:
        yield AREA.warning(f"client {client.name!r} is the whole Internet", "name the networks of your nodes")
    if not client.require_message_authenticator:
        yield AREA.warning(
            f"client {client.name!r} is excused from Message-Authenticator: who is between can forge (CVE-2024-3596)",
            "upgrade the client, then take require_message_authenticator = false out",
        )
    try:
        secret = client.read_secret()
    except SettingsError as error:
        yield AREA.problem(str(error), "the server does not start like this; mend the file, or name another")
        return
    if len(secret) < SHORTEST_SECRET:
        yield AREA.warning(
            f"the secret of client {client.name!r} is short: it can be guessed from one packet",
            "make one with `openssl rand -base64 24`; first here, then on the nodes",
        )


def _check_carrier(settings: Settings) -> Iterator[Finding]:
    match settings.sms.carrier:
        case "none":
            yield AREA.ok("no carrier of text messages is configured")
        case "elsewhere":
            yield AREA.ok("another server hands text messages to a carrier")
        case "recorder":
            yield AREA.warning(
                "text messages go into a file and to nobody (carrier recorder)", 'set carrier = "twilio" in [sms]'
            )
        case "twilio":
            text_sender(settings.sms)  # reads the token, connects to nothing
            yield AREA.ok("text messages go through Twilio (not tried: it would send one)")
