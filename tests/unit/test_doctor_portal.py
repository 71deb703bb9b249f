"""What the doctor says of a portal, with real sockets behind it."""

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.harness.ports import LOOPBACK, free_tcp_port
from watchword.cli.doctor import server_store
from watchword.cli.doctor.findings import Level
from watchword.cli.doctor.portal import check_portal, runs_alone, runs_here
from watchword.settings import Settings


class Health(http.server.BaseHTTPRequestHandler):
    """Answers /health."""

    status = 200

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering(status: int) -> Iterator[str]:
    """Give the address of a server that answers so."""
    handler = type("Health", (Health,), {"status": status})
    with http.server.HTTPServer((LOOPBACK, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{LOOPBACK}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def well(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Settings of a portal with which all is well."""
    (tmp_path / "watchword-portal").touch()
    (tmp_path / "watchword-portal").chmod(0o644)
    with answering(200) as listen, socket.socket(socket.AF_UNIX) as keeper, socket.create_server((LOOPBACK, 0)) as mail:
        keeper.bind(str(tmp_path / "keeper.sock"))
        keeper.listen()
        thread = threading.Thread(target=_greet, args=(mail,))
        thread.start()
        yield {
            "portal": {
                "listen": listen,
                "trusted_proxies": ["127.0.0.1/32"],
                "keeper_socket": str(tmp_path / "keeper.sock"),
                "roles": {"admin": ["ada"]},
            },
            "mail": {"server": LOOPBACK, "port": mail.getsockname()[1]},
        }
        socket.create_connection(mail.getsockname()).close()  # for those tests that asked no relay
        thread.join()


def _greet(listener: socket.socket) -> None:
    """Be a mail relay for one conversation."""
    connection, _ = listener.accept()
    with suppress(OSError), connection, connection.makefile("rwb") as lines:
        lines.write(b"220 relay.example.org ESMTP\r\n")
        lines.flush()
        for line in lines:
            lines.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 well\r\n")
            lines.flush()


def found(settings: dict[str, Any], tmp_path: Path) -> dict[Level, str]:
    """Answer what is said at each level."""
    findings = list(check_portal(Settings.model_validate(settings), (tmp_path,)))
    return {level: "\n".join(each.what for each in findings if each.level is level) for level in Level}


def test_a_server_without_a_portal_is_not_examined_for_one() -> None:
    assert not runs_here(Settings())
    assert not runs_here(Settings.model_validate({"portal": {"public_url": "https://help.example.org"}}))
    assert runs_here(Settings.model_validate({"portal": {"listen": "127.0.0.1:8080"}}))


def test_a_file_of_a_portal_or_a_keeper_alone_is_not_held_for_a_radius_servers() -> None:
    client = {"name": "node", "network": "192.0.2.0/24", "secret": "x" * 16}
    assert runs_alone(Settings.model_validate({"portal": {"listen": "127.0.0.1:8080"}}))
    assert runs_alone(Settings.model_validate({"portal": {"keeper_socket": "/run/k", "keeper_user": "portal"}}))
    assert not runs_here(Settings.model_validate({"portal": {"keeper_socket": "/run/k", "keeper_user": "portal"}}))
    both = {"portal": {"listen": "127.0.0.1:8080"}, "radius": {"client": [client]}}
    assert not runs_alone(Settings.model_validate(both))
    assert not runs_alone(Settings())


def test_a_portal_with_which_all_is_well_gives_neither_problem_nor_warning(
    well: dict[str, Any], tmp_path: Path
) -> None:
    said = found(well, tmp_path)
    assert said[Level.PROBLEM] == said[Level.WARNING] == ""
    assert "keeper listens" in said[Level.OK] and "relay" in said[Level.OK]


@pytest.mark.parametrize(
    ("table", "changes", "level", "words"),
    [
        ("portal", {"listen": "LISTEN_NOBODY"}, Level.PROBLEM, "nothing answers"),
        ("portal", {"trusted_proxies": []}, Level.WARNING, "no proxy is named"),
        ("portal", {"pam_service": "elsewhere"}, Level.PROBLEM, "no PAM service elsewhere"),
        ("portal", {"sign_in": "ldap"}, Level.PROBLEM, "there is no [ldap]"),
        ("portal", {"keeper_socket": "/nowhere/keeper.sock"}, Level.PROBLEM, "the keeper does not answer"),
        ("portal", {"keeper_socket": None}, Level.WARNING, "opens seeds itself"),
        ("portal", {"roles": {}}, Level.WARNING, "nobody is an admin"),
        ("mail", {"server": ""}, Level.WARNING, "no mail is sent"),
    ],
)
def test_one_thing_that_is_wrong_is_told(
    well: dict[str, Any], tmp_path: Path, table: str, changes: dict[str, Any], level: Level, words: str
) -> None:
    if changes.get("listen") == "LISTEN_NOBODY":
        changes = {"listen": f"{LOOPBACK}:{free_tcp_port()}"}
    assert words in found(well | {table: well[table] | changes}, tmp_path)[level]


def test_a_pam_service_that_the_portal_cannot_read_is_a_problem(well: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "watchword-portal").chmod(0o600)
    assert "the portal can't read" in found(well, tmp_path)[Level.PROBLEM]


@pytest.mark.parametrize(("group", "account"), [("mail", "mail"), ("root", "daemon"), ("daemon", "daemon")])
def test_the_daemon_of_a_file_is_the_one_whose_group_may_read_it(
    group: str, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_store, "SERVICE_ACCOUNT", "daemon")
    monkeypatch.setattr(server_store, "OTHER_ACCOUNTS", ("mail",))
    monkeypatch.setattr(Path, "group", lambda _path: group)
    found_account = server_store.service_account(tmp_path)
    assert found_account is not None and found_account.pw_name == account


def test_a_portal_whose_database_is_away_is_a_problem(well: dict[str, Any], tmp_path: Path) -> None:
    with answering(503) as listen:
        said = found(well | {"portal": well["portal"] | {"listen": listen}}, tmp_path)
    assert "not well (503)" in said[Level.PROBLEM]


def test_a_relay_that_is_away_is_a_problem(well: dict[str, Any], tmp_path: Path) -> None:
    said = found(well | {"mail": {"server": LOOPBACK, "port": free_tcp_port()}}, tmp_path)
    assert "does not answer" in said[Level.PROBLEM]
