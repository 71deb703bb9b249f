"""A queue in which clients have their turns: who asks without end waits for itself, and not others for it."""

from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """What waits, by client; at most so much of all, and of one at most half."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._queues: dict[str, deque[Item]] = {}
        """Never an empty one; whose turn is next stands first."""

    def __len__(self) -> int:
        """How much waits."""
        return self._count

    def put(self, client: str, item: Item) -> bool:
        """Have something wait; answers False if there is no room for it."""
        queue = self._queues.get(client)
        # A client must leave as much room as it takes: however much it asks, others find some.
        if self._most - self._count <= (len(queue) if queue is not None else 0):
            return False
        if queue is None:
            queue = self._queues[client] = deque()
        queue.append(item)
        self._count += 1
        return True

    def take(self, most: int) -> list[Item]:
        """Take so much of what waits, if it is there: as much of each client, of each the oldest first."""
        taken: list[Item] = []
        while self._queues and len(taken) < most:
            share = max(1, (most - len(taken)) // len(self._queues))
            for client in list(self._queues)[: most - len(taken)]:
                queue = self._queues.pop(client)
                taken += [queue.popleft() for _ in range(min(share, len(queue)))]
                if queue:
                    self._queues[client] = queue  # its next turn comes after everybody else's
        self._count -= len(taken)
        return taken
