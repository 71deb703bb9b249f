"""The API on a port of loopback, for clients that are programs of their own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from tests.api.world import ApiWorld, api_world
from tests.harness.ports import LOOPBACK, free_tcp_port


@contextmanager
def served_api(directory: Path, *, requests_per_minute: int = 100_000) -> Iterator[ApiWorld]:
    """Give an API that answers at `world.settings.portal.public_url`, at a centre that can text."""
    port = free_tcp_port()
    url = f"http://{LOOPBACK}:{port}"
    with api_world(directory, public_url=url, api_requests_per_minute=requests_per_minute) as world:
        config = uvicorn.Config(world.app, host=LOOPBACK, port=port, lifespan="off", log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                time.sleep(0.01)
            yield world
        finally:
            server.should_exit = True
            thread.join()
