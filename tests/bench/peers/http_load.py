"""HTTP requests, 64 in flight, for servers that are asked over HTTP."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.bench.closed_loop import IN_FLIGHT
from tests.bench.people import Crowd, serial_of
from tests.bench.requests import LoadError
from tests.harness.ports import LOOPBACK


@dataclass(frozen=True)
class Endpoint:
    """Where a form is posted to."""

    port: int
    path: str


class Web:
    """A server under load, asked for one account's token after the other."""

    def __init__(self, endpoint: Endpoint, crowd: Crowd) -> None:
        self._endpoint = endpoint
        self._crowd = crowd

    def __call__(self, seconds: float) -> float:
        """Run validations for so many seconds; return how many were granted a second."""
        return validations_per_second(self._endpoint, self._forms(), seconds)

    def _forms(self) -> Iterator[dict[str, str]]:
        while True:
            for number, code in self._crowd.codes(1):
                yield {"serial": serial_of(number), "pass": code}


Forms = Iterator[dict[str, str]]
FEWEST_ANSWERS = 16
LONGEST_SECONDS = 90.0
FORM = "application/x-www-form-urlencoded"


def validations_per_second(endpoint: Endpoint, forms: Forms, seconds: float) -> float:
    """Post forms for so many seconds and return how many were granted a second; raises LoadError if one was not.

    A slow server gets the time it needs for a few answers. What is still in flight at the end is waited for, and does
    not count.
    """
    return asyncio.run(_Load(endpoint, forms, seconds).run())


class _Load:
    def __init__(self, endpoint: Endpoint, forms: Forms, seconds: float) -> None:
        self._endpoint = endpoint
        self._forms = forms
        self._seconds = seconds
        self._granted_at: list[float] = []
        self._counted = 0

    async def run(self) -> float:
        self._end = time.perf_counter() + self._seconds
        self._longest = time.perf_counter() + LONGEST_SECONDS
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(self._ask_again_and_again())
        granted = self._granted_at[: self._counted]
        return (len(granted) - 1) / (granted[-1] - granted[0])

    async def _ask_again_and_again(self) -> None:
        """Keep one connection busy, on as many connections as the server wants."""
        connection = None
        while self._goes_on():
            reader, writer = connection or await asyncio.open_connection(LOOPBACK, self._endpoint.port)
            writer.write(self._request())
            keeps = await self._read_answer(reader)
            connection = (reader, writer) if keeps else None
            if not keeps:
                writer.close()
        if connection:
            connection[1].close()

    def _goes_on(self) -> bool:
        now = time.perf_counter()
        if now > self._longest:
            raise LoadError(f"{self._endpoint.path}: {len(self._granted_at)} answers in {LONGEST_SECONDS} s")
        if not self._counted and now >= self._end and len(self._granted_at) >= FEWEST_ANSWERS:
            self._counted = len(self._granted_at)
        return not self._counted

    def _request(self) -> bytes:
        body = urlencode(next(self._forms)).encode("ascii")
        head = (
            f"POST {self._endpoint.path} HTTP/1.1\r\nHost: {LOOPBACK}:{self._endpoint.port}\r\n"
            f"User-Agent: bench\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode("ascii") + body

    async def _read_answer(self, reader: asyncio.StreamReader) -> bool:
        """Read an answer, which must grant; return whether the server keeps the connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        lengths = [line.split(":")[1] for line in head.split("\r\n") if line.startswith("content-length:")]
        body = await reader.readexactly(int(lengths[0]))
        answer = json.loads(body) if b"{" in body else {}
        if answer.get("result", {}).get("value") is not True:
            raise LoadError(f"{self._endpoint.path} did not grant:\n{head[:200]}{body[:500]!r}")
        self._granted_at.append(time.perf_counter())
        return "connection: close" not in head
