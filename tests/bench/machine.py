"""Where it was measured."""

import os
import platform
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

PACKAGES = {
    "MariaDB": "mariadb-server-core",
    "OpenSSH": "openssh-server",
    "pam_python": "libpam-python",
    "pam_google_authenticator": "libpam-google-authenticator",
    "pam_radius_auth": "libpam-radius-auth",
}
LIBRARIES = ("cryptography", "pymysql", "pyrad", "sqlalchemy")


def description() -> str:
    """Describe the machine in a line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, Linux {platform.release()}"


def versions() -> dict[str, str]:
    """Name the versions of what takes part."""
    python = sys.version.split()[0]
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    ours = {"Watchword": f"{_commit()}, Python {python}, {libraries}"}
    return ours | {name: _debian_version(package) for name, package in PACKAGES.items()}


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else platform.machine()


def _debian_version(package: str) -> str:
    return _said("dpkg-query", "-W", "-f", "${Version}", package) or "not installed"


def _commit() -> str:
    changed = " with changes" if _said("git", "status", "--porcelain", "--untracked-files=no") else ""
    return f"commit {_said('git', 'rev-parse', '--short', 'HEAD') or 'unknown'}{changed}"


def _said(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    return done.stdout.strip()
