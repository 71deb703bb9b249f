"""`python -m watchword.portal [CONFIG]`: what `watchword portal` runs."""

import logging
import os
import sys
from pathlib import Path

import uvicorn

from watchword.domain.errors import WatchwordError
from watchword.portal.app import create_app
from watchword.portal.connections import BoundedConnection
from watchword.portal.guarded_app import GuardedApp
from watchword.settings import DEFAULT_FILE, read_settings, split_address
from watchword.wiring.portal import open_desk

_CONFIG = "WATCHWORD_PORTAL_CONFIG"
"""How a worker learns the file's name from its parent."""

MOST_CONNECTIONS = 500
"""For each worker. Those that ask nothing make room for those that do (connections.py)."""

LONGEST_HEAD_OCTETS = 32 * 1024
"""A request's first line and headers: four times what proxies let through."""


def make_app() -> GuardedApp:
    """Make a worker's application; its parent named the file."""
    settings = read_settings(Path(os.environ[_CONFIG]))
    logging.basicConfig(
        level=settings.log.level.upper(), format="%(levelname)s %(name)s[%(process)d]: %(message)s", stream=sys.stderr
    )
    return create_app(open_desk(settings))


def run(config: Path) -> None:
    """Run the portal in the foreground until SIGTERM."""
    settings = read_settings(config)
    open_desk(settings).close()  # a mistake is said before anything listens
    host, port = split_address(settings.portal.listen)
    os.environ[_CONFIG] = str(config)
    uvicorn.run(
        "watchword.portal.__main__:make_app",
        factory=True,
        host=host,
        port=port,
        workers=settings.portal.workers,
        # Who may speak for others is for forwarded.py to say.
        proxy_headers=False,
        server_header=False,
        http=BoundedConnection,
        access_log=False,
        log_level=settings.log.level,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=LONGEST_HEAD_OCTETS,
        # Longer than proxies keep a connection that is idle: one that we close first may just have been given a form.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=10,
    )


def main() -> int:
    """Run the portal; an error of ours is said in one line, with what to do."""
    try:
        run(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_FILE)
    except WatchwordError as error:
        print(f"watchword: {error}", f"  {error.hint}" if error.hint else "", sep="\n", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
