"""Virtual environments for peers, kept from run to run: nothing of theirs comes near our own."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.bench.stage import CACHE

SYSTEM_PYTHON = "/usr/bin/python3"
STAMP = "installed-by-the-bench"
INSTALL_SECONDS = 900


class NotHad(Exception):
    """A peer cannot be had here; says why."""


def environment(name: str, install: Callable[[Path], str]) -> Path:
    """Return a peer's environment; the first time, make it, and write down the version that `install` answers.

    Raises NotHad.
    """
    home = CACHE / "venvs" / name
    stamp = home / STAMP
    if not stamp.exists():
        shutil.rmtree(home, ignore_errors=True)
        run([SYSTEM_PYTHON, "-m", "venv", home])
        stamp.write_text(install(home), encoding="utf-8")
    return home


def version_in(home: Path) -> str:
    """Return the version that was written down when the environment was made."""
    return (home / STAMP).read_text(encoding="utf-8")


def pip_install(home: Path, *words: str | Path) -> None:
    """Install packages into a peer's environment; raises NotHad."""
    quietly = ["--quiet", "--quiet", "--no-input", "--disable-pip-version-check"]
    run([home / "bin/python", "-m", "pip", "install", *quietly, *words])


def installed_version(home: Path, package: str) -> str:
    """Ask an environment for the version of a package."""
    ask = f"import importlib.metadata as m; print(m.version({package!r}))"
    return run([home / "bin/python", "-c", ask]).strip()


def run(argv: list[str | Path], **options: str | Path) -> str:
    """Run a command of an installation and return what it says; raises NotHad."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_SECONDS,
            stdin=subprocess.DEVNULL,
            cwd=options.get("cwd"),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHad(f"{words[0]}: {type(error).__name__}") from None
    if done.returncode != 0:
        raise NotHad(f"{' '.join(words[:4])} … ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout
