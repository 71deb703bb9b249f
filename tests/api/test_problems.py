"""Every error of the API is a problem (RFC 9457) that says no more than it should."""

import json
import re
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient

from tests.api.world import PUBLIC_URL, WHY, ApiWorld
from watchword.domain.errors import StoreUnavailable
from watchword.portal.api.problems import PROBLEMS

SECRET_WORD = "hunter2-492039"


def is_problem(answer: object, name: str, status: int) -> None:
    from httpx2 import Response

    assert isinstance(answer, Response)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["status"]) == (f"{PUBLIC_URL}/api/v1/problems#{name}", status)
    assert SECRET_WORD not in answer.text


def test_each_problem_is_explained_where_its_type_points(api: ApiWorld) -> None:
    page = api.client_with("").get("/problems").text
    assert re.findall(r'<h2 id="([a-z-]+)">', page) == [problem.name for problem in PROBLEMS]


@pytest.mark.parametrize("path", ["/nothing", "/", "", "/accounts/a/b/c", f"/accounts/x%0A/{SECRET_WORD}"])
def test_a_path_that_is_not_there(api: ApiWorld, path: str) -> None:
    is_problem(api.client_with("").get(path), "not-found", 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/tokens/SOFT-00000000", "GET"),
        ("PUT", "/accounts/alice/tokens", "GET, POST"),
        ("GET", "/validate", "POST"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_there_says_which_are(api: ApiWorld, method: str, path: str, allowed: str) -> None:
    answer = api.client_with("").send(method, path, None)
    is_problem(answer, "no-such-method", 405)
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 20_000, b'{"why": "' + SECRET_WORD.encode()])
def test_a_body_that_cannot_be_read(api: ApiWorld, body: bytes) -> None:
    is_problem(api.client().post("/accounts/alice/lock", body), "malformed", 400)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_is_not_json(api: ApiWorld, media_type: str) -> None:
    is_problem(api.client().post("/accounts/alice/lock", Content_Type=media_type), "not-json", 415)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "body/why"),
        ({"why": 1}, "body/why"),
        ({"why": ""}, "body/why"),
        ({"why": "x" * 201}, "body/why"),
        ({"why": "x", SECRET_WORD: 1}, "body"),
        ([], "body"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_by_its_place(api: ApiWorld, body: object, place: str) -> None:
    answer = api.client().post("/accounts/alice/lock", body)
    is_problem(answer, "invalid", 422)
    assert [error["place"] for error in answer.json()["errors"]] == [place]


def test_half_a_character_is_refused(api: ApiWorld) -> None:
    client = api.client()
    for body in ({"account": "alice", "code": "\ud800"}, {"account": "\udfff", "code": "1"}):
        is_problem(client.post("/validate", body), "invalid", 422)
    is_problem(client.post("/seeds/preview", {"content": "AAAA", "password": "\ud800"}), "invalid", 422)
    named = {**WHY, "kind": "soft", "label": "\ud800"}
    assert client.post("/accounts/alice/tokens", named).status_code == 201
    assert client.get("/accounts/alice/tokens").json()["items"][0]["label"] == " "


def test_what_was_sent_is_never_sent_back(api: ApiWorld) -> None:
    client = api.client()
    for path, body in (
        ("/validate", {"account": [SECRET_WORD], "code": {"x": SECRET_WORD}}),
        ("/accounts/alice/tokens", {**WHY, "kind": SECRET_WORD}),
        ("/accounts/alice/tokens", {**WHY, "kind": "sms", "phone": SECRET_WORD}),
        ("/accounts/alice/tokens", {**WHY, "kind": "soft", "digits": SECRET_WORD}),
        ("/seeds/import", {**WHY, "content": "AAAA", "format": SECRET_WORD}),
        ("/seeds/import", {**WHY, "content": "AAAA", "key_hex": SECRET_WORD}),
    ):
        is_problem(client.post(path, body), "invalid", 422)


def test_a_body_that_is_too_large_is_not_read(api: ApiWorld) -> None:
    client = api.client()
    large = json.dumps({"why": "x" * 70_000}).encode()
    is_problem(client.post("/accounts/alice/lock", large), "too-large", 413)
    parts = (large[start : start + 1000] for start in range(0, len(large), 1000))
    headers = {"Authorization": f"Bearer {client.key}", "Content-Type": "application/json"}
    answer = client.http.post("/api/v1/accounts/alice/lock", content=parts, headers=headers)
    is_problem(answer, "too-large", 413)


def test_files_of_seeds_may_be_larger(api: ApiWorld) -> None:
    rows = "".join(f"{n:010d},{n:040x}\n" for n in range(3000))
    import base64

    content = base64.b64encode(b"serial,secret\n" + rows.encode()).decode()
    answer = api.client().post("/seeds/import", {**WHY, "content": content})
    assert (answer.status_code, answer.json()) == (201, {"fobs": 3000})


def test_another_hosts_name_is_a_problem_too(api: ApiWorld) -> None:
    is_problem(api.client().get("/key", Host="evil.example.org"), "wrong-host", 421)


def test_a_database_that_does_not_answer(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    client = api.client()

    def gone(*_: object) -> None:
        raise StoreUnavailable("the database failed: OperationalError 2003")

    monkeypatch.setattr(api.desk.store.database, "read", gone)
    monkeypatch.setattr(api.desk.store.database, "write", gone)
    answer = client.get("/key")
    is_problem(answer, "unavailable", 503)
    assert answer.headers["Retry-After"] == "5"
    assert "Operational" not in answer.text


def test_what_nobody_foresaw_tells_nobody_anything(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = api.client()

    def breaks(*_: object, **_more: object) -> None:
        raise RuntimeError(SECRET_WORD)

    monkeypatch.setattr("watchword.services.administer.Administrator.view", breaks)
    strict = TestClient(api.app, base_url=PUBLIC_URL, client=("198.51.100.7", 1))
    answer = strict.get("/api/v1/accounts/alice", headers={"Authorization": f"Bearer {client.key}"})
    is_problem(answer, "internal", 500)
    assert SECRET_WORD not in caplog.text
    assert "RuntimeError: unforeseen" in caplog.text


@pytest.mark.parametrize("name", ["-rf", "a%20b", "a%00b", "%C2%A0", "x" * 129, "alice%0A"])
def test_an_account_that_nobody_can_have_is_not_there(api: ApiWorld, name: str) -> None:
    answer = api.client().post(f"/accounts/{name}/lock")
    assert answer.status_code in (404, 422)
    assert api.events(unquote(name)) == []
