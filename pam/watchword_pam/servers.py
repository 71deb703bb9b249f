"""Whom this login asks: round robin across logins, and only silence goes on to the next server.

The memory of earlier logins is a convenience, never a condition: a login that can't use it goes on in random order.
"""

from __future__ import annotations

import os

from watchword_pam import system_log
from watchword_pam.clock import boot_seconds
from watchword_pam.exchange import Reply, Silent, exchange
from watchword_pam.server_memory import Memory, MemoryUnusable, change_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword_pam.settings import Server, Settings


class NobodyAnswers(Exception):
    """Every server was silent."""


class Servers:
    """The servers, as one login meets them. `until` is in boot_seconds() and ends all waiting."""

    def __init__(self, settings: Settings, until: float) -> None:
        self._settings = settings
        self._until = until
        self._order: list[Server] = []
        self._silent: set[str] = set()
        self._thought_dead: set[str] = set()
        self._has_memory = len(settings.servers) > 1
        self._heard = False
        self._owes_answer = ""
        self.last = "-"  # who answered last

    @property
    def is_outage(self) -> bool:
        """Return whether every server was asked in this login, and none has said anything at all."""
        return not self._heard and 0 < len(self._silent) == len(self._settings.servers)

    def ask(self, attributes: list[tuple[int, bytes]]) -> Reply:
        """Send a request, first to the server that answered last. Raises NobodyAnswers."""
        if not self._order:
            self._order = self._take_turn()
        # Who was silent a moment ago is asked again only when there is nobody else.
        willing = [server for server in self._order if server.name not in self._silent] or self._order
        for server in willing:
            if boot_seconds() >= self._until:
                break
            try:
                reply = exchange(server, attributes, self._until)
            except Silent:
                self._note_silence(server)
                continue
            self._note_answer(server)
            return reply
        raise NobodyAnswers

    def _take_turn(self) -> list[Server]:
        servers = {server.name: server for server in self._settings.servers}
        order: list[str] = []

        def take(memory: Memory) -> None:
            self._thought_dead = set(memory.dead)
            patience = max(server.timeout_seconds for server in servers.values())
            order.extend(memory.take_turn(list(servers), boot_seconds(), self._settings.dead_seconds, patience))
            self._owes_answer = order[0]

        self._remember(take)
        return [servers[name] for name in order] or _shuffled(list(servers.values()))

    def _note_silence(self, server: Server) -> None:
        system_log.write(system_log.WARNING, "token", "no answer", server=server.name)
        self._silent.add(server.name)
        until = boot_seconds() + self._settings.dead_seconds
        self._thought_dead.add(server.name)

        def pass_over(memory: Memory) -> None:
            memory.dead[server.name] = until
            memory.asked.pop(server.name, None)

        self._remember(pass_over)

    def _note_answer(self, server: Server) -> None:
        self._heard = True
        self.last = server.name
        self._silent.discard(server.name)
        self._order.sort(key=lambda other: other is not server)  # stable: this one moves to the front
        if server.name not in self._thought_dead and server.name != self._owes_answer:
            return
        self._thought_dead.discard(server.name)
        self._owes_answer = ""

        def is_alive(memory: Memory) -> None:
            memory.dead.pop(server.name, None)
            memory.asked.pop(server.name, None)

        self._remember(is_alive)

    def _remember(self, change: Callable[[Memory], object]) -> None:
        """Tell the next logins. A memory that can't be used is left alone for the rest of this one."""
        if not self._has_memory:
            return
        try:
            change_memory(self._settings.state_dir, change)
        except MemoryUnusable as error:
            self._has_memory = False
            reason = f"the servers' turn is not remembered: {error}"
            system_log.write(system_log.WARNING, "token", reason, directory=self._settings.state_dir)


def _shuffled(servers: list[Server]) -> list[Server]:
    """Return the servers in random order; `random` is slow to load."""
    return sorted(servers, key=lambda _: os.urandom(8))
