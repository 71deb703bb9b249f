"""Put the PAM modules and the command where a login node has them. `make install-node` runs this."""

import os
import sys
from pathlib import Path

from scripts.installation.files import put_configuration
from scripts.installation.layout import Layout, read_layout
from scripts.installation.python_parts import build_tools, compile_all, put_command, put_modules
from scripts.installation.release import new_release, point_link

NEXT_STEPS = """
Installed. No PAM stack and no sshd setting was changed. Now, with a root shell kept open in another window:
  1. edit {configuration}/pam.toml: the servers and their secrets; leave mode = "off" for the moment
  2. watchword doctor
  3. put the lines of conf/pam.d/sshd into /etc/pam.d/sshd, those of conf/sshd_config.d into /etc/ssh/sshd_config.d
  4. log in from a third window; then raise the mode, which works from the next login on
docs/how-to/install.md has it step by step.
"""


def install_modules(layout: Layout, tools: Path) -> None:
    """Put in place what runs inside sshd, and nothing else; `tools` is a Python that has pip."""
    with new_release(layout, ("pam", "lib")) as release:
        put_modules(tools, layout, release)
        compile_all(layout, release)


def install_node(layout: Layout) -> None:
    """Put in place all that a node has; configuration that is there is kept."""
    with build_tools() as tools, new_release(layout, ("pam", "lib", "venv")) as release:
        put_modules(tools, layout, release)
        put_command(tools, layout, release)
        compile_all(layout, release)
    point_link(layout.staged(layout.commands / "watchword"), layout.prefix / "venv/bin/watchword")
    put_configuration(layout, "pam.toml", 0o600)
    put_configuration(layout, "exemptions.conf", 0o644)


def main() -> int:
    """Install as the command line says."""
    layout = read_layout("Install Watchword on a login node.")
    if os.geteuid() != 0:
        print("install-node: must be run as root", file=sys.stderr)
        return 1
    os.umask(0o022)
    install_node(layout)
    print(NEXT_STEPS.format(configuration=layout.configuration))
    return 0


if __name__ == "__main__":
    sys.exit(main())
