"""A Galera cluster on loopback: each node may be killed, and joins again by what it missed, or by a whole copy."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import run

import pymysql

from tests.harness.mortal_mariadb import OPTIONS, PROGRAM, MortalMariadb
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.processes import ServerError

PROVIDER = "/usr/lib/galera/libgalera_smm.so"
NAME = "watchword-tests"
RECOVERED = re.compile(r"WSREP: Recovered position:? ([0-9a-f-]+:-?\d+)")
UNKNOWN = re.compile(r"^seqno: +-1$", re.MULTILINE)

# A node is given up after some three seconds of silence; by default it takes five to fifteen.
PROVIDER_OPTIONS = (
    "evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S;evs.keepalive_period=PT0.5S;"
    "evs.inactive_check_period=PT0.5S;gcache.size=32M"
)


class GaleraNode(MortalMariadb):
    """One node of a cluster."""

    # Not root: rsync, which sends a node all it lacks, would give root's rights up and could not write.
    runs_as = "mysql"

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.group_port, incremental, whole = free_tcp_port(), free_tcp_port(), free_tcp_port()
        listen = f"gmcast.listen_addr=tcp://{LOOPBACK}:{self.group_port};ist.recv_addr={LOOPBACK}:{incremental}"
        super().__init__(
            directory,
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            "--wsrep-on=ON",
            f"--wsrep-provider={PROVIDER}",
            f"--wsrep-provider-options={listen};{PROVIDER_OPTIONS}",
            f"--wsrep-cluster-name={NAME}",
            f"--wsrep-node-name={directory.name}",
            f"--wsrep-node-address={LOOPBACK}:{self.group_port}",
            "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address={LOOPBACK}:{whole}",
        )

    @property
    def is_synced(self) -> bool:
        """Whether the node takes part: it has all that the others have, and belongs to the majority."""
        return self._status("wsrep_ready") == "ON"

    @property
    def cluster_size(self) -> int:
        """How many nodes this one counts, itself included; 0 if it does not answer."""
        return int(self._status("wsrep_cluster_size") or 0)

    def _status(self, name: str) -> str:
        """Ask for a variable; empty if the node does not answer: one that joins ends connections as it pleases."""
        try:
            rows = self.select(f"SHOW STATUS LIKE '{name}'")
        except (OSError, pymysql.Error):
            return ""
        return str(rows[0][1]) if rows else ""

    def wait_synced(self, cluster_size: int = 1, seconds: float = 60) -> None:
        """Wait until the node takes part in a cluster of at least so many."""
        self.process.wait_until(lambda: self.is_synced and self.cluster_size >= cluster_size, seconds)

    def go_on_alone(self) -> None:
        """Let a node that has lost the others answer again, as a sysadmin does who knows that they are dead."""
        self.execute("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=1'")

    def adopt(self) -> None:
        """Take the data directory of another node, which was copied here, for one's own."""
        self._temporary.mkdir()
        for path in (self.directory, self._temporary):
            shutil.chown(path, self.runs_as)
        for cache in ("galera.cache", "gvwstate.dat"):
            (self.data / cache).unlink(missing_ok=True)

    def forget_position(self) -> None:
        """Make a dead node ask for a whole copy when it joins again."""
        (self.data / "grastate.dat").unlink()

    def position(self) -> list[str]:
        """Return the option that tells a node where it stood, if its own notes don't, or are gone."""
        notes = self.data / "grastate.dat"
        if not notes.exists() or not UNKNOWN.search(notes.read_text(encoding="ascii")):
            return []
        return [f"--wsrep-start-position={self._recovered()}"]

    def _recovered(self) -> str:
        """Find out where a node stood that was killed, as mariadbd-safe does."""
        log = self.directory / "recovery.log"
        argv = [PROGRAM, "--no-defaults", f"--user={self.runs_as}", f"--datadir={self.data}", f"--log-error={log}"]
        recover = ["--wsrep-recover", "--wsrep-cluster-address=gcomm://"]
        run([*argv, *OPTIONS, *self._options, *recover], check=False, capture_output=True)
        found = RECOVERED.findall(log.read_text(encoding="utf-8", errors="replace"))
        if not found:
            raise ServerError(f"no position in {log.read_text(encoding='utf-8', errors='replace')}")
        return str(found[-1])


class Galera:
    """Three nodes."""

    def __init__(self, nodes: list[GaleraNode]) -> None:
        self.nodes = nodes

    def join(self, node: GaleraNode) -> None:
        """Let a dead node join those that live; a node that knows where it stood asks only for what it missed."""
        others = ",".join(f"{LOOPBACK}:{other.group_port}" for other in self.nodes if other is not node)
        node.start(f"--wsrep-cluster-address=gcomm://{others}", *node.position())

    def wait_whole(self, seconds: float = 120) -> None:
        """Wait until every node takes part."""
        for node in self.nodes:
            node.wait_synced(len(self.nodes), seconds)


@contextmanager
def running_galera(size: int = 3) -> Iterator[Galera]:
    """Give a cluster: one data directory is made and copied, so that nobody has to send it to the others at first."""
    with ExitStack() as undo:
        directory = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="watchword-galera-")))
        directory.chmod(0o755)
        nodes = [GaleraNode(directory / f"node{number}") for number in range(1, size + 1)]
        first = nodes[0]
        first.install()
        for node in nodes:
            undo.callback(node.stop)
        _begin(first)
        first.stop()
        for node in nodes[1:]:
            # With owners and modes, as shutil would not.
            run(["cp", "-a", "--", first.data, node.data], check=True)
            node.adopt()
        _begin(first)
        galera = Galera(nodes)
        for node in nodes[1:]:
            galera.join(node)
            node.wait_synced()
        galera.wait_whole()
        yield galera


def _begin(node: GaleraNode) -> None:
    """Begin a cluster of one."""
    node.start("--wsrep-cluster-address=gcomm://")
    node.wait_synced()
