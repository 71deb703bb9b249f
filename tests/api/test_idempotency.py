"""An Idempotency-Key keeps a change from happening twice."""

import pytest

from tests.api.world import WHY, ApiWorld, Client
from watchword.domain.errors import KeeperUnavailable
from watchword.services.replay_protection import CLAIM_SECONDS, KEPT_SECONDS

KEY = "0f8d5b7c-6a52-4f0e-9d0b-1f6f4be2a7f3"
SOFT = {**WHY, "kind": "soft"}


@pytest.fixture
def client(api: ApiWorld) -> Client:
    return api.client()


def tokens(client: Client) -> int:
    return len(client.get("/accounts/alice/tokens").json()["items"])


def test_a_request_that_is_sent_again_gets_the_same_answer_and_is_done_once(api: ApiWorld, client: Client) -> None:
    first = client.post("/accounts/alice/tokens", SOFT, Idempotency_Key=KEY)
    again = client.post("/accounts/alice/tokens", SOFT, Idempotency_Key=KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert "Idempotency-Replayed" not in first.headers and again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"] == "application/json"
    assert tokens(client) == 1
    api.clock.seconds += KEPT_SECONDS
    client.post("/accounts/alice/tokens", SOFT, Idempotency_Key=KEY)
    assert tokens(client) == 2


def test_what_was_refused_is_refused_again(client: Client) -> None:
    first = client.post("/tokens/SOFT-00000000/remove", Idempotency_Key=KEY)
    again = client.post("/tokens/SOFT-00000000/remove", Idempotency_Key=KEY)
    assert (first.status_code, again.status_code) == (404, 404)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "body"), [("/accounts/bob/tokens", SOFT), ("/accounts/alice/tokens", {**SOFT, "label": "x"})]
)
def test_another_request_with_the_key_is_refused(client: Client, path: str, body: dict[str, str]) -> None:
    client.post("/accounts/alice/tokens", SOFT, Idempotency_Key=KEY)
    refused = client.post(path, body, Idempotency_Key=KEY)
    assert refused.status_code == 422
    assert refused.json()["type"].endswith("#key-reused")
    assert tokens(client) == 1


def test_another_caller_may_use_the_same_words(api: ApiWorld, client: Client) -> None:
    first = client.post("/accounts/alice/tokens", SOFT, Idempotency_Key=KEY)
    other = api.client().post("/accounts/alice/tokens", SOFT, Idempotency_Key=KEY)
    assert first.json()["serial"] != other.json()["serial"]


def test_a_request_that_was_not_understood_uses_no_key_up(client: Client) -> None:
    assert client.post("/accounts/alice/tokens", {"kind": "soft"}, Idempotency_Key=KEY).status_code == 422
    assert client.post("/accounts/alice/tokens", SOFT, Idempotency_Key=KEY).status_code == 201


@pytest.mark.parametrize("key", ["x" * 256, "\x7f", ""])
def test_a_key_that_cannot_be_one_is_refused(client: Client, key: str) -> None:
    assert client.post("/accounts/alice/tokens", SOFT, Idempotency_Key=key).status_code == 422
    assert tokens(client) == 0


def test_a_code_is_never_answered_from_memory(api: ApiWorld, client: Client) -> None:
    api.desk.services.pairer.add_static("train01", code="492039")
    api.desk.services.pairer.add_soft("alice", secret=bytes(20))
    from tests.harness.one_time_codes import oathtool_code

    asked = {"account": "alice", "code": oathtool_code(bytes(20).hex(), api.clock.seconds)}
    outcomes = [client.post("/validate", asked, Idempotency_Key=KEY).json()["outcome"] for _ in range(2)]
    assert outcomes == ["granted", "denied"]


def test_a_portal_that_dies_after_the_change_does_not_make_it_twice(
    api: ApiWorld, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        # The answer is never kept: as when the process ends right after the commit.
        patched.setattr("watchword.services.replay_protection.ReplayProtection.finish", lambda *_, **__: None)
        assert client.post("/accounts/alice/tokens", SOFT, Idempotency_Key=KEY).status_code == 201
    waits = client.post("/accounts/alice/tokens", SOFT, Idempotency_Key=KEY)
    assert (waits.status_code, waits.headers["Retry-After"]) == (409, str(CLAIM_SECONDS))
    assert waits.json()["type"].endswith("#in-progress")
    api.clock.seconds += CLAIM_SECONDS
    lost = client.post("/accounts/alice/tokens", SOFT, Idempotency_Key=KEY)
    assert lost.status_code == 409 and lost.json()["type"].endswith("#outcome-unknown")
    assert tokens(client) == 1


def test_a_request_that_a_keeper_did_not_answer_is_not_sent_to_it_twice(
    api: ApiWorld, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def silent(*_: object, **_more: object) -> None:
        calls.append(1)
        raise KeeperUnavailable("the keeper does not answer")

    monkeypatch.setattr(type(api.desk.keeper), "assign", silent)
    wanted = {**WHY, "kind": "hard", "serial": "2600123456789"}
    assert client.post("/accounts/alice/tokens", wanted, Idempotency_Key=KEY).status_code == 503
    api.clock.seconds += CLAIM_SECONDS
    assert client.post("/accounts/alice/tokens", wanted, Idempotency_Key=KEY).status_code == 409
    assert len(calls) == 1


def test_a_database_that_failed_before_the_change_is_asked_again(
    api: ApiWorld, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from watchword.domain.errors import StoreUnavailable
    from watchword.services.pair import Pairer

    def fails(*_: object, **_more: object) -> None:
        raise StoreUnavailable("the database failed")

    with monkeypatch.context() as patched:
        patched.setattr(Pairer, "add_soft", fails)
        assert client.post("/accounts/alice/tokens", SOFT, Idempotency_Key=KEY).status_code == 503
    assert client.post("/accounts/alice/tokens", SOFT, Idempotency_Key=KEY).status_code == 201
    assert tokens(client) == 1
