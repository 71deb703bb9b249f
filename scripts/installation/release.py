"""Build a new release beside the old one, then move a symbolic link: whoever logs in meanwhile sees one or the other.

PREFIX/releases/ID/{pam,lib,venv}    built whole, then never changed
PREFIX/{pam,lib,venv}                links into a release

A shim in `pam` finds the `lib` of its own release, so a login that began before the move ends with what it began with.
The release before the newest stays for those.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.installation.layout import Layout

OLD_RELEASES_KEPT = 1


@contextmanager
def new_release(layout: Layout, parts: tuple[str, ...]) -> Iterator[Path]:
    """Give a release's directory, without `destdir`, to build `parts` in; make it current if that worked."""
    now = time.time_ns()
    name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now // 10**9))}.{now % 10**9:09}"
    release = layout.prefix / "releases" / name
    staged = layout.staged(release)
    staged.mkdir(parents=True)
    for parent in (staged.parent, staged.parent.parent):
        parent.chmod(0o755)
    try:
        yield release
        _forbid_others_to_write(staged)
    except BaseException:
        shutil.rmtree(staged)
        raise
    for part in parts:
        point_link(layout.staged(layout.prefix / part), Path("releases") / name / part)
    _remove_old_releases(layout)


def point_link(link: Path, target: Path) -> None:
    """Make `link` point to `target` in one step, whether or not it was there."""
    link.parent.mkdir(parents=True, exist_ok=True)
    beside = link.with_name(f".{link.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)


def _forbid_others_to_write(directory: Path) -> None:
    """Take group's and others' right to write from everything below: root runs this code at each login."""
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o022)


def _remove_old_releases(layout: Layout) -> None:
    """Remove the releases that nothing points to, but for the newest of them."""
    prefix = layout.staged(layout.prefix)
    releases = prefix / "releases"
    # A sysadmin may keep links of their own beside ours.
    targets = [prefix / link.readlink() for link in prefix.iterdir() if link.is_symlink()]
    unused = sorted(release for release in releases.iterdir() if not any(t.is_relative_to(release) for t in targets))
    for release in unused[: len(unused) - OLD_RELEASES_KEPT]:
        shutil.rmtree(release)
