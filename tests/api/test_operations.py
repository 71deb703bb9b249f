"""What the API does: the same as people's and operators' pages, by the same verbs, and in the audit log."""

import base64
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.api.world import WHY, ApiWorld, Client
from tests.harness.one_time_codes import oathtool_code
from tests.web.world import SECRET
from watchword.domain.otp import OtpProfile
from watchword.domain.seeds import SeedRow
from watchword.services.api_keys import Scope

PHONE = "+15125551234"
SEEDS = base64.b64encode(b"serial,secret\n2600123456789," + SECRET.hex().encode()).decode()


@pytest.fixture
def client(api: ApiWorld) -> Client:
    return api.client()


def secret_in(otpauth: str) -> str:
    (secret,) = parse_qs(urlsplit(otpauth).query)["secret"]
    return base64.b32decode(secret).hex()


def texted_code(api: ApiWorld) -> str:
    postman = api.desk.services.postman
    assert postman is not None and postman.deliver_due() == 1
    text = (api.directory / "messages").read_text().splitlines()[-1]
    return "".join(filter(str.isdigit, text.partition('"text"')[2]))[:6]


def grants(api: ApiWorld, account: str, code: str) -> bool:
    answer = api.client(Scope.VALIDATE).post("/validate", {"account": account, "code": code})
    return bool(answer.json()["outcome"] == "granted")


def test_each_change_is_in_the_audit_log_with_who_why_and_from_where(api: ApiWorld) -> None:
    new = api.new_key(Scope.ACCOUNTS_WRITE)
    assert api.client_with(new.key).post("/accounts/nora/lock", {"why": "ticket 4711\nand more"}).json() == {
        "account": "nora",
        "failures": 0,
        "locked": "held",
        "locked_until": None,
    }
    (event,) = (chained.event for _, chained in api.desk.services.reporter.newest(10, account="nora"))
    assert (event.kind, event.reason) == ("administration", "locked")
    assert event.actor == f"api key {new.facts.key_id} (account portal)"
    assert (event.detail, event.address) == ("ticket 4711 and more", "198.51.100.7")


def test_an_account_is_locked_unlocked_found_and_shown(api: ApiWorld, client: Client) -> None:
    api.desk.services.pairer.add_soft("alice", secret=SECRET)
    for _ in range(20):
        assert not grants(api, "alice", "000000")
    locked = client.get("/accounts/alice").json()
    assert locked == {
        "account": "alice",
        "failures": 20,
        "locked": "failures",
        "locked_until": int(api.clock.seconds) + 1800,
    }
    assert client.get("/locked").json()["items"] == [{"account": "alice", "kinds": ["soft"], "locked": True}]
    assert client.post("/accounts/alice/clear-failures").json()["locked"] is None
    client.post("/accounts/alice/lock")
    assert client.post("/accounts/alice/clear-failures").json()["locked"] == "held"
    assert client.post("/accounts/alice/unlock").json()["locked"] is None
    assert client.get("/find?begins=al").json()["items"] == [{"account": "alice", "kinds": ["soft"], "locked": False}]
    assert client.get("/accounts/bob").status_code == 404


def test_a_lock_ends_the_accounts_sessions(api: ApiWorld, client: Client) -> None:
    browser = api.signed_in("alice")
    (session,) = client.get("/accounts/alice/sessions").json()["items"]
    assert session["address"] == "198.51.100.7" and session["proved"] is False
    client.post("/accounts/alice/lock")
    browser.get("/")
    assert browser.path.startswith("/sign-in")
    assert client.get("/accounts/alice/sessions").json()["items"] == []


def test_a_soft_token_is_paired_at_once_for_whoever_is_trusted_to(api: ApiWorld, client: Client) -> None:
    new = client.post("/accounts/alice/tokens", {**WHY, "kind": "soft", "label": "my phone"})
    assert new.status_code == 201
    code = oathtool_code(secret_in(new.json()["otpauth"]), api.clock.seconds)
    assert grants(api, "alice", code)
    token = client.get(f"/tokens/{new.json()['serial']}").json()
    assert (token["kind"], token["account"], token["label"], token["enabled"]) == ("soft", "alice", "my phone", True)
    assert token["last_used_at"] == int(api.clock.seconds)


def test_a_period_may_be_as_long_as_any_tokens(api: ApiWorld, client: Client) -> None:
    wanted = {**WHY, "kind": "soft", "period_seconds": 300, "digits": 8, "algorithm": "sha256"}
    otpauth = client.post("/accounts/alice/tokens", wanted).json()["otpauth"]
    query = parse_qs(urlsplit(otpauth).query)
    assert (query["period"], query["digits"], query["algorithm"]) == (["300"], ["8"], ["SHA256"])


def test_a_seed_is_told_once_and_never_again(api: ApiWorld, client: Client) -> None:
    new = client.post("/accounts/alice/tokens", {**WHY, "kind": "soft"}).json()
    secret = parse_qs(urlsplit(new["otpauth"]).query)["secret"][0]
    for path in ("/tokens", f"/tokens/{new['serial']}", "/accounts/alice/tokens", "/audit", "/accounts/alice"):
        assert secret not in client.get(path).text


def test_a_soft_token_is_paired_in_two_steps_and_its_proof_opens_nothing_more(api: ApiWorld, client: Client) -> None:
    begun = client.post("/accounts/alice/pairings", {**WHY, "kind": "soft"}).json()
    assert client.get("/accounts/alice").status_code == 404, "nothing is paired yet"
    secret = secret_in(begun["otpauth"])
    code = oathtool_code(secret, api.clock.seconds)
    proof = {**WHY, "handle": begun["handle"], "code": code}
    assert client.post("/accounts/bob/pairings/prove", proof).status_code == 409, "sealed for alice"
    paired = client.post("/accounts/alice/pairings/prove", proof)
    assert paired.status_code == 201
    assert client.get("/accounts/alice/tokens").json()["items"][0]["serial"] == paired.json()["serial"]
    assert not grants(api, "alice", code)
    assert grants(api, "alice", oathtool_code(secret, api.clock.seconds + 30))
    client.post(f"/tokens/{paired.json()['serial']}/remove")
    assert client.post("/accounts/alice/pairings/prove", proof).status_code == 409, "a handle pairs once"


def test_a_handle_allows_five_guesses_and_ten_minutes(api: ApiWorld, client: Client) -> None:
    def begin() -> tuple[str, str]:
        begun = client.post("/accounts/alice/pairings", {**WHY, "kind": "soft"}).json()
        return begun["handle"], secret_in(begun["otpauth"])

    def prove(handle: str, code: str) -> int:
        return client.post("/accounts/alice/pairings/prove", {**WHY, "handle": handle, "code": code}).status_code

    handle, secret = begin()
    assert [prove(handle, "000000") for _ in range(5)] == [409] * 5
    assert prove(handle, oathtool_code(secret, api.clock.seconds)) == 409
    handle, secret = begin()
    api.clock.seconds += 600
    assert prove(handle, oathtool_code(secret, api.clock.seconds)) == 409
    assert prove("rubbish", "000000") == 409
    assert client.get("/accounts/alice/tokens").json()["items"] == []


def test_a_telephone_is_paired_by_the_code_that_was_texted_to_it(api: ApiWorld, client: Client) -> None:
    begun = client.post("/accounts/alice/pairings", {**WHY, "kind": "sms", "phone": PHONE}).json()
    assert begun["otpauth"] is None
    proof = {**WHY, "handle": begun["handle"], "code": texted_code(api)}
    assert client.post("/accounts/alice/pairings/prove", proof).status_code == 201
    asked = client.post("/validate/begin", {"account": "alice"}).json()
    assert asked["outcome"] == "challenge" and asked["text"].endswith("Token code: ")
    answer = {"account": "alice", "handle": asked["handle"], "code": texted_code(api)}
    assert client.post("/validate/answer", answer).json()["outcome"] == "granted"


def test_texts_to_one_number_are_limited(client: Client) -> None:
    statuses = [
        client.post(f"/accounts/user{n}/pairings", {**WHY, "kind": "sms", "phone": PHONE}).status_code for n in range(6)
    ]
    assert statuses[:3] == [201] * 3 and statuses[-1] == 429


def test_a_fob_comes_from_a_file_is_given_out_and_comes_back(api: ApiWorld, client: Client) -> None:
    preview = client.post("/seeds/preview", {"content": SEEDS}).json()
    assert preview == {
        "fobs": 1,
        "first": [{"serial": "2600123456789", "digits": 6, "period_seconds": 60, "algorithm": "sha1"}],
        "taken": [],
        "taken_count": 0,
    }
    assert client.get("/tokens").json()["items"] == []
    with api.desk.store.database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM staged_seeds").scalar_one() == 0, "nothing is kept"
    assert client.post("/seeds/import", {**WHY, "content": SEEDS}).json() == {"fobs": 1}
    assert client.post("/seeds/preview", {"content": SEEDS}).json()["taken"] == ["2600123456789"]
    assert client.post("/seeds/import", {**WHY, "content": SEEDS}).status_code == 409
    given = client.post("/accounts/alice/tokens", {**WHY, "kind": "hard", "serial": "2600123456789"})
    assert given.json() == {"serial": "2600123456789", "otpauth": None, "code": None}
    codes = [oathtool_code(SECRET.hex(), api.clock.seconds + off, period_seconds=60) for off in (600, 660)]
    resynced = client.post("/tokens/2600123456789/resync", {**WHY, "first": codes[0], "second": codes[1]})
    assert resynced.json() == {"drift_seconds": 660}
    wrong = client.post("/tokens/2600123456789/resync", {**WHY, "first": "000000", "second": "000000"})
    assert wrong.status_code == 409
    assert client.post("/tokens/2600123456789/unassign").json()["account"] is None
    assert client.get("/accounts/alice/tokens").json()["items"] == []


def test_a_fob_whose_serial_has_a_slash_is_named_in_a_path_as_any_other(api: ApiWorld, client: Client) -> None:
    serial = "26/7?a=b#c"
    api.desk.services.administrator.import_seeds([SeedRow(serial, SECRET, OtpProfile())])
    path = f"/tokens/{quote(serial, safe='')}"
    assert client.get(path).json()["serial"] == serial
    assert client.post(f"{path}/disable").json()["enabled"] is False
    assert client.post(f"{path}/remove").json() == {"serial": serial, "removed": True}
    assert client.get(path).status_code == 404


def test_a_held_account_is_paired_by_nobody_who_has_no_word_of_an_operator(api: ApiWorld, client: Client) -> None:
    begun = client.post("/accounts/alice/pairings", {**WHY, "kind": "soft"}).json()
    api.desk.services.administrator.lock("alice")
    code = oathtool_code(secret_in(begun["otpauth"]), api.clock.seconds)
    proof = {**WHY, "handle": begun["handle"], "code": code}
    refused = client.post("/accounts/alice/pairings/prove", proof)
    assert refused.status_code == 409 and "this account is held" in refused.json()["detail"]
    assert client.get("/accounts/alice/tokens").json()["items"] == []
    api.desk.services.administrator.unlock("alice")
    assert client.post("/accounts/alice/pairings/prove", proof).status_code == 201


def test_a_file_that_is_no_file_of_seeds_says_so(client: Client) -> None:
    refused = client.post("/seeds/import", {**WHY, "content": base64.b64encode(b"<x/>").decode()})
    assert refused.status_code == 409 and refused.json()["detail"]


def test_tokens_are_disabled_enabled_named_ordered_and_removed(api: ApiWorld, client: Client) -> None:
    first = api.desk.services.pairer.add_soft("alice", secret=SECRET).serial
    second = api.desk.services.pairer.add_static("alice", code="492039").serial
    assert client.post(f"/tokens/{first}/disable").json()["enabled"] is False
    assert not grants(api, "alice", api.next_code())
    assert client.post(f"/tokens/{first}/enable").json()["enabled"] is True
    assert grants(api, "alice", api.next_code())
    assert client.post(f"/tokens/{first}/rename", {**WHY, "label": "old\tphone"}).json()["label"] == "old phone"
    client.post(f"/tokens/{second}/make-first")
    tokens = client.get("/accounts/alice/tokens").json()["items"]
    assert [token["serial"] for token in tokens] == [second, first]
    assert client.post(f"/tokens/{first}/remove").json() == {"serial": first, "removed": True}
    assert client.post(f"/tokens/{first}/remove").status_code == 404


def test_a_class_gets_its_codes_and_new_ones(api: ApiWorld, client: Client) -> None:
    made = client.post("/classes/make", {**WHY, "accounts": "train01..03"}).json()["codes"]
    assert [code["account"] for code in made] == ["train01", "train02", "train03"]
    assert grants(api, "train02", made[1]["code"])
    assert client.post("/classes/make", {**WHY, "accounts": "train01..04"}).status_code == 409
    renewed = client.post("/classes/renew", {**WHY, "accounts": "train01..03"}).json()["codes"]
    assert grants(api, "train02", renewed[1]["code"]) and not grants(api, "train02", made[1]["code"])
    assert client.post("/classes/renew", {**WHY, "accounts": "other1..3"}).status_code == 404


def test_refusals_look_alike_to_a_key_that_may_only_validate(api: ApiWorld) -> None:
    api.desk.services.pairer.add_soft("alice", secret=SECRET)
    api.desk.services.pairer.add_soft("held", secret=SECRET)
    api.desk.services.administrator.lock("held")
    asks, auditor = api.client(Scope.VALIDATE), api.client(Scope.VALIDATE, Scope.AUDIT_READ)
    accounts = ("alice", "held", "nobody", "-rf", "a b", "\0", "alice ")
    answers = [asks.post("/validate", {"account": name, "code": "000000"}) for name in accounts]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert answers[0].json()["reason"] is None
    reasons = [auditor.post("/validate", {"account": name, "code": "0"}).json()["reason"] for name in accounts[:3]]
    assert reasons == ["wrong_code", "held_by_operator", "unknown_account"]


def test_which_token_it_was_is_told_to_whoever_may_read_tokens(api: ApiWorld) -> None:
    serial = api.desk.services.pairer.add_soft("alice", secret=SECRET).serial
    for scopes, told in (([Scope.VALIDATE], None), ([Scope.VALIDATE, Scope.TOKENS_READ], serial)):
        answer = api.client(*scopes).post("/validate", {"account": "alice", "code": api.next_code()})
        assert (answer.json()["outcome"], answer.json()["serial"]) == ("granted", told)


def test_what_a_person_says_was_not_them_locks_the_account(api: ApiWorld, client: Client) -> None:
    api.signed_in("alice")
    assert client.post("/accounts/alice/report", {"why": "login at 14:02"}).json() == {"ended": 1}
    assert client.get("/accounts/alice").json()["locked"] == "held"
    (report,) = client.get("/live/reports").json()["items"]
    assert report["account"] == "alice" and report["detail"].startswith("login at 14:02 (told by api key ")


def test_sessions_are_ended_and_a_lost_phones_link_is_asked_for(api: ApiWorld, client: Client) -> None:
    api.signed_in("alice")
    assert client.post("/accounts/alice/sessions/end").json() == {"ended": 1}
    assert ("administration", "done", "sessions ended") in [event[:3] for event in api.events("alice")]
    answers = [client.post(f"/accounts/{name}/lost-phone").json() for name in ("alice", "nobody")]
    assert answers == [{"asked": True}] * 2


def test_who_asked_for_a_lost_phones_link_and_why_is_in_the_audit_log(api: ApiWorld, client: Client) -> None:
    client.post("/accounts/alice/lost-phone")
    *_, asked = [event for event in api.events("alice") if event[0] == "administration"]
    assert asked[2] == "no link for a lost phone to mail"
    assert asked[3].startswith("api key ") and asked[3].endswith("(account portal)")
    assert asked[4] == WHY["why"]


def test_the_story_of_an_account_is_told_and_what_is_wrong_with_it(api: ApiWorld, client: Client) -> None:
    api.desk.services.pairer.add_soft("carol", secret=SECRET)
    client.post("/validate", {"account": "carol", "code": "000000", "address": "203.0.113.9"})
    story = client.get("/accounts/carol/story").json()["items"]
    assert [event["reason"] for event in story] == ["wrong_code", "paired"]
    assert "203.0.113.9" in story[0]["text"] and "wrong code" in story[0]["text"]
    assert client.get("/live/refusals").json()["items"][0] == story[0]
    client.post("/accounts/carol/lock")
    found = client.get("/accounts/carol/diagnosis?address=203.0.113.9").json()
    assert (found["verdict"]["weight"], found["verdict"]["remedy"]) == ("blocks", "unlock")
    assert client.get("/accounts/carol/diagnosis?address=203").status_code == 422


def test_statistics_are_of_as_many_days_as_are_asked_for(client: Client) -> None:
    answer = client.get("/statistics?last=2026-11-22&days=3").json()
    assert [day["day"] for day in answer["days"]] == ["2026-11-20", "2026-11-21", "2026-11-22"]
    assert client.get("/statistics?last=0001-01-01&days=1").json()["first"] == "1971-01-01"
    assert client.get("/statistics?last=9999-12-31").status_code == 200
    assert client.get("/statistics?days=367").status_code == 422


@pytest.mark.parametrize("path", ["/accounts", "/tokens", "/audit", "/find?begins=user"])
def test_lists_are_paged_without_a_gap(api: ApiWorld, client: Client, path: str) -> None:
    for number in range(7):
        api.desk.services.pairer.add_soft(f"user{number}")
    first = f"{path}{'&' if '?' in path else '?'}limit="
    whole = client.get(f"{first}200").json()["items"]
    items, target = [], f"{first}3"
    while target:
        page = client.get(target)
        items += page.json()["items"]
        link = page.headers.get("Link", "")
        assert bool(link) == (page.json()["next"] is not None)
        target = link.removeprefix("</api/v1").partition(">")[0]
    assert items == whole and len(whole) >= 7
    assert client.get(f"{first}201").status_code == 422
