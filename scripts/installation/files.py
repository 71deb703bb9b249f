"""Put configuration files in place; never over one that a sysadmin has edited."""

import os
import shutil
from pathlib import Path

from scripts.installation.layout import CHECKOUT, Layout


def put_configuration(layout: Layout, name: str, mode: int) -> None:
    """Copy conf/NAME to /etc/watchword, unless a file of that name is there; `mode` is its permission bits."""
    target = layout.staged(layout.configuration / name)
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    text = (CHECKOUT / "conf" / name).read_bytes()
    try:
        # Made with its final mode, so that no moment exists at which others could read a secret.
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        print(f"kept   {target}")
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
    print(f"new    {target}")


def put_unit(layout: Layout, name: str) -> None:
    """Copy conf/systemd/NAME to the units of the machine, with our prefix in it."""
    text = (CHECKOUT / "conf/systemd" / name).read_text(encoding="utf-8")
    target = layout.staged(layout.units / name)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{name}.new")
    beside.write_text(text.replace("/usr/lib/watchword/", f"{layout.prefix}/"), encoding="utf-8")
    beside.chmod(0o644)
    beside.replace(target)
    print(f"put    {target}")


def give_to_group(path: Path, group: str, mode: int) -> None:
    """Let `group` read `path`, which stays root's."""
    shutil.chown(path, "root", group)
    path.chmod(mode)
