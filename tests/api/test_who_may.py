"""Who may do what with the API, and what those read who may not."""

import re
from pathlib import Path

import pytest

from tests.api.world import PUBLIC_URL, ApiWorld, Client, api_world
from watchword.services.api_keys import Scope

READS = {
    "/accounts": Scope.ACCOUNTS_READ,
    "/find?begins=al": Scope.ACCOUNTS_READ,
    "/locked": Scope.ACCOUNTS_READ,
    "/accounts/alice": Scope.ACCOUNTS_READ,
    "/accounts/alice/sessions": Scope.ACCOUNTS_READ,
    "/tokens": Scope.TOKENS_READ,
    "/accounts/alice/tokens": Scope.TOKENS_READ,
    "/tokens/SOFT-00000000": Scope.TOKENS_READ,
    "/audit": Scope.AUDIT_READ,
    "/accounts/alice/story": Scope.AUDIT_READ,
    "/accounts/alice/diagnosis": Scope.AUDIT_READ,
    "/live/refusals": Scope.AUDIT_READ,
    "/statistics": Scope.STATISTICS_READ,
}
WRITES = {
    "/validate": Scope.VALIDATE,
    "/validate/begin": Scope.VALIDATE,
    "/validate/answer": Scope.VALIDATE,
    "/accounts/alice/lock": Scope.ACCOUNTS_WRITE,
    "/accounts/alice/unlock": Scope.ACCOUNTS_WRITE,
    "/accounts/alice/clear-failures": Scope.ACCOUNTS_WRITE,
    "/accounts/alice/sessions/end": Scope.ACCOUNTS_WRITE,
    "/accounts/alice/report": Scope.ACCOUNTS_WRITE,
    "/accounts/alice/lost-phone": Scope.ACCOUNTS_WRITE,
    "/accounts/alice/tokens": Scope.TOKENS_WRITE,
    "/accounts/alice/pairings": Scope.TOKENS_WRITE,
    "/accounts/alice/pairings/prove": Scope.TOKENS_WRITE,
    "/tokens/SOFT-00000000/enable": Scope.TOKENS_WRITE,
    "/tokens/SOFT-00000000/disable": Scope.TOKENS_WRITE,
    "/tokens/SOFT-00000000/rename": Scope.TOKENS_WRITE,
    "/tokens/SOFT-00000000/make-first": Scope.TOKENS_WRITE,
    "/tokens/SOFT-00000000/resync": Scope.TOKENS_WRITE,
    "/tokens/SOFT-00000000/unassign": Scope.TOKENS_WRITE,
    "/tokens/SOFT-00000000/remove": Scope.TOKENS_WRITE,
    "/seeds/preview": Scope.SEEDS_IMPORT,
    "/seeds/import": Scope.SEEDS_IMPORT,
    "/classes/make": Scope.CLASSES_WRITE,
    "/classes/renew": Scope.CLASSES_WRITE,
}
OPERATIONS = [("GET", path) for path in READS] + [("POST", path) for path in WRITES]


def send(client: Client, method: str, path: str) -> int:
    return client.send(method, path, {} if method == "POST" else None).status_code


def test_every_operation_is_in_these_tables(api: ApiWorld) -> None:
    described = api.client_with("").get("/openapi.json").json()["paths"]
    named = {(method.upper(), path) for path, operations in described.items() for method in operations}
    tried = {
        (method, re.sub(r"/SOFT-0+", "/{serial}", path.partition("?")[0]).replace("/alice", "/{account}"))
        for method, path in OPERATIONS
    }
    assert {(method, path.replace("refusals", "{feed}")) for method, path in tried} == named - {("GET", "/key")}


def test_each_operation_asks_for_its_own_scope_and_no_other(api: ApiWorld) -> None:
    with_all_but_one = {scope: api.client(*(set(Scope) - {scope})) for scope in Scope}
    with_one = {scope: api.client(scope) for scope in Scope}
    for method, path in OPERATIONS:
        scope = READS[path] if method == "GET" else WRITES[path]
        refused = with_all_but_one[scope].send(method, path, {} if method == "POST" else None)
        assert refused.status_code == 403, (method, path)
        assert f"the scope {scope}" in refused.json()["detail"]
        assert f'error="insufficient_scope", scope="{scope}"' in refused.headers["WWW-Authenticate"]
        assert send(with_one[scope], method, path) not in (401, 403, 500), (method, path)


def test_without_a_key_nothing_is_told(api: ApiWorld) -> None:
    api.desk.services.pairer.add_soft("alice")
    nobody = api.client_with("")
    answers = {nobody.send(method, path, {} if method == "POST" else None).text for method, path in OPERATIONS}
    assert len(answers) == 1, "the same words, whatever is there"
    challenges = nobody.get("/key").headers.get_list("WWW-Authenticate")
    assert re.fullmatch(r'Digest realm="watchword-api", qop="auth", algorithm=SHA-256, nonce="[\w-]+"', challenges[0])
    assert challenges[1] == 'Bearer realm="watchword-api"'


def test_a_refused_key_reads_the_same_whatever_is_wrong_with_it(api: ApiWorld) -> None:
    expired, revoked, elsewhere = api.new_key(days=1), api.new_key(), api.new_key(networks=["203.0.113.0/24"])
    api.clock.seconds += 86400
    api.keys().revoke(revoked.facts.key_id)
    keys = [expired.key, revoked.key, elsewhere.key, elsewhere.key[:-1] + "_", "ww_", "rubbish"]
    answers = [api.client_with(key).get("/key") for key in keys]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert 'error="invalid_token"' in answers[0].headers.get_list("WWW-Authenticate")[1]


def test_the_api_knows_no_cookie_and_no_other_site(api: ApiWorld) -> None:
    browser = api.signed_in("ada", proved=True)
    assert browser.client.get("/api/v1/accounts").status_code == 401
    answer = api.client().get("/accounts", Origin="https://evil.example.org")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    preflight = api.client().send("OPTIONS", "/accounts", None, Origin="https://evil.example.org")
    assert preflight.status_code == 405


def test_a_key_sees_what_it_may(api: ApiWorld) -> None:
    new = api.new_key(Scope.TOKENS_READ, Scope.VALIDATE)
    assert api.client_with(new.key).get("/key").json() == {
        "id": new.facts.key_id,
        "name": "account portal",
        "scopes": ["tokens:read", "validate"],
        "expires_at": new.facts.expires_at,
    }


def test_a_key_is_told_what_is_left_of_its_requests_and_when_to_come_back(tmp_path: Path) -> None:
    with api_world(tmp_path, api_requests_per_minute=3) as api:
        client = api.client()
        assert client.get("/key").headers["RateLimit-Policy"] == '"key";q=3;w=60'
        api.clock.seconds += 20
        assert client.get("/key").headers["RateLimit"] == '"key";r=1;t=40'
        assert client.post("/validate", {}).headers["RateLimit"] == '"key";r=0;t=40', "of refused requests too"
        refused = client.get("/key")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "40")
        assert refused.json()["type"] == f"{PUBLIC_URL}/api/v1/problems#too-many"
        assert api.client().get("/key").status_code == 200, "each key has its own"
        api.clock.seconds += 40
        assert client.get("/key").status_code == 200


@pytest.mark.parametrize("role", ["ada", "hugo", "otto"])
def test_no_page_of_people_or_operators_opens_with_a_key(api: ApiWorld, role: str) -> None:
    key = api.new_key().key
    answer = api.browser().client.get("/operators/", headers={"Authorization": f"Bearer {key}"}, follow_redirects=False)
    assert answer.status_code == 303, role
