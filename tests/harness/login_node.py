"""A node, its server, somebody with a phone and somebody without: what ssh clients are tried on."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.harness.accounts import Account, temporary_account
from tests.harness.keys import KeyPair, key_pair
from tests.harness.node import Node
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.soft_token import SoftToken, pair_soft_token
from tests.harness.sshd import Sshd, running_sshd
from watchword.clock import local_now

INFO_URL = "https://mfa.example.org"
REFUSAL = f"Access refused. To see why, sign in at {INFO_URL}"

# One phone for many logins: each takes the code of the next half minute, so its clock may run ahead by an hour.
ALL_TOKENS_OF_A_RUN = "[soft]\ndrift_seconds = 3600\n[lockout]\nfailures = 100\n"

# So that a test can wait for a file that is opened.
LOG_FILES = {"Subsystem": "sftp internal-sftp -l VERBOSE"}

# Seven digits, so that no code of that hour is hit by chance.
WRONG_CODE = "0000000"


@dataclass(frozen=True)
class LoginNode:
    """An sshd with what we ship, and two people with a password and a key each."""

    node: Node
    sshd: Sshd
    radius: RadiusServer
    paired: Account
    phone: SoftToken
    paired_key: KeyPair
    newcomer: Account
    newcomer_key: KeyPair

    def write_settings(self, more: str = "") -> None:
        """Write pam.toml: the paired are asked for a code, the others for a return; `more` are further keys."""
        deadline = local_now().date() + timedelta(days=12)
        self.node.write_settings(self.radius.pam_toml, mode="countdown", more=f"deadline = {deadline}\n{more}")

    def logins(self, account: Account) -> int:
        """Count the logins that sshd has let in."""
        return len(self.sshd.syslog.matching(f"Accepted .* for {account.name} "))


@contextmanager
def running_login_node(modules: Path, directory: Path) -> Iterator[LoginNode]:
    """Give a login node with the modules that are installed at `modules`, on SQLite."""
    places = {name: directory / name for name in ("node", "server", "sshd", "keys")}
    for place in places.values():
        place.mkdir()
    node = Node(modules, places["node"])
    node.write_exemptions()
    settings = ServerSettings(
        places["server"], f"sqlite:///{places['server'] / 'watchword.db'}", more=ALL_TOKENS_OF_A_RUN
    )
    with ExitStack() as undo:
        radius = undo.enter_context(running_radius_server(settings))
        paired, newcomer = (undo.enter_context(temporary_account()) for _ in range(2))
        sshd = undo.enter_context(running_sshd(places["sshd"], node.stack(), LOG_FILES))
        keys = [key_pair(account, places["keys"]) for account in (paired, newcomer)]
        phone = pair_soft_token(radius.watchword, paired.name)
        login_node = LoginNode(node, sshd, radius, paired, phone, keys[0], newcomer, keys[1])
        login_node.write_settings()
        yield login_node
