"""Pages of the portal, always 50 asked for at once, each on a kept-open connection of its own, as behind a proxy."""

import asyncio
import time
from dataclasses import dataclass
from itertools import cycle

from tests.harness.ports import LOOPBACK

AT_ONCE = 50


@dataclass(frozen=True)
class Page:
    """A page, as somebody who is signed in asks for it; `cookie` is a whole Cookie header, empty for a stranger."""

    path: str
    cookie: str = ""

    def request(self, host: str) -> bytes:
        """Return the request."""
        lines = [f"GET {self.path} HTTP/1.1", f"Host: {host}", *([f"Cookie: {self.cookie}"] if self.cookie else [])]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def load(port: int, host: str, pages: list[Page], seconds: float) -> tuple[list[float], float]:
    """Ask for pages in turn; return how many ms each took, and how many came a second. Raises on any but 200."""
    requests = cycle(page.request(host) for page in pages)
    return asyncio.run(_load(port, requests, seconds))


async def _load(port: int, requests: "cycle[bytes]", seconds: float) -> tuple[list[float], float]:
    took: list[float] = []
    began = time.monotonic()
    until = began + seconds
    await asyncio.gather(*(_person(port, requests, until, took) for _ in range(AT_ONCE)))
    return took, len(took) / (time.monotonic() - began)


async def _person(port: int, requests: "cycle[bytes]", until: float, took: list[float]) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        while time.monotonic() < until:
            began = time.monotonic()
            writer.write(next(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head[:20]:
                raise AssertionError(f"not a page: {head[:200]!r}")
            await reader.readexactly(_length(head))
            took.append((time.monotonic() - began) * 1000)
    finally:
        writer.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    raise AssertionError(f"no length: {head!r}")
