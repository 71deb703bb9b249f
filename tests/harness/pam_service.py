"""A PAM service of our own in /etc/pam.d for a while."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAM_DIRECTORY = Path("/etc/pam.d")

# Debian's own stack after a login was let in; what stands before it is what a test is about.
ACCOUNT_AND_SESSION = """\
account  required  pam_nologin.so
@include common-account
session  required  pam_unix.so
"""


class PamService:
    """A file in /etc/pam.d that is ours."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = PAM_DIRECTORY / name

    def write(self, stack: str) -> None:
        """Put `stack` in place in one step: a login that begins meanwhile reads the old lines or the new."""
        beside = self.path.with_name(f".{self.name}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(stack)
            os.fchmod(file.fileno(), 0o644)
        beside.replace(self.path)

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


@contextmanager
def pam_service(name: str, stack: str) -> Iterator[PamService]:
    """Give a PAM service that is there as long as the block; raises FileExistsError if it is somebody else's."""
    service = PamService(name)
    if service.path.exists():
        raise FileExistsError(f"{service.path} is there already, and not ours")
    try:
        service.write(stack)
        yield service
    finally:
        service.remove()
