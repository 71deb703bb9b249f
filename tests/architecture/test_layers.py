"""Who may import whom, as DESIGN.md has it."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.repository import ROOT


def test_the_layers_of_the_design_are_kept() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
