"""schemathesis reads the description, sends what it allows and what it forbids, and finds nothing that is not in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.served import served_api
from tests.architecture.repository import ROOT
from tests.web.world import SECRET

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")

EXAMPLES = os.environ.get("API_EXAMPLES", "2")
"""Drawn for each operation, beside its examples and its edges; `make fuzz-api` draws more."""


@pytest.mark.slow
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    with served_api(tmp_path) as world:
        world.desk.services.pairer.add_soft("alice", secret=SECRET)
        world.desk.services.pairer.add_static("train01")
        description = f"{world.settings.portal.public_url}/api/v1/openapi.json"
        authorization = f"Authorization: Bearer {world.new_key().key}"
        argv = [str(SCHEMATHESIS), "run", description, "-H", authorization, "-n", EXAMPLES, "--seed", "1", "--no-color"]
        hooks = {"SCHEMATHESIS_HOOKS": "tests.api.own_idempotency_keys", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            argv, cwd=tmp_path, env={**os.environ, **hooks}, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout
