"""A node with its sshd, and one person who logs in to it with a password and then a code."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.accounts import Account, temporary_account
from tests.harness.node import Node, installed_modules
from tests.harness.ssh_client import Answer, Session
from tests.harness.sshd import Sshd, running_sshd

PASSWORD, CODE = "assword: ", "Token code: "


@dataclass(frozen=True)
class OnePersonNode:
    """A running node, and an account on it."""

    node: Node
    sshd: Sshd
    person: Account

    def log_in(self, *answers: Answer) -> Session:
        """Log in with ssh: the password, then these answers."""
        return self.sshd.ssh_login(self.person, [Answer(PASSWORD, self.person.password), *answers])

    def is_in(self, session: Session) -> bool:
        """Whether the login came as far as a command of the person's."""
        return session.status == 0 and f"logged in as {self.person.name}" in session.transcript


@contextmanager
def running_one_person_node(directory: Path) -> Iterator[OnePersonNode]:
    """Give a node with the recommended PAM stack and no exemption; its pam.toml is the test's to write."""
    modules = installed_modules(directory / "modules")
    files, server = directory / "node", directory / "sshd"
    for path in (files, server):
        path.mkdir()
    node = Node(modules, files)
    node.write_exemptions()
    with temporary_account() as person, running_sshd(server, node.stack()) as sshd:
        yield OnePersonNode(node, sshd, person)
