"""A carrier that keeps what it is given: for tests, for the demo, and for trying a new server out."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from watchword.domain.errors import DeliveryFailed


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """A message that was handed over."""

    phone: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(slots=True)
class Recorder:
    """Keeps messages in memory and, if a file is given, adds them to it, a line of JSON each.

    The file holds codes and numbers as they are, so only its owner can read it. What stands in `failures` is raised
    first, one failure a message.
    """

    file: Path | None = None
    messages: list[RecordedMessage] = field(default_factory=list)
    failures: list[DeliveryFailed] = field(default_factory=list)

    def send(self, phone: str, text: str) -> str:
        """Keep a message; raises DeliveryFailed."""
        if self.failures:
            raise self.failures.pop(0)
        if self.file is not None:
            _append(self.file, {"phone": phone, "text": text})
        self.messages.append(RecordedMessage(phone, text))
        return f"recorded-{len(self.messages)}"


def _append(file: Path, message: dict[str, str]) -> None:
    """Add one line in one write, so that several servers can share the file."""
    line = json.dumps(message, ensure_ascii=False).encode("utf-8") + b"\n"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise DeliveryFailed(f"cannot write to {file}: {error.strerror}") from None
