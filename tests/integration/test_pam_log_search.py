"""The search of the log, for sshd before OpenSSH 7.8: a real sshd, its own log, and PAM that is told nothing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.accounts import etc_locked
from tests.harness.node import installed_modules
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.processes import running
from tests.harness.syslog import Syslog
from tests.pam_layout import PAM_PYTHON, PamLayout

pytestmark = pytest.mark.slow

OLD_SSHD = """
def pam_sm_authenticate(pamh, flags, argv):
    try:
        del pamh.env["SSH_AUTH_INFO_0"]
    except KeyError:
        pass
    return pamh.PAM_IGNORE


def pam_sm_setcred(pamh, flags, argv):
    return pamh.PAM_SUCCESS
"""
SSHD_CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {home}/host_key
AuthorizedKeysFile {home}/user_key.pub
StrictModes no
PidFile none
PermitRootLogin yes
LogLevel VERBOSE
Include {shipped}
"""
SHIPPED = Path(__file__).parents[2] / "conf" / "sshd_config.d" / "00-watchword.conf"


class OldSshd:
    """An sshd called sshd, so that its log lines are."""

    def __init__(self, layout: PamLayout, syslog: Syslog, port: int) -> None:
        self.layout = layout
        self.syslog = syslog
        self.port = port

    def write_stack(self, *arguments: str) -> None:
        """Let PAM ask for a public key, and nothing else."""
        old = f"auth required {PAM_PYTHON} {self.layout.home}/old.py"
        pubkey = self.layout.line("pubkey", "required", *arguments)
        self.layout.write_service("sshd", old, pubkey, "session required pam_permit.so")

    def login(self, *options: str) -> bool:
        fixed = ["-F", "none", "-p", str(self.port), "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"]
        fixed += ["-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"]
        command = ["ssh", *fixed, *options, f"root@{LOOPBACK}", "echo logged in"]
        run = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
        return "logged in" in run.stdout


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[OldSshd]:
    node = tmp_path / "node"
    home = tmp_path / "own"
    node.mkdir()
    home.mkdir()
    layout = PamLayout(installed_modules(node), home)
    layout.close()
    (home / "log.socket").unlink()
    syslog = Syslog(home / "log.socket", home / "auth.log")
    (home / "old.py").write_text(OLD_SSHD)
    for key in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / key)], check=True)
    port = free_tcp_port()
    (home / "sshd_config").write_text(SSHD_CONFIG.format(port=port, home=home, shipped=SHIPPED))
    shutil.copy("/usr/sbin/sshd", home / "sshd")
    argv = [*layout.inside(), home / "sshd", "-D", "-f", home / "sshd_config"]
    with etc_locked(alone=False), running(argv, home / "sshd.out") as server:
        server.wait_until(lambda: bool(syslog.matching("Server listening on")))
        yield OldSshd(layout, syslog, port)
    syslog.close()


def test_a_key_that_sshd_accepted_is_found_in_its_log_and_nothing_else_is(sshd: OldSshd) -> None:
    key = ["-i", str(sshd.layout.home / "user_key")]
    no_key = ["-o", "PubkeyAuthentication=no"]
    log = sshd.layout.home / "auth.log"
    sshd.write_stack()
    assert not sshd.login(*key)
    sshd.write_stack(f"log={log}")
    assert sshd.login(*key)
    assert "reason=log-says-so" in sshd.syslog.wait_for("pubkey: granted")
    assert sshd.syslog.matching("Partial publickey for root from 127.0.0.1 port")
    # Somebody else's accepted key, seconds ago, is in the log by now; this connection has none.
    assert not sshd.login(*no_key)
    # The client shows a key that sshd would take, but has no private half: VERBOSE says "Accepted key … found at".
    other = sshd.layout.home / "other_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    shutil.copy(sshd.layout.home / "user_key.pub", sshd.layout.home / "other_key.pub")
    accepted = len(sshd.syslog.matching("Accepted key"))
    assert not sshd.login("-i", str(other))
    assert len(sshd.syslog.matching("Accepted key")) > accepted
