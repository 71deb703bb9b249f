"""The API as a centre runs it: a database user that reads no seed, and a keeper that does."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.api.world import WHY, ApiWorld, Client
from tests.contract.world import MovingClock
from tests.harness.database_roles import as_role, grant_roles
from tests.harness.keeper import running_keeper
from tests.harness.mariadb import Mariadb
from tests.harness.one_time_codes import oathtool_code
from tests.harness.radius_server import ServerSettings
from tests.web.world import SECRET
from watchword.store import migrate
from watchword.store.database import Database

pytestmark = pytest.mark.slow

SEEDS = base64.b64encode(b"serial,secret\n2600123456789," + SECRET.hex().encode()).decode()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, mariadb: Mariadb) -> Iterator[ApiWorld]:
    """An API with the shipped grants, and a keeper beside it."""
    directory: Path = tmp_path_factory.mktemp("api")
    url, socket = mariadb.create_database(), directory / "keeper.socket"
    owner = Database(url)
    migrate.upgrade(owner)
    owner.close()
    grant_roles(mariadb, url)
    sms = {"carrier": "recorder", "recorder_file": str(directory / "messages")}
    more = {"sms": sms, "portal": {"keeper_socket": str(socket)}}
    with ApiWorld(as_role(url, "portal"), directory, MovingClock(time.time()), more) as world:
        texts = f'[sms]\ncarrier = "recorder"\nrecorder_file = "{directory}/messages"\n'
        tables = f'[portal]\nkeeper_socket = "{socket}"\n{texts}'
        keeper = ServerSettings(directory, as_role(url, "keeper"), more=tables).write("keeper", 1812)
        with running_keeper(keeper, socket):
            yield world


@pytest.fixture
def client(api: ApiWorld) -> Client:
    return api.client()


def done(client: Client, path: str, body: object = None) -> dict[str, object]:
    answer = client.post(path, body)
    assert answer.status_code in (200, 201), (path, answer.text)
    found: dict[str, object] = answer.json()
    return found


def test_each_read_is_allowed(client: Client) -> None:
    done(client, "/accounts/rita/tokens", {**WHY, "kind": "static"})
    for path in (
        "/key",
        "/accounts",
        "/find?begins=ri",
        "/locked",
        "/accounts/rita",
        "/accounts/rita/sessions",
        "/accounts/rita/story",
        "/accounts/rita/diagnosis",
        "/accounts/rita/tokens",
        "/tokens",
        "/audit",
        "/live/acts",
        "/statistics",
    ):
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.text)


def test_a_phone_is_paired_used_and_removed(client: Client) -> None:
    begun = done(client, "/accounts/alice/pairings", {**WHY, "kind": "soft"})
    (secret,) = parse_qs(urlsplit(str(begun["otpauth"])).query)["secret"]
    seed, now = base64.b32decode(secret).hex(), time.time()
    proof = {**WHY, "handle": begun["handle"], "code": oathtool_code(seed, now)}
    serial = done(client, "/accounts/alice/pairings/prove", proof)["serial"]
    for code, outcome in ((oathtool_code(seed, now), "denied"), (oathtool_code(seed, now + 30), "granted")):
        assert done(client, "/validate", {"account": "alice", "code": code})["outcome"] == outcome
    for verb in ("disable", "enable", "make-first", "remove"):
        done(client, f"/tokens/{serial}/{verb}")


def test_a_fob_is_given_out_resynced_and_taken_back(client: Client) -> None:
    done(client, "/seeds/preview", {"content": SEEDS})
    done(client, "/seeds/import", {**WHY, "content": SEEDS})
    done(client, "/accounts/bob/tokens", {**WHY, "kind": "hard", "serial": "2600123456789"})
    first, second = (oathtool_code(SECRET.hex(), time.time() + off, period_seconds=60) for off in (600, 660))
    done(client, "/tokens/2600123456789/resync", {**WHY, "first": first, "second": second})
    assert done(client, "/tokens/2600123456789/unassign")["account"] is None


def test_a_telephone_is_asked_and_answers(api: ApiWorld, client: Client) -> None:
    done(client, "/accounts/carol/tokens", {**WHY, "kind": "sms", "phone": "+15125551234"})
    begun = done(client, "/validate/begin", {"account": "carol"})
    assert begun["outcome"] == "challenge"
    answer = {"account": "carol", "handle": begun["handle"], "code": "000000"}
    assert done(client, "/validate/answer", answer)["outcome"] in ("denied", "challenge")


def test_what_the_help_desk_does_is_allowed(client: Client) -> None:
    for verb in ("lock", "clear-failures", "unlock", "sessions/end", "lost-phone", "report"):
        done(client, f"/accounts/dora/{verb}")
    done(client, "/classes/make", {**WHY, "accounts": "train01..02"})
    done(client, "/classes/renew", {**WHY, "accounts": "train01..02"})


def test_keys_digest_and_idempotency_keys_work(api: ApiWorld) -> None:
    new = api.new_key(digest=True)
    client = api.client_with(new.key)
    answers = [client.post("/accounts/erin/lock", Idempotency_Key="once") for _ in range(2)]
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true"]
    api.keys().revoke(new.facts.key_id)
    assert client.get("/key").status_code == 401
