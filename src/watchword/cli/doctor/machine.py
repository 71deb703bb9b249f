"""What a node, and what a server, is examined for."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from watchword.cli.doctor import listeners as radius_listeners
from watchword.cli.doctor import (
    machine_clock,
    node_exemptions,
    node_ldap,
    node_settings,
    pam_promises,
    portal,
    server_store,
    sshd,
)
from watchword.cli.doctor import server_settings as server
from watchword.cli.doctor.findings import Area, Finding
from watchword.cli.doctor.pam_file import Stack, read_stack
from watchword.cli.doctor.pam_stack import argument, check_stack
from watchword.cli.doctor.radius_servers import check_servers
from watchword.cli.doctor.status_server import Peer
from watchword.clock import local_now, monotonic_seconds, now_seconds
from watchword.domain.enforcement import Mode
from watchword.domain.errors import WatchwordError
from watchword.settings import Settings, read_settings
from watchword.wiring import assemble
from watchword_pam.entry import CONFIG_FILE, EXEMPTIONS_FILE
from watchword_pam.settings import Settings as NodeSettings

FOR_A_NODE = "exemptions and deadlines may end early or late"
FOR_A_SERVER = "once it drifts, codes of phones and fobs no longer match"


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """What to look at on a node; None: what the PAM stack names, else the usual place."""

    service: str = "sshd"
    pam_d: Path = Path("/etc/pam.d")
    pam_config: Path | None = None
    exemptions: Path | None = None
    sshd_config: Path | None = None

    def settled(self) -> tuple[Path, Path]:
        """Answer where pam.toml and exemptions.conf are."""
        stack = Stack((), ())
        with suppress(OSError):
            stack = read_stack(self.pam_d, self.service)
        config = self.pam_config or Path(argument(stack, "config") or CONFIG_FILE)
        return config, self.exemptions or Path(argument(stack, "exemptions") or EXEMPTIONS_FILE)


def examine_rights() -> list[Finding]:
    """Say so if this is not root: much of what counts, root alone can see."""
    if os.geteuid() == 0:
        return []
    return [Area("This run").warning("this is not root, who alone can see all that counts", "run it again with sudo")]


def examine_node(files: NodeFiles) -> list[Finding]:
    """Examine a login node."""
    pam_config, exemptions = files.settled()
    document, settings = node_settings.read_node_settings(pam_config)
    now = local_now()
    effective, found_in_sshd = _examine_sshd(files, settings)
    certain = effective is not None and sshd.key_is_certain(effective)
    return [
        *pam_promises.AREA.examine(lambda: check_stack(files.pam_d, files.service, key_is_certain=certain)),
        *found_in_sshd,
        *node_settings.AREA.examine(
            lambda: node_settings.check_node_settings(pam_config, document, settings, now.date())
        ),
        *node_exemptions.AREA.examine(lambda: node_exemptions.check_exemptions(exemptions, now)),
        *_examine_radius(settings),
        *_examine_ldap(settings),
        *machine_clock.AREA.examine(lambda: machine_clock.check_clock(now, matters_for=FOR_A_NODE)),
    ]


def _examine_sshd(files: NodeFiles, settings: NodeSettings) -> tuple[Mapping[str, str] | None, list[Finding]]:
    """Examine sshd, unless another program's PAM service is looked at."""
    if files.sshd_config is None and not files.service.startswith("sshd"):
        return None, []
    try:
        effective = sshd.effective_settings(files.sshd_config)
    except sshd.SshdSilent as error:
        return None, [sshd.AREA.problem(str(error), "run this as root; `sshd -t` tells what is wrong with its file")]
    check = sshd.check_sshd(effective, files.sshd_config, settings.budget_seconds)
    return effective, sshd.AREA.examine(lambda: check)


def _examine_radius(settings: NodeSettings) -> list[Finding]:
    if settings.mode is Mode.OFF and not settings.servers:
        return []
    peers = [Peer(entry.host, entry.port, entry.secret) for entry in settings.servers]
    area = Area("RADIUS servers")
    return area.examine(lambda: check_servers(peers, monotonic_seconds))


def _examine_ldap(settings: NodeSettings) -> list[Finding]:
    ldap = settings.ldap
    if ldap is None:
        return []
    return node_ldap.AREA.examine(lambda: node_ldap.check_ldap(ldap.uris, ldap.timeout_seconds, monotonic_seconds))


def examine_server(config: Path) -> list[Finding]:
    """Examine a server: of RADIUS, or with a portal or a keeper alone."""
    try:
        settings = read_settings(config)
    except WatchwordError as error:
        return [server.AREA.problem(str(error), error.hint or "nothing else was looked at")]
    service = server_store.service_account(config)
    alone = portal.runs_alone(settings)
    database = server_store.DATABASE
    return [
        *server.AREA.examine(lambda: server.check_server_settings(config, settings, answers_radius=not alone)),
        *server_store.KEYRING.examine(lambda: server_store.check_keyring(settings, service)),
        *(found := database.examine(lambda: server_store.check_database(settings, service, monotonic_seconds))),
        # Rows of tables that are not right can't be looked at; nor by a portal, from which seeds are kept.
        *(_examine_rows(settings) if not alone and all(finding.level != "problem" for finding in found) else []),
        *(_examine_listeners(settings) if not alone else []),
        *(portal.AREA.examine(lambda: portal.check_portal(settings)) if portal.runs_here(settings) else []),
        *machine_clock.AREA.examine(lambda: machine_clock.check_clock(local_now(), matters_for=FOR_A_SERVER)),
    ]


def _examine_listeners(settings: Settings) -> list[Finding]:
    return radius_listeners.AREA.examine(lambda: radius_listeners.check_listeners(settings, monotonic_seconds))


def _examine_rows(settings: Settings) -> list[Finding]:
    try:
        services = assemble(settings, role="doctor")
    except WatchwordError:
        return []  # the keyring or the carrier: said where they were examined
    try:
        return server_store.DATABASE.examine(lambda: server_store.check_rows(services, settings, int(now_seconds())))
    finally:
        services.close()
