"""A container engine: the one that runs here, or one of our own for a while."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.architecture.repository import ROOT
from tests.harness.processes import running

BASE_IMAGE = "debian:bookworm-slim"
DOCKERD = "/usr/sbin/dockerd"
DEFAULT_BRIDGE = "docker0"
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
MOUNTS = Path("/proc/self/mounts")
TABLES = ("filter", "nat")


class CommandFailed(AssertionError):
    """A command failed; the message has what it said."""


@dataclass(frozen=True)
class Engine:
    """A running container engine."""

    environment: dict[str, str] = field(default_factory=dict)
    """What tells docker and compose where it is."""

    def run(self, *words: str | Path, more: dict[str, str] | None = None) -> str:
        """Run a command that finds this engine; return what it prints. Raises CommandFailed."""
        environment = {**os.environ, **self.environment, **(more or {})}
        argv = [str(word) for word in words]
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            said = f"{done.stdout[-4000:]}{done.stderr[-4000:]}"
            raise CommandFailed(f"{' '.join(argv[:4])} … ended with {done.returncode}:\n{said}")
        return done.stdout

    def succeeds(self, *words: str | Path) -> bool:
        """Run a command and answer whether it succeeded."""
        try:
            self.run(*words)
        except CommandFailed:
            return False
        return True

    def get_base_image(self) -> str:
        """See that the base image is there: as it is, from a registry, or made here. Answer which."""
        if self.succeeds("docker", "image", "inspect", BASE_IMAGE):
            return "was there"
        if self.succeeds("docker", "pull", "--quiet", BASE_IMAGE):
            return "pulled"
        self.run(ROOT / "docker/base-image.sh")
        return "could not be pulled, made by docker/base-image.sh"


@contextmanager
def engine(directory: Path) -> Iterator[tuple[Engine, str]]:
    """Give the engine that runs here; if there is none, one in `directory`. With a word on which."""
    present = Engine()
    if present.succeeds("docker", "info"):
        yield present, "the one that runs here"
        return
    with _network_restored(), _unmounted(directory):
        socket = directory / "docker.sock"
        files: tuple[str | Path, ...] = (
            "--data-root",
            directory / "data",
            "--exec-root",
            directory / "exec",
            "--pidfile",
            directory / "pid",
        )
        # No settings of this machine's, which may name the same directories.
        settings = directory / "daemon.json"
        settings.write_text("{}", encoding="utf-8")
        argv = [DOCKERD, "--config-file", settings, "--host", f"unix://{socket}", *files]
        with running(argv, directory / "dockerd.log") as server:
            own = Engine({"DOCKER_HOST": f"unix://{socket}"})
            server.wait_until(lambda: socket.exists() and own.succeeds("docker", "info"), seconds=60)
            yield own, f"one of our own, pid {server.pid}"


@contextmanager
def _unmounted(directory: Path) -> Iterator[None]:
    """Take off what an engine left mounted below `directory`."""
    try:
        yield
    finally:
        points = [line.split()[1] for line in MOUNTS.read_text(encoding="utf-8").splitlines()]
        for point in reversed([point for point in points if Path(point).is_relative_to(directory)]):
            subprocess.run(["umount", point], check=False)


@contextmanager
def _network_restored() -> Iterator[None]:
    """Take back what an engine leaves behind when it ends: a bridge, rules of the packet filter, forwarding.

    A bridge that was there before is somebody's; then its rules may be in use, and everything stays.
    """
    bridge = Path("/sys/class/net") / DEFAULT_BRIDGE
    was_there, forwarding, policy = bridge.exists(), FORWARDING.read_text(encoding="ascii"), _forward_policy()
    try:
        yield
    finally:
        if not was_there:
            if bridge.exists():
                subprocess.run(["ip", "link", "delete", DEFAULT_BRIDGE], check=True)
            for table in TABLES:
                _remove_rules(table)
            subprocess.run(["iptables", "-P", "FORWARD", policy], check=True)
            FORWARDING.write_text(forwarding, encoding="ascii")


def _forward_policy() -> str:
    return next(line.split()[2] for line in _rules("filter") if line.startswith("-P FORWARD "))


def _remove_rules(table: str) -> None:
    """Remove the chains that an engine makes, and every rule that leads to one or names its bridge."""
    ours = [line for line in _rules(table) if "DOCKER" in line or DEFAULT_BRIDGE in line]
    for line in ours:
        if line.startswith("-A "):
            subprocess.run(["iptables", "-t", table, "-D", *line.split()[1:]], check=True)
    for line in ours:
        if line.startswith("-N "):
            subprocess.run(["iptables", "-t", table, "-X", line.split()[1]], check=True)


def _rules(table: str) -> list[str]:
    argv = ["iptables", "-t", table, "-S"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
