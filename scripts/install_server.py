"""Put the RADIUS server and the command where a server has them. `make install-server` runs this."""

import grp
import os
import pwd
import shutil
import subprocess
import sys

from scripts.installation.files import give_to_group, put_configuration, put_unit
from scripts.installation.layout import Layout, read_layout
from scripts.installation.python_parts import build_tools, compile_all, put_command
from scripts.installation.release import new_release, point_link

USER = "watchword"
UNITS = ("watchword-radius.service",)
NEXT_STEPS = """
Installed; nothing was started. Now:
  1. edit {configuration}/watchword.toml: the clients and their secrets, the database
  2. watchword init
  3. systemctl daemon-reload && systemctl enable --now watchword-radius
  4. watchword doctor
docs/how-to/install.md has it step by step.
"""


def install_server(layout: Layout) -> None:
    """Install a server, or bring one up to date; what runs goes on with the old code until it is restarted."""
    with build_tools() as tools, new_release(layout, ("venv",)) as release:
        put_command(tools, layout, release)
        compile_all(layout, release)
    point_link(layout.staged(layout.commands / "watchword"), layout.prefix / "venv/bin/watchword")
    put_configuration(layout, "watchword.toml", 0o640)
    for unit in UNITS:
        put_unit(layout, unit)
    if not layout.is_staged:
        _make_user(layout)


def _make_user(layout: Layout) -> None:
    """Make the account that the daemons run as, and let it read its configuration."""
    try:
        pwd.getpwnam(USER)
    except KeyError:
        options = ("--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin")
        subprocess.run(["useradd", *options, "--home-dir", str(layout.state), USER], check=True)
        print(f"new    user {USER}")
    group = grp.getgrgid(pwd.getpwnam(USER).pw_gid).gr_name
    layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.chown(layout.state, USER, group)
    give_to_group(layout.configuration / "watchword.toml", group, 0o640)


def main() -> int:
    """Install as the command line says."""
    layout = read_layout("Install Watchword on a RADIUS server.")
    if os.geteuid() != 0:
        print("install-server: must be run as root", file=sys.stderr)
        return 1
    os.umask(0o022)
    install_server(layout)
    print(NEXT_STEPS.format(configuration=layout.configuration))
    return 0


if __name__ == "__main__":
    sys.exit(main())
