"""Signing in, proving a code, signing out; and what holds for every page."""

import re
from contextlib import suppress

import pytest

from tests.web.world import PortalWorld, password_of
from watchword.services.roles import REMEMBER_SECONDS
from watchword.services.sign_in import BY_ACCOUNT, BY_ACCOUNT_AND_PLACE, SignIn
from watchword.services.throttle import TooMany


def test_a_stranger_is_led_to_sign_in_and_back_to_the_page_that_they_wanted(portal: PortalWorld) -> None:
    portal.desk.services.pairer.add_soft("alice")
    browser = portal.browser()
    browser.get("/prove")
    assert browser.path == "/sign-in?next=/prove"
    browser.post("/sign-in", {"account": "alice", "password": password_of("alice")})
    assert browser.path == "/prove"


@pytest.mark.parametrize(
    ("account", "password"),
    [
        ("alice", "wrong"),
        ("nobody", "wrong"),
        ("ALICE", "alice's password"),
        ("alice", ""),
        ("", "x"),
        ("alice\0", "x"),
        ("-rf", "x"),
        ("alice ", "alice's password"),
        ("alice", "x" * 1500),
    ],
)
def test_every_refusal_reads_the_same_whoever_it_was(portal: PortalWorld, account: str, password: str) -> None:
    def page_for(name: str, secret: str) -> str:
        browser = portal.browser()
        browser.get("/sign-in")
        page = browser.post("/sign-in", {"account": name, "password": secret})
        assert browser.status == 403
        assert "__Host-watchword" not in browser.client.cookies
        return re.sub(r'nonce="[^"]+"|value="[^"]*"| autofocus', "", page)

    assert page_for(account, password) == page_for("bob", "no")


def test_a_sign_in_and_a_refusal_are_in_the_audit_log(portal: PortalWorld) -> None:
    browser = portal.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", {"account": "alice", "password": "wrong"})
    browser.post("/sign-in", {"account": "alice", "password": password_of("alice")})
    assert [event[:3] for event in portal.events("alice")] == [
        ("sign_in", "denied", "wrong_password"),
        ("sign_in", "granted", ""),
    ]


def test_guessing_is_stopped_for_an_account_at_an_address_and_a_right_password_does_not_help(
    portal: PortalWorld,
) -> None:
    browser = portal.browser()
    browser.get("/sign-in")
    for _ in range(BY_ACCOUNT_AND_PLACE.tries):
        browser.post("/sign-in", {"account": "alice", "password": "wrong"})
        assert browser.status == 403
    browser.post("/sign-in", {"account": "alice", "password": password_of("alice")})
    assert browser.status == 429
    assert int(browser.headers["Retry-After"]) > 0
    elsewhere = portal.browser(address="203.0.113.9")
    elsewhere.sign_in("alice")
    assert elsewhere.status != 429
    portal.clock.seconds += BY_ACCOUNT_AND_PLACE.window_seconds
    assert portal.signed_in("alice").client.cookies["__Host-watchword"]


def test_a_session_gets_a_new_cookie_at_sign_in_and_when_a_code_is_proved(portal: PortalWorld) -> None:
    browser = portal.browser()
    browser.client.cookies.set("__Host-watchword", "fixed-by-somebody-else", domain="mfa.example.org")
    browser.sign_in("alice")
    first = portal.signed_in("alice", proved=True)
    cookie = first.client.cookies["__Host-watchword"]
    assert "fixed" not in cookie
    assert portal.desk.sessions.find("fixed-by-somebody-else") is None
    found = portal.desk.sessions.find(cookie)
    assert found is not None and found.proved_at > 0
    assert sorted(session.proved_at > 0 for session in portal.desk.sessions.of_account("alice")) == [False, True]


def test_a_wrong_code_proves_nothing(portal: PortalWorld) -> None:
    portal.desk.services.pairer.add_soft("alice", secret=bytes(20))
    browser = portal.signed_in("alice")
    browser.prove("000000")
    assert browser.status == 403
    session = portal.desk.sessions.find(browser.client.cookies["__Host-watchword"])
    assert session is not None and session.proved_at == 0


def test_a_code_that_was_proved_opens_no_login_any_more(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice", proved=True)
    assert browser.status < 500
    other = portal.signed_in("alice")
    code_used = portal.next_code()
    other.prove(code_used)
    third = portal.signed_in("alice")
    third.prove(code_used)
    assert third.status == 403


def test_a_session_ends_without_use_and_after_its_longest_time(portal: PortalWorld) -> None:
    idle = portal.signed_in("alice").client.cookies["__Host-watchword"]
    portal.clock.seconds += portal.settings.portal.idle_minutes * 60
    assert portal.desk.sessions.find(idle) is None
    busy = portal.signed_in("alice").client.cookies["__Host-watchword"]
    for _ in range(portal.settings.portal.session_hours * 6):
        assert portal.desk.sessions.find(busy) is not None
        portal.clock.seconds += 600
    assert portal.desk.sessions.find(busy) is None
    assert portal.desk.sessions.prune() == 2


def test_signing_out_ends_the_session_in_the_database(portal: PortalWorld) -> None:
    browser = portal.signed_in("alice")
    cookie = browser.client.cookies["__Host-watchword"]
    browser.get("/prove")
    browser.client.post("/sign-out", data={"csrf_token": _csrf(cookie)})
    assert portal.desk.sessions.find(cookie) is None


def _csrf(cookie: str) -> str:
    from watchword.portal.cookies import csrf_token

    return csrf_token(cookie)


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, {}),
        ({"csrf_token": "0" * 64}, {}),
        ({"csrf_token": "right"}, {"Origin": "https://evil.example"}),
        ({"csrf_token": "right"}, {"Origin": "null"}),
        ({"csrf_token": "right"}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf_token": "right"}, {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_a_form_that_another_site_sends_does_nothing(
    portal: PortalWorld, fields: dict[str, str], headers: dict[str, str]
) -> None:
    browser = portal.signed_in("alice")
    cookie = browser.client.cookies["__Host-watchword"]
    if fields.get("csrf_token") == "right":
        fields = {"csrf_token": _csrf(cookie)}
    answer = browser.client.post("/sign-out", data=fields, headers=headers)
    assert answer.status_code == 403
    assert portal.desk.sessions.find(cookie) is not None


def test_a_stranger_cannot_be_signed_in_by_another_site(portal: PortalWorld) -> None:
    browser = portal.browser()
    answer = browser.client.post("/sign-in", data={"account": "bob", "password": password_of("bob")})
    assert answer.status_code == 403
    assert "__Host-watchword" not in browser.client.cookies


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example", "/\\evil.example", "/ok\r\nX: y", "é"])
def test_nobody_is_sent_elsewhere_after_signing_in(portal: PortalWorld, path: str) -> None:
    browser = portal.browser()
    browser.client.get("/sign-in", params={"next": path})
    browser.get("/sign-in")
    fields = browser.hidden("/sign-in") | {"account": "bob", "password": password_of("bob"), "next": path}
    answer = browser.client.post("/sign-in", data=fields, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_html_in_a_field_stays_text(portal: PortalWorld) -> None:
    browser = portal.browser()
    browser.get('/sign-in?next=/"><script>alert(1)</script>')
    page = browser.post("/sign-in", {"account": '"><img src=x onerror=alert(1)>', "password": "x"})
    assert "<img" not in page and "<script>alert" not in page


def test_every_answer_has_the_headers_that_keep_a_browser_safe(portal: PortalWorld) -> None:
    browser = portal.browser()
    nonces = set()
    for path in ("/sign-in", "/no-such-page", "/static/none.css", "/health"):
        answer = browser.client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
        nonces.update(re.findall(r"nonce-([^']+)'", policy))
    assert len(nonces) == 4
    cookies = browser.client.get("/sign-in", headers={"Cookie": ""}).headers.get_list("set-cookie")
    assert cookies and all("Secure" in each and "HttpOnly" in each and "Path=/" in each for each in cookies)


def test_another_hosts_name_and_too_much_are_refused(portal: PortalWorld) -> None:
    browser = portal.browser()
    assert browser.client.get("/sign-in", headers={"Host": "evil.example"}).status_code == 421
    assert browser.client.get("/health", headers={"Host": "10.0.0.1"}).status_code == 200
    assert browser.client.post("/sign-in", content=b"x" * 70_000).status_code == 413

    a_form = {"Content-Type": "application/x-www-form-urlencoded"}
    in_chunks = iter([b"x" * 10_000] * 10)
    assert browser.client.post("/sign-in", content=in_chunks, headers=a_form).status_code == 413


def test_while_the_database_is_away_a_page_says_so_and_health_does_too(portal: PortalWorld) -> None:
    browser = portal.browser()
    browser.get("/sign-in")
    with portal.desk.store.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE throttles")
    page = browser.post("/sign-in", {"account": "alice", "password": "alice's password"})
    assert browser.status in (500, 503) and "alice" not in page and "throttles" not in page


def test_strangers_who_guess_from_everywhere_do_not_shut_people_out_where_they_have_signed_in_before(
    portal: PortalWorld,
) -> None:
    assert portal.signed_in("alice").status == 200
    for _ in range(BY_ACCOUNT.tries + 1):
        with suppress(TooMany):
            portal.desk.throttle.take(BY_ACCOUNT, "alice")
    at_home, elsewhere = portal.browser(), portal.browser(address="192.0.2.44")
    at_home.sign_in("alice")
    elsewhere.sign_in("alice")
    assert (at_home.status, elsewhere.status) == (200, 429)


def test_an_address_of_ipv6_counts_with_its_whole_network_and_a_name_in_whatever_case(portal: PortalWorld) -> None:
    for number in range(BY_ACCOUNT_AND_PLACE.tries):
        browser = portal.browser(address=f"2001:db8:1:2::{number:x}")
        browser.get("/sign-in")
        browser.post("/sign-in", {"account": "alice" if number % 2 else "Alice", "password": "wrong"})
        assert browser.status == 403
    another = portal.browser(address="2001:db8:1:2:ffff::1")
    another.sign_in("alice")
    assert another.status == 429
    assert portal.browser(address="2001:db8:1:3::1").sign_in("alice")


def test_what_was_typed_as_a_name_is_written_down_only_if_it_is_one_and_refusals_do_not_fill_the_log(
    portal: PortalWorld,
) -> None:
    browser = portal.browser()
    browser.get("/sign-in")
    for _ in range(BY_ACCOUNT_AND_PLACE.tries + 20):
        browser.post("/sign-in", {"account": "my-Secret-passw0rd", "password": "x"})
    events = portal.events()
    assert "my-Secret-passw0rd" not in str(events)
    assert len(events) == BY_ACCOUNT_AND_PLACE.tries + 1


@pytest.mark.parametrize("act", ["remove", "disable"])
def test_a_session_ends_with_the_token_that_proved_it_so_a_thief_pairs_nothing(portal: PortalWorld, act: str) -> None:
    thief = portal.signed_in("alice", proved=True)
    serial = portal.desk.store.read(lambda rows: rows.tokens.describe_page("", 1, account="alice"))[0].serial
    if act == "remove":
        portal.desk.pairer("hugo").remove(serial)
    else:
        portal.desk.administrator("hugo").set_enabled(serial, enabled=False)
    thief.get("/pair")
    assert thief.path == "/sign-in?next=/pair"


def test_an_operator_who_is_held_is_one_no_longer(portal: PortalWorld) -> None:
    ada = portal.signed_in("ada", proved=True)
    ada.get("/operators/")
    assert ada.status == 200
    portal.desk.administrator("hugo").lock("ada")
    ada.get("/operators/")
    assert ada.status == 403


def test_an_admin_who_is_named_and_gone_from_the_directory_is_one_no_longer(
    portal: PortalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = portal.signed_in("ada", proved=True)
    ada.get("/operators/")
    assert ada.status == 200
    monkeypatch.delitem(portal.people.people, "ada")
    portal.clock.seconds += REMEMBER_SECONDS
    ada.get("/operators/")
    assert ada.status == 403


def test_neither_a_password_alone_nor_a_training_code_makes_an_operator(portal: PortalWorld) -> None:
    ada = portal.signed_in("ada")
    for path in ("/operators/", "/pair"):
        ada.get(path)
        assert ada.status == 403
    code = portal.desk.pairer().add_static("hugo").code
    hugo = portal.signed_in("hugo")
    hugo.prove(code)
    hugo.get("/operators/")
    assert hugo.status == 403


def test_a_large_body_is_taken_from_nobody_who_is_not_signed_in(portal: PortalWorld) -> None:
    stranger, alice = portal.browser(), portal.signed_in("alice")
    file = {"file": ("seeds.csv", b"x" * 1_000_000)}
    assert stranger.client.post("/operators/import", files=file).status_code == 413
    a_form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert alice.client.post("/operators/import", content=b"&" * 1_000_000, headers=a_form).status_code == 413
    assert alice.client.post("/operators/import", files=file).status_code == 403


def test_what_nobody_foresaw_is_not_printed(
    portal: PortalWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("hunter2-hunter2")

    monkeypatch.setattr(SignIn, "sign_in", fail)
    browser = portal.browser()
    browser.get("/sign-in")
    page = browser.post("/sign-in", {"account": "alice", "password": "x"})
    assert browser.status == 500
    assert "hunter2" not in page + caplog.text and "RuntimeError" in caplog.text
