"""Programs that others wrote, against the API on a real port: curl and httpx, with bearer keys and with HTTP Digest."""

import json
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from tests.api.served import served_api
from tests.api.world import WHY, ApiWorld

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    """An API on a port."""
    with served_api(tmp_path_factory.mktemp("api")) as world:
        yield world


@pytest.fixture
def url(world: ApiWorld) -> str:
    return f"{world.settings.portal.public_url}/api/v1"


def curl(*words: str, given: str | None = None) -> str:
    return subprocess.run(["curl", "-sS", *words], input=given, capture_output=True, text=True, check=True).stdout


def test_curl_shows_a_bearer_key_as_the_how_to_says(world: ApiWorld, url: str) -> None:
    new = world.new_key()
    answer = json.loads(curl("-H", "@-", f"{url}/key", given=f"Authorization: Bearer {new.key}"))
    assert answer["id"] == new.facts.key_id


def test_curl_gets_in_by_digest_and_sends_a_body_with_it(world: ApiWorld, url: str) -> None:
    new = world.new_key(digest=True)
    login = ["--digest", "--user", f"{new.facts.key_id}:{new.key}"]
    assert json.loads(curl(*login, f"{url}/key"))["id"] == new.facts.key_id
    body = ["-H", "Content-Type: application/json", "-d", json.dumps(WHY)]
    assert json.loads(curl(*login, *body, f"{url}/accounts/alice/lock"))["locked"] == "held"
    assert json.loads(curl(*login, f"{url}/tokens?limit=1&cursor=%20x"))["items"] == []


def test_curl_does_not_get_in_with_another_password_or_without_digest(world: ApiWorld, url: str) -> None:
    new, plain = world.new_key(digest=True), world.new_key()
    for login in (f"{new.facts.key_id}:{plain.key}", f"{plain.facts.key_id}:{plain.key}", f"nobody:{new.key}"):
        assert json.loads(curl("--digest", "--user", login, f"{url}/key"))["status"] == 401
    assert json.loads(curl("--basic", "--user", f"{new.facts.key_id}:{new.key}", f"{url}/key"))["status"] == 401


def test_httpx_goes_on_with_one_nonce_and_takes_the_next_when_it_is_too_old(world: ApiWorld, url: str) -> None:
    new = world.new_key(digest=True)
    with httpx.Client(auth=httpx.DigestAuth(new.facts.key_id, new.key)) as client:
        statuses, asked = [], []
        for seconds in (0, 0, 0, 300):
            world.clock.seconds += seconds
            answer = client.get(f"{url}/key")
            statuses.append(answer.status_code)
            asked.append(len(answer.history))
    assert statuses == [200] * 4
    assert asked == [1, 0, 0, 1], "only the first request, and the one that came too late, are challenged"


def test_a_request_that_was_overheard_cannot_be_sent_again(world: ApiWorld, url: str) -> None:
    new = world.new_key(digest=True)
    overheard = httpx.get(f"{url}/key", auth=httpx.DigestAuth(new.facts.key_id, new.key)).request.headers
    assert overheard["Authorization"].startswith("Digest ")
    again = httpx.get(f"{url}/key", headers={"Authorization": overheard["Authorization"]})
    assert again.status_code == 401
    assert "stale=true" in again.headers.get_list("WWW-Authenticate")[0]
