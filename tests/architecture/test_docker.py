"""docker/: what is named is there, no secret can be committed, and each container may do little."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT, files

DOCKER = ROOT / "docker"
COMPOSE = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
DOCKERFILES = files("docker/*/Dockerfile")
SCRIPTS = [path for path in files("docker/*") if path.read_bytes().startswith(b"#!")]

COPIED = re.compile(r"^COPY (?!--from)(.+) \S+$", re.MULTILINE)
SERVICE = re.compile(r"^  ([a-z0-9]+):\n((?:    .*\n|\n|  #.*\n)+)", re.MULTILINE)
MAPPED = re.compile(r"([a-z0-9-]+):(?=/)")


def section(name: str) -> str:
    """Cut one top-level section out of the compose file."""
    found = re.search(rf"^{name}:\n((?:[ #].*\n|\n)*)", COMPOSE, re.MULTILINE)
    assert found, name
    return found[1]


def listed(text: str, key: str) -> set[str]:
    """Find the words of every inline list under a key, such as `secrets: [radius, people]`."""
    lists = re.findall(rf"\b{key}: \[(.*?)\]", text)
    return {word.strip(' "') for words in lists for word in words.split(",")}


def named(text: str) -> set[str]:
    """Find the keys of a section."""
    return set(re.findall(r"^  ([a-z0-9_-]+):", text, re.MULTILINE))


SERVICES = dict(SERVICE.findall(section("services")))


def test_the_services_are_found_by_this_test() -> None:
    assert {"database", "radius1", "radius2", "directory", "mail", "login", "keeper", "portal", "proxy"} <= set(
        SERVICES
    )


def test_each_dockerfile_that_is_named_is_there_and_no_other() -> None:
    named_files = {DOCKER.parent / name for name in re.findall(r"dockerfile: ([^}\s]+)", COMPOSE)}
    assert named_files == set(DOCKERFILES)


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_what_a_dockerfile_copies_is_there_and_seen_by_the_build(dockerfile: Path) -> None:
    text = dockerfile.read_text(encoding="utf-8")
    sources = [source for sources in COPIED.findall(text) for source in sources.split()]
    seen = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if source.split("/")[0] not in seen] == []


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_an_image_begins_with_debian_and_says_how_it_is(dockerfile: Path) -> None:
    text = dockerfile.read_text(encoding="utf-8")
    assert {line.split()[1] for line in text.splitlines() if line.startswith("FROM ")} == {"debian:bookworm-slim"}
    assert "\nHEALTHCHECK " in text
    assert ("\nUSER " in text) == (dockerfile.parent.name != "login")


def test_each_service_begins_with_the_same_restrictions() -> None:
    common = COMPOSE[: COMPOSE.index("\nservices:")]
    assert all(word in common for word in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"))
    assert [name for name, text in SERVICES.items() if not re.match(r"    <<: \*(every|once|radius)\n", text)] == []
    assert [name for name, text in SERVICES.items() if "cap_add" in text] == ["login"]


def test_only_ssh_and_https_are_published_and_on_loopback() -> None:
    assert listed(COMPOSE, "ports") == {"127.0.0.1:${SSH_PORT}:22", "127.0.0.1:${HTTPS_PORT}:8443"}


def test_each_secret_that_a_service_has_is_made_and_no_other() -> None:
    defined = section("secrets")
    script = (DOCKER / "make-secrets.sh").read_text(encoding="utf-8")
    assert listed(COMPOSE, "secrets") == named(defined)
    assert set(re.findall(r"\./secrets/(\w+)", defined)) == named(defined)
    assert [name for name in named(defined) if not re.search(rf"\b{name}\b", script)] == []


def test_each_volume_and_network_that_a_service_has_is_defined_and_no_other() -> None:
    services = "".join(SERVICES.values())
    mounted = {word for text in re.findall(r"volumes: \[(.*)\]", services) for word in MAPPED.findall(text)}
    assert mounted == named(section("volumes"))
    joined = listed(services, "networks") | {"data", "centre", "web"}  # those with addresses are written otherwise
    assert joined == named(section("networks"))


def test_no_secret_and_nothing_of_one_site_can_be_committed_or_get_into_an_image() -> None:
    hidden = ("docker/secrets/radius", "docker/site/etc/pip.conf")
    argv = ["git", "-C", str(ROOT), "check-ignore", "--no-index", *hidden]
    assert subprocess.run(argv, capture_output=True, text=True, check=False).stdout.split() == list(hidden)
    assert "docker/secrets" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_every_script_can_be_run() -> None:
    assert {"centre", "make-secrets.sh", "base-image.sh"} <= {path.name for path in SCRIPTS}
    assert [path.name for path in SCRIPTS if not path.stat().st_mode & 0o100] == []
