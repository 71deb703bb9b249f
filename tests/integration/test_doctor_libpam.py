"""The doctor's walk through a stack comes to what libpam itself comes to."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.pam_service import PAM_DIRECTORY, PamService, pam_service
from watchword.cli.doctor.pam_file import StackLine, read_stack
from watchword.cli.doctor.pam_walk import ways_through

pytestmark = pytest.mark.slow

RETURNS = st.sampled_from(["success", "success", "auth_err", "user_unknown", "ignore"])
ACTIONS = st.sampled_from(["ignore", "ok", "done", "bad", "die", "1", "2", "3"])
WORD = st.sampled_from(["required", "requisite", "sufficient", "optional"])
BRACKETS = st.builds(
    "[success={} auth_err={} default={}]".format, ACTIONS, ACTIONS, st.sampled_from(["ignore", "bad", "die", "ok", "1"])
)
# pam_debug.so returns what it is told to.
LINE = st.builds("auth {} pam_debug.so auth={}".format, st.one_of(WORD, BRACKETS), RETURNS)
LINES = st.lists(LINE, min_size=1, max_size=6)


@pytest.fixture(scope="module")
def services() -> Iterator[tuple[PamService, PamService]]:
    """A service, and a file that it may include."""
    name = f"watchword-walk-{secrets.token_hex(3)}"
    with pam_service(name, "") as service, pam_service(f"{name}-part", "") as part:
        yield service, part


def told_to(line: StackLine) -> list[str]:
    """What pam_debug.so returns for a line."""
    return [line.arguments[0].removeprefix("auth=")]


def libpam_grants(service: str) -> bool:
    """Ask libpam."""
    done = subprocess.run(["pamtester", service, "root", "authenticate"], capture_output=True, check=False)
    return done.returncode == 0


def walk_grants(service: str) -> bool:
    """Ask ours: there is one way, since each module returns one thing."""
    lines = read_stack(PAM_DIRECTORY, service).of("auth")
    (walk,) = ways_through(lines, told_to, lambda step: step.line.place)
    return walk.is_granted


@settings(max_examples=300, deadline=None)
@given(LINES)
def test_any_stack_ends_as_libpam_has_it(services: tuple[PamService, PamService], lines: list[str]) -> None:
    service, _ = services
    service.write("\n".join(lines) + "\n")
    assert walk_grants(service.name) == libpam_grants(service.name)


@settings(max_examples=300, deadline=None)
@given(LINES, LINES, LINES, st.sampled_from(["@include {}", "auth include {}", "auth substack {}"]))
def test_what_is_included_counts_as_libpam_has_it(
    services: tuple[PamService, PamService], before: list[str], part: list[str], after: list[str], how: str
) -> None:
    service, included = services
    included.write("\n".join(part) + "\n")
    service.write("\n".join([*before, how.format(included.name), *after]) + "\n")
    assert walk_grants(service.name) == libpam_grants(service.name)
