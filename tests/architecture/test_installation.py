"""What `make install-node` leaves on a node, and what people who log in meanwhile see of it."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from scripts.install_node import install_modules
from scripts.install_server import UNITS
from scripts.installation.files import put_configuration
from scripts.installation.layout import CHECKOUT, Layout
from scripts.installation.release import new_release

pytestmark = pytest.mark.slow

PYTHON = Path(sys.executable)
SYSTEM_PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """The modules, installed by somebody whose umask lets everybody write."""
    layout = Layout(prefix=tmp_path_factory.mktemp("node") / "watchword")
    umask = os.umask(0)
    try:
        install_modules(layout, PYTHON)
    finally:
        os.umask(umask)
    return layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An empty machine."""
    return Layout(prefix=tmp_path / "watchword", configuration=tmp_path / "etc")


def put_release(layout: Layout, text: str) -> None:
    """Install a release with one file."""
    with new_release(layout, ("pam",)) as release:
        (release / "pam").mkdir()
        (release / "pam/token.py").write_text(text)


def test_nobody_but_root_can_write_to_what_sshd_runs(installed: Layout) -> None:
    paths = [installed.prefix, *installed.prefix.rglob("*")]
    assert [path for path in paths if path.lstat().st_uid != 0] == []
    assert [path for path in paths if not path.is_symlink() and path.stat().st_mode & 0o022] == []


def test_sshd_gets_its_own_library_and_no_more_of_ours_than_the_domain(installed: Layout) -> None:
    library = installed.prefix / "lib"
    packages = {path.name for path in library.iterdir() if not path.name.endswith(".dist-info")}
    assert packages == {"ldap3", "pyasn1", "watchword", "watchword_pam"}
    assert {path.name for path in (library / "watchword").iterdir()} == {"__init__.py", "__pycache__", "domain"}


def test_every_module_of_ours_is_compiled(installed: Layout) -> None:
    ours = [*installed.prefix.glob("lib/watchword*/**/*.py")]
    assert ours
    assert [path for path in ours if not list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"))] == []


def test_the_library_imports_with_nothing_else_on_the_path(installed: Layout) -> None:
    program = f"import sys; sys.path.insert(0, {str(installed.prefix / 'lib')!r}); import watchword_pam.entry, ldap3"
    subprocess.run([SYSTEM_PYTHON, "-I", "-c", program], check=True, cwd="/")


def test_a_login_during_an_upgrade_reads_the_old_release_or_the_new(layout: Layout) -> None:
    put_release(layout, "0" * 4096)
    seen, done = set(), threading.Event()

    def log_in() -> None:
        while not done.is_set():
            seen.add((layout.prefix / "pam/token.py").read_text())

    reader = threading.Thread(target=log_in)
    reader.start()
    for digit in "123456789":
        put_release(layout, digit * 4096)
    done.set()
    reader.join()
    assert all(len(text) == 4096 and len(set(text)) == 1 for text in seen)


def test_the_release_before_stays_for_logins_that_began_with_it(layout: Layout) -> None:
    put_release(layout, "old")
    before = (layout.prefix / "pam/token.py").resolve()
    put_release(layout, "new")
    assert (layout.prefix / "pam/token.py").read_text() == "new"
    assert before.read_text() == "old"


@pytest.mark.parametrize("target", ["/opt/elsewhere", "elsewhere", "."])
def test_a_link_of_the_sysadmins_beside_ours_is_left_alone(layout: Layout, target: str) -> None:
    layout.prefix.mkdir()
    theirs = layout.prefix / "theirs"
    theirs.symlink_to(target)
    for text in ("old", "new", "newest"):
        put_release(layout, text)
    assert str(theirs.readlink()) == target
    assert (layout.prefix / "pam/token.py").read_text() == "newest"
    assert len(list((layout.prefix / "releases").iterdir())) == 2


def test_a_release_that_cannot_be_built_changes_nothing(layout: Layout) -> None:
    put_release(layout, "good")
    with pytest.raises(OSError, match="disk full"), new_release(layout, ("pam",)):
        raise OSError("disk full")
    assert (layout.prefix / "pam/token.py").read_text() == "good"
    assert len(list((layout.prefix / "releases").iterdir())) == 1


def test_configuration_that_a_sysadmin_edited_is_kept(layout: Layout) -> None:
    put_configuration(layout, "pam.toml", 0o600)
    path = layout.configuration / "pam.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("edited")
    put_configuration(layout, "pam.toml", 0o600)
    assert path.read_text() == "edited"


def test_what_sshd_must_do_is_read_before_what_others_say() -> None:
    """sshd takes the first value of a setting; Debian's cloud images ship 50-cloud-init.conf."""
    (ours,) = (CHECKOUT / "conf/sshd_config.d").glob("*.conf")
    assert ours.name < "50-cloud-init.conf"


def unit_of(name: str) -> list[str]:
    """The lines of a systemd unit."""
    return (CHECKOUT / "conf/systemd" / name).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("unit", UNITS)
def test_a_daemon_that_holds_the_keyring_leaves_no_core(unit: str) -> None:
    assert "LimitCORE=0" in unit_of(unit)


def test_each_daemon_has_an_account_and_a_configuration_of_its_own() -> None:
    lines = [line for unit in UNITS for line in unit_of(unit) if line.startswith(("User=", "ExecStart="))]
    assert len(set(lines)) == 2 * len(UNITS)


def test_the_keeper_sees_whose_process_asks() -> None:
    """In a user namespace of its own every other account is nobody (user_namespaces(7)), to SO_PEERCRED too."""
    assert not [line for line in unit_of("watchword-keeper.service") if line.startswith("PrivateUsers=")]
