"""Put the daemons and the command where a server has them. `make install-server` runs this."""

import grp
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.installation.files import give_to_group, put_configuration, put_unit
from scripts.installation.layout import Layout, read_layout
from scripts.installation.python_parts import build_tools, compile_all, put_command
from scripts.installation.release import new_release, point_link

USER = "watchword"
PORTAL_USER, KEEPER_USER = "watchword-portal", "watchword-keeper"
KEYS_GROUP = "watchword-keys"
"""Who may read the keyring: the daemons, each of which is kept from the others' passwords."""

UNITS = ("watchword-radius.service", "watchword-portal.service", "watchword-keeper.service")
NEXT_STEPS = """
Installed; nothing was started. Now:
  1. edit {configuration}/watchword.toml: the clients and their secrets, the database
  2. watchword init
  3. systemctl daemon-reload && systemctl enable --now watchword-radius
  4. watchword doctor
docs/how-to/install.md has it step by step; the portal is in docs/how-to/portal.md.
"""


def install_server(layout: Layout) -> None:
    """Install a server, or bring one up to date; what runs goes on with the old code until it is restarted."""
    with build_tools() as tools, new_release(layout, ("venv",)) as release:
        put_command(tools, layout, release)
        compile_all(layout, release)
    point_link(layout.staged(layout.commands / "watchword"), layout.prefix / "venv/bin/watchword")
    for name in ("watchword.toml", "portal.toml", "keeper.toml"):
        put_configuration(layout, name, 0o640)
    for unit in UNITS:
        put_unit(layout, unit)
    if not layout.is_staged:
        _make_users(layout)


def _make_users(layout: Layout) -> None:
    """Make the accounts that the daemons run as, and let each read its own configuration and the keyring alone."""
    _make_group(KEYS_GROUP)
    for user in (USER, PORTAL_USER, KEEPER_USER):
        _make_user(user, layout.state)
        subprocess.run(["usermod", "--append", "--groups", KEYS_GROUP, user], check=True)
    layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.chown(layout.state, USER, _group_of(USER))
    for name, user in (("watchword.toml", USER), ("portal.toml", PORTAL_USER), ("keeper.toml", KEEPER_USER)):
        give_to_group(layout.configuration / name, _group_of(user), 0o640)


def _make_group(name: str) -> None:
    try:
        grp.getgrnam(name)
    except KeyError:
        subprocess.run(["groupadd", "--system", name], check=True)
        print(f"new    group {name}")


def _make_user(name: str, home: Path) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        options = ("--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin")
        subprocess.run(["useradd", *options, "--home-dir", str(home), name], check=True)
        print(f"new    user {name}")


def _group_of(user: str) -> str:
    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


def main() -> int:
    """Install as the command line says."""
    layout = read_layout("Install Watchword on a server.")
    if os.geteuid() != 0:
        print("install-server: must be run as root", file=sys.stderr)
        return 1
    os.umask(0o022)
    install_server(layout)
    print(NEXT_STEPS.format(configuration=layout.configuration))
    return 0


if __name__ == "__main__":
    sys.exit(main())
