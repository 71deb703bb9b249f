"""The Python side of a release: the library for sshd, and the virtual environment of the command."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.installation.layout import CHECKOUT, Layout

SYSTEM_PYTHON = Path("/usr/bin/python3")
SHIMS = ("pubkey.py", "exemption.py", "token.py", "solaris.py")
SHEBANG = b"#!"
# Commands: they don't belong on the path of a root process.
NOT_FOR_SSHD = ("bin",)


@contextmanager
def build_tools() -> Iterator[Path]:
    """Give the Python of a temporary environment that has pip and what builds our package."""
    with tempfile.TemporaryDirectory(prefix="watchword-build-") as directory:
        _run(SYSTEM_PYTHON, "-m", "venv", directory)
        python = Path(directory) / "bin/python"
        _pip(python, "install", "--require-hashes", "--requirement", CHECKOUT / "requirements/build.txt")
        yield python


def put_modules(tools: Path, layout: Layout, release: Path) -> None:
    """Put what /etc/pam.d names into `pam`, and what that imports, no more, into `lib`.

    Our packages are copied and not installed: of `watchword` only the domain belongs in sshd.
    """
    pam, lib = layout.staged(release / "pam"), layout.staged(release / "lib")
    for shim in SHIMS:
        _put_file(CHECKOUT / "pam" / shim, pam / shim)
    _pip(tools, "install", "--require-hashes", "--requirement", CHECKOUT / "requirements/node.txt", "--target", lib)
    for unwanted in NOT_FOR_SSHD:
        shutil.rmtree(lib / unwanted, ignore_errors=True)
    _put_file(CHECKOUT / "src/watchword/__init__.py", lib / "watchword/__init__.py")
    _put_package(CHECKOUT / "src/watchword/domain", lib / "watchword/domain")
    _put_package(CHECKOUT / "pam/watchword_pam", lib / "watchword_pam")


def put_command(tools: Path, layout: Layout, release: Path) -> None:
    """Make the virtual environment with the whole of Watchword; without pip, which a server has no use for."""
    venv = layout.staged(release / "venv")
    _run(SYSTEM_PYTHON, "-m", "venv", "--without-pip", venv)
    with tempfile.TemporaryDirectory(prefix="watchword-wheel-") as wheels:
        _pip(tools, "wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", wheels, CHECKOUT)
        install = ("--python", venv / "bin/python", "install")
        _pip(tools, *install, "--require-hashes", "--requirement", CHECKOUT / "requirements/runtime.txt")
        _pip(tools, *install, "--no-deps", *Path(wheels).glob("*.whl"))
    if layout.is_staged:
        _forget_destdir(venv, layout)


def compile_all(layout: Layout, directory: Path) -> None:
    """Compile everything below, so that no login does."""
    staged = layout.staged(directory)
    _run(SYSTEM_PYTHON, "-m", "compileall", "-q", "-j", "0", "-s", layout.destdir, "-p", "/", staged)


def _forget_destdir(venv: Path, layout: Layout) -> None:
    """Take `destdir` out of the first lines of scripts, and out of pyvenv.cfg."""
    unwanted = os.fsencode(str(layout.destdir)) + b"/"
    for path in (venv / "pyvenv.cfg", *(venv / "bin").iterdir()):
        if path.is_symlink():
            continue
        text = path.read_bytes()
        if text.startswith(SHEBANG) or path.suffix in {".cfg", ".csh", ".fish"} or path.name == "activate":
            path.write_bytes(text.replace(unwanted, b"/"))


def _put_package(source: Path, target: Path) -> None:
    """Copy a package's sources and data, readable by all, as the umask cannot change."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            _put_file(path, target / path.relative_to(source))


def _put_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o644)


def _pip(python: Path, *arguments: str | Path) -> None:
    options = ("--disable-pip-version-check", "--no-input", "--quiet", "--quiet")
    _run(python, "-m", "pip", *options, *arguments, PIP_ROOT_USER_ACTION="ignore", PIP_NO_COMPILE="1")


def _run(*argv: str | Path, **environment: str) -> None:
    subprocess.run([str(word) for word in argv], check=True, env={**os.environ, **environment})
