"""The centre of docker/, from a copy of this checkout, as a sysadmin uses it: through docker/centre."""

import json
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.architecture.repository import ROOT, files
from tests.docker.engine import CommandFailed, Engine
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.soft_token import SoftToken
from tests.harness.ssh_client import Answer, Session, at_terminal

LOGIN = "login"
HEALTHY_SECONDS = 90
POLL_SECONDS = 0.5
# How this machine reaches its package indexes is the machine's business; docker/README.md.
SITE_FILES = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Centre:
    """A centre that is, or will be, up."""

    engine: Engine
    checkout: Path
    project: str
    port: int
    https_port: int

    def run(self, *words: str) -> str:
        """Run docker/centre; return what it prints."""
        chosen = {"COMPOSE_PROJECT_NAME": self.project, "SSH_PORT": str(self.port), "HTTPS_PORT": str(self.https_port)}
        return self.engine.run(self.checkout / "docker/centre", *words, more=chosen)

    @property
    def portal_url(self) -> str:
        """What people type into a browser."""
        return f"https://localhost:{self.https_port}"

    def inside(self, service: str, *words: str) -> str:
        """Run a command in a service's container; return what it prints."""
        return self.run("exec", "-T", service, *words)

    def operator(self, *words: str) -> Any:
        """Run the operators' command with --json; return what it answers."""
        return json.loads(self.run("operator", *words, "--json"))

    def pair(self, account: str) -> SoftToken:
        """Give an account a soft token."""
        added = self.operator("token", "add", account, "--kind", "soft")
        return SoftToken(added["serial"], added["otpauth"])

    def password(self, account: str) -> str:
        """Return an account's password in the directory."""
        return dict(line.split() for line in self.secret("people").splitlines())[account]

    def secret(self, name: str) -> str:
        """Return a secret."""
        return (self.checkout / "docker/secrets" / name).read_text(encoding="utf-8")

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return what the engine knows of each service's container."""
        listing = ["docker", "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.project}"]
        numbers = self.engine.run(*listing).split()
        found = json.loads(self.engine.run("docker", "inspect", *numbers)) if numbers else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def health(self) -> dict[str, str]:
        """Return the health of each container that has a check and runs."""
        states = {service: one["State"] for service, one in self.containers().items()}
        return {
            service: state["Health"]["Status"]
            for service, state in states.items()
            if "Health" in state and state["Running"]
        }

    def wait_until_healthy(self) -> dict[str, str]:
        """Wait until every check of a running container says healthy; raises CommandFailed after a while."""
        deadline = time.monotonic() + HEALTHY_SECONDS
        while set((health := self.health()).values()) != {"healthy"}:
            if time.monotonic() > deadline:
                raise CommandFailed(f"not healthy: {health}\n{self.run('logs', '--tail', '20')}")
            time.sleep(POLL_SECONDS)
        return health

    def ssh(self, account: str, answers: Sequence[Answer], command: str, key: Path | None = None) -> Session:
        """Log in from outside and run a command."""
        home = self.checkout
        options = [
            *("-F", "none", "-o", f"UserKnownHostsFile={home / 'known_hosts'}", "-o", "GlobalKnownHostsFile=none"),
            *("-o", "StrictHostKeyChecking=accept-new", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"),
            *("-o", "NumberOfPasswordPrompts=1", "-p", str(self.port)),
            *(("-i", str(key)) if key else ("-o", "IdentityFile=none")),
        ]
        return at_terminal(["ssh", *options, f"{account}@{LOOPBACK}", command], answers, home)


@contextmanager
def centre(engine: Engine, directory: Path) -> Iterator[Centre]:
    """Give a centre that is not up yet; take it down at the end, data and images too."""
    checkout = directory / "checkout"
    for path in files():
        target = checkout / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    for name in SITE_FILES:
        if Path(name).exists():
            target = checkout / "docker/site" / name.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(name, target)
    made = Centre(engine, checkout, f"watchword-test-{secrets.token_hex(3)}", free_tcp_port(), free_tcp_port())
    # Compose wants every secret to be there, even to take down what never came up.
    engine.run(checkout / "docker/make-secrets.sh")
    try:
        yield made
    finally:
        made.run("down", "--volumes", "--remove-orphans", "--rmi", "all")
