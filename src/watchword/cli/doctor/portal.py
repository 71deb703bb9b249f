"""The portal: how it is reached, who signs in, what it hands to others."""

import ipaddress
import smtplib
import socket
import stat
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from watchword.cli.doctor.findings import Area, Finding, Findings
from watchword.settings import Settings, split_address
from watchword.settings.portal import MailSettings, PortalSettings

AREA = Area("Portal")
PAM_DIRECTORIES = (Path("/etc/pam.d"), Path("/usr/lib/pam.d"))
WAIT_SECONDS = 3.0


def runs_here(settings: Settings) -> bool:
    """Tell whether the file says more of the portal than the address that people read, or where its keeper is."""
    return bool(settings.portal.model_fields_set - {"public_url", "keeper_socket", "keeper_user"})


def runs_alone(settings: Settings) -> bool:
    """Tell whether the file is a portal's or a keeper's own, and no RADIUS server's."""
    return not settings.radius.client and bool(settings.portal.model_fields_set - {"public_url"})


def check_portal(settings: Settings, pam_directories: tuple[Path, ...] = PAM_DIRECTORIES) -> Findings:
    """Check that it answers, and what it needs to."""
    portal = settings.portal
    yield from _check_way_in(portal)
    yield from _check_answer(portal)
    yield from _check_first_factor(settings, pam_directories)
    yield from _check_keeper(settings)
    yield from _check_mail(settings.mail)
    if not portal.roles.admin:
        yield AREA.warning("nobody is an admin", "name accounts or (groups) in [portal.roles] admin")


def _check_way_in(portal: PortalSettings) -> Iterator[Finding]:
    host, _ = split_address(portal.listen)
    if not ipaddress.ip_address(host).is_loopback:
        yield AREA.warning(
            f"it speaks plain HTTP to the network on {portal.listen}",
            "listen on loopback, behind a proxy that speaks TLS; or let a firewall pass nobody but the proxy",
        )
    elif not portal.trusted_proxies and portal.public_url.startswith("https:"):
        yield AREA.warning(
            "every request seems to come from this machine: no proxy is named",
            'name the proxy in [portal] trusted_proxies, such as ["127.0.0.1/32"], and have it set X-Forwarded-For',
        )


def _check_answer(portal: PortalSettings) -> Iterator[Finding]:
    host, port = split_address(portal.listen)
    connection = HTTPConnection(host, port, timeout=WAIT_SECONDS)
    try:
        connection.request("GET", "/health", headers={"Host": urlsplit(portal.public_url).netloc})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        yield AREA.problem(
            f"nothing answers on {portal.listen} ({type(error).__name__})",
            "systemctl start watchword-portal; if it does not stay, journalctl -u watchword-portal says why",
        )
        return
    finally:
        connection.close()
    if status == 200:
        yield AREA.ok(f"{portal.listen} answers")
    else:
        yield AREA.problem(
            f"{portal.listen} answers that it is not well ({status})", "its database does not answer: see above"
        )


def _check_first_factor(settings: Settings, pam_directories: tuple[Path, ...]) -> Iterator[Finding]:
    if settings.portal.sign_in == "ldap":
        if settings.ldap is None:
            yield AREA.problem('sign_in is "ldap", and there is no [ldap]', 'add one, or sign_in = "pam"')
        return
    name = settings.portal.pam_service
    file = next((directory / name for directory in pam_directories if (directory / name).exists()), None)
    # Without a file, or with one that it can't read, libpam takes the file "other", and whatever that says.
    if file is None:
        yield AREA.problem(
            f"there is no PAM service {name}", f"copy conf/pam.d/watchword-portal to {pam_directories[0] / name}"
        )
    elif not file.stat().st_mode & stat.S_IROTH:
        yield AREA.problem(f"the portal can't read {file}: it is asking the PAM service other", f"chmod 0644 {file}")
    else:
        yield AREA.ok(f"passwords are asked of the PAM service {name}")


def _check_keeper(settings: Settings) -> Iterator[Finding]:
    path = settings.portal.keeper_socket
    if path is None:
        yield AREA.warning(
            "the portal opens seeds itself: whoever takes it over has them",
            "run `watchword keeper` as another user, and name its socket in [portal] keeper_socket",
        )
        return
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(WAIT_SECONDS)
            probe.connect(str(path))
    except OSError as error:
        yield AREA.problem(
            f"the keeper does not answer at {path} ({error.strerror or type(error).__name__})",
            "systemctl start watchword-keeper; until then nobody can prove a code in the portal",
        )
    else:
        yield AREA.ok(f"the keeper listens at {path}")


def _check_mail(mail: MailSettings) -> Iterator[Finding]:
    if not mail.server:
        yield AREA.warning(
            "no mail is sent: who has lost a phone has to ask the help desk", "name your relay in [mail] server"
        )
        return
    try:
        with smtplib.SMTP(mail.server, mail.port, timeout=WAIT_SECONDS) as relay:
            relay.noop()
    except (OSError, smtplib.SMTPException) as error:
        yield AREA.problem(
            f"the mail relay {mail.server}:{mail.port} does not answer ({type(error).__name__})",
            "mails wait until it does; check [mail] server and port",
        )
    else:
        yield AREA.ok(f"the mail relay {mail.server}:{mail.port} answers")
