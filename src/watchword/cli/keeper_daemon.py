"""`watchword keeper`: the process that opens seeds for the portal, which may not."""

import logging
import os
import pwd
import signal
import sys
from pathlib import Path

from watchword.clock import monotonic_seconds, now_seconds
from watchword.domain.errors import SettingsError
from watchword.keeper.gathering import Gathering
from watchword.keeper.server import KeeperServer, open_socket
from watchword.settings import read_settings
from watchword.wiring import assemble
from watchword.wiring.keeper import local_keeper

log = logging.getLogger(__name__)


def run(config: Path) -> None:
    """Run the keeper in the foreground until SIGTERM; raises SettingsError, KeyringError."""
    settings = read_settings(config)
    logging.basicConfig(
        level=settings.log.level.upper(), format="%(levelname)s %(name)s[%(process)d]: %(message)s", stream=sys.stderr
    )
    path = settings.portal.keeper_socket
    if path is None:
        raise SettingsError("portal.keeper_socket names no socket", hint="/run/watchword-keeper/socket, for one")
    asker = _account(settings.portal.keeper_user)
    services = assemble(settings, role="keeper")
    gathering = Gathering(services.authenticator.answer)
    server = KeeperServer(
        local_keeper(settings, services.store, gathering.answer, now_seconds),
        allowed_uids=frozenset({os.geteuid(), *([asker.pw_uid] if asker is not None else [])}),
        before_each=services.refresh_keys,
        monotonic=monotonic_seconds,
    )
    listening = open_socket(path, asker.pw_gid if asker is not None else None)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: server.stop())
    log.info("answering at %s", path)
    try:
        server.serve(listening)
    finally:
        path.unlink(missing_ok=True)
        services.close()
    log.info("stopped")


def _account(name: str) -> pwd.struct_passwd | None:
    """Find the account whose processes may ask; without one, only this process's own may."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        log.warning("there is no account %s: only uid %d may ask", name, os.geteuid())
        return None
