"""The proxies' configurations that we ship: TLS ends there, and the portal learns who asks, whatever they say."""

import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.harness.portal import Portal, running_portal
from tests.harness.ports import LOOPBACK
from tests.harness.radius_server import ServerSettings
from tests.harness.tls_proxies import NAME, PROXIES, Configure, new_tls_proxy, running_tls_proxy
from watchword.portal.__main__ import MOST_CONNECTIONS

pytestmark = pytest.mark.slow

ELSEWHERE = "127.0.0.2"
"""Where somebody sits who is no proxy: all of 127.0.0.0/8 is this machine."""

HALF_A_FORM = (
    "POST /sign-in HTTP/1.1\r\nHost: {}\r\nContent-Length: 99\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n\r\naccount="
)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    directory = tmp_path_factory.mktemp("proxied")
    settings = ServerSettings(directory, f"sqlite:///{directory / 'watchword.db'}")
    settings.write("init", 1812).do("init")
    with running_portal(settings, directory) as portal:
        yield portal


class Stranger:
    """Somebody at an address of their own, with a certificate authority that they trust."""

    def __init__(self, portal: Portal, port: int, ca: Path) -> None:
        self._host = portal.url.removeprefix("https://")
        trust = ssl.create_default_context(cafile=str(ca))
        self._connection = http.client.HTTPSConnection(NAME, port, context=trust, source_address=(ELSEWHERE, 0))

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
        """Ask for a page as the portal's public name."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body or None, {"Host": self._host, **given})
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers


@pytest.mark.parametrize("configure", PROXIES)
def test_who_asks_is_known_and_a_forged_address_is_not_believed(
    portal: Portal, configure: Configure, tmp_path: Path
) -> None:
    proxy = new_tls_proxy(tmp_path)
    with ExitStack() as undo:
        undo.enter_context(running_tls_proxy(configure, proxy, f"{LOOPBACK}:{portal.port}"))
        stranger = undo.enter_context(closing(Stranger(portal, proxy.port, proxy.identity.ca)))
        _, page, headers = stranger.ask("GET", "/sign-in")
        cookie = headers["Set-Cookie"].partition(";")[0]
        (token,) = re.findall(r'name="csrf_token" value="(\w+)"', page)
        status, _, _ = stranger.ask(
            "POST",
            "/sign-in",
            urlencode({"csrf_token": token, "account": "nobody-here", "password": "guess"}),
            Content_Type="application/x-www-form-urlencoded",
            Cookie=cookie,
            X_Forwarded_For="203.0.113.66",
            X_Real_IP="203.0.113.67",
            Forwarded="for=203.0.113.68",
        )
    assert status == 403
    refusals = [event for event in portal.watchword.ask("audit", "list") if event["kind"] == "sign_in"]
    assert {event["address"] for event in refusals} == {ELSEWHERE}


@pytest.mark.parametrize("configure", PROXIES)
def test_plain_http_is_sent_to_https(portal: Portal, configure: Configure, tmp_path: Path) -> None:
    proxy = new_tls_proxy(tmp_path)
    with running_tls_proxy(configure, proxy, f"{LOOPBACK}:{portal.port}"):
        connection = http.client.HTTPConnection(NAME, proxy.http_port)
        connection.request("GET", "/sign-in")
        answer = connection.getresponse()
        assert answer.status == 301
        assert answer.headers["Location"].startswith("https://localhost")
        connection.close()


@pytest.mark.parametrize("says", ["", "GET /sign-in HTTP/1.1\r\nHost: {}\r\n", HALF_A_FORM])
def test_people_are_answered_while_others_hold_more_connections_than_the_portal_takes_and_ask_nothing(
    portal: Portal, tmp_path: Path, says: str
) -> None:
    proxy = new_tls_proxy(tmp_path)
    with ExitStack() as undo:
        undo.enter_context(running_tls_proxy(PROXIES[0], proxy, f"{LOOPBACK}:{portal.port}"))
        for _ in range(2 * MOST_CONNECTIONS):
            idle = undo.enter_context(closing(socket.create_connection((LOOPBACK, portal.port))))
            idle.sendall(says.format(portal.url.removeprefix("https://")).encode())
        stranger = undo.enter_context(closing(Stranger(portal, proxy.port, proxy.identity.ca)))
        while stranger.ask("GET", "/sign-in")[0] != 200:
            pass  # those that have just come are given a moment to ask
        assert [stranger.ask("GET", "/sign-in")[0] for _ in range(10)] == [200] * 10


def test_a_portal_answers_to_its_own_name_only(portal: Portal) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, portal.port)
    connection.request("GET", "/sign-in", headers={"Host": "rebound.example.com"})
    assert connection.getresponse().status == 421
    connection.close()
