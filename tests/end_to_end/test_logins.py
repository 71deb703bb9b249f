"""A person logs in with the real ssh, through a real sshd and our modules, to a real RADIUS server."""

import json
import os
import signal
import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.harness.accounts import Account, temporary_account
from tests.harness.node import Node
from tests.harness.one_time_codes import oathtool_code
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.soft_token import SoftToken
from tests.harness.ssh_client import Answer, Session
from tests.harness.sshd import Sshd
from watchword.clock import local_now

pytestmark = pytest.mark.slow

PASSWORD, CODE, RETURN = "assword: ", "Token code: ", "Press return"
TODAY = local_now().date()
TOMORROW, YESTERDAY = TODAY + timedelta(days=1), TODAY - timedelta(days=1)


@pytest.fixture
def key(account: Account, tmp_path: Path) -> Path:
    """A key pair of the account's."""
    return account.authorize_key(tmp_path)


class Login:
    """Somebody who logs in, by password or by key."""

    def __init__(self, sshd: Sshd, account: Account, key: Path | None) -> None:
        self.sshd = sshd
        self.account = account
        self.key = key

    def with_(self, *answers: Answer) -> Session:
        """Log in, giving these answers after the first factor."""
        first = [] if self.key else [Answer(PASSWORD, self.account.password)]
        return self.sshd.ssh_login(self.account, [*first, *answers], key=self.key)

    def is_in(self, session: Session) -> bool:
        return session.status == 0 and f"logged in as {self.account.name}" in session.transcript


@pytest.fixture(params=["password", "key"])
def login(request: pytest.FixtureRequest, sshd: Sshd, account: Account, key: Path) -> Login:
    """The two first factors."""
    return Login(sshd, account, key if request.param == "key" else None)


@pytest.fixture
def paired(soft_token: SoftToken) -> SoftToken:
    """The account is paired."""
    return soft_token


# Each mode, paired and unpaired, by password and by key.


def test_mode_off_asks_nobody(login: Login, node: Node, radius1: RadiusServer, paired: SoftToken) -> None:
    node.write_settings(radius1.pam_toml, mode="off")
    session = login.with_()
    assert login.is_in(session), session.transcript
    assert "code" not in session.transcript


@pytest.mark.parametrize("mode", ["paired", "countdown", "full"])
def test_a_paired_account_is_asked_for_a_code(
    login: Login, node: Node, radius1: RadiusServer, paired: SoftToken, mode: str
) -> None:
    node.write_settings(radius1.pam_toml, mode=mode, more=f"deadline = {TOMORROW}")
    session = login.with_(Answer(CODE, paired.fresh_code()))
    assert login.is_in(session), session.transcript
    assert session.answered == (1 if login.key else 2)


@pytest.mark.parametrize("mode", ["paired", "countdown", "full"])
def test_a_paired_account_with_wrong_codes_is_refused(
    login: Login, node: Node, radius1: RadiusServer, paired: SoftToken, mode: str
) -> None:
    node.write_settings(radius1.pam_toml, mode=mode, more=f"deadline = {TOMORROW}")
    session = login.with_(*[Answer(CODE, "000000")] * 3)
    assert not login.is_in(session)
    assert session.status == 255
    assert "sign in at" in session.transcript


def test_mode_paired_lets_an_unpaired_account_in_without_a_question(
    login: Login, node: Node, radius1: RadiusServer
) -> None:
    node.write_settings(radius1.pam_toml, mode="paired")
    session = login.with_()
    assert login.is_in(session), session.transcript


def test_mode_countdown_reminds_an_unpaired_account_and_lets_it_in(
    login: Login, node: Node, radius1: RadiusServer
) -> None:
    node.write_settings(radius1.pam_toml, mode="countdown", more=f"deadline = {TODAY + timedelta(days=12)}")
    session = login.with_(Answer(RETURN, ""))
    assert login.is_in(session), session.transcript
    assert "You have 12 days to pair a device" in session.transcript
    assert "https://mfa.example.org" in session.transcript


def test_mode_countdown_after_its_deadline_is_as_full(login: Login, node: Node, radius1: RadiusServer) -> None:
    node.write_settings(radius1.pam_toml, mode="countdown", more=f"deadline = {YESTERDAY}")
    session = login.with_(*[Answer(CODE, "123456")] * 3)
    assert not login.is_in(session)
    assert session.answered == (3 if login.key else 4)


def test_mode_full_asks_an_unpaired_account_and_always_refuses(login: Login, node: Node, radius1: RadiusServer) -> None:
    node.write_settings(radius1.pam_toml, mode="full")
    session = login.with_(*[Answer(CODE, "123456")] * 3)
    assert not login.is_in(session)
    assert session.status == 255


@pytest.fixture
def by_password(sshd: Sshd, account: Account) -> Login:
    """Whoever has no key."""
    return Login(sshd, account, None)


# First things first.


def test_a_wrong_password_never_reaches_the_second_factor(
    sshd: Sshd, node: Node, account: Account, radius1: RadiusServer, paired: SoftToken
) -> None:
    node.write_settings(radius1.pam_toml)
    session = sshd.ssh_login(account, [Answer(PASSWORD, "not it"), Answer(CODE, paired.fresh_code())])
    assert session.status == 255
    assert "Token code" not in session.transcript
    assert radius1.watchword.ask("audit", "list", "--account", account.name)[-1]["kind"] == "pairing"


def test_a_code_is_good_for_one_login(by_password: Login, node: Node, radius1: RadiusServer, paired: SoftToken) -> None:
    node.write_settings(radius1.pam_toml)
    code = paired.fresh_code()
    assert by_password.is_in(by_password.with_(Answer(CODE, code)))
    assert not by_password.is_in(by_password.with_(*[Answer(CODE, code)] * 3))


def test_a_second_try_at_the_prompt_can_succeed(
    by_password: Login, node: Node, radius1: RadiusServer, paired: SoftToken
) -> None:
    node.write_settings(radius1.pam_toml)
    session = by_password.with_(Answer(CODE, "000000"), Answer(CODE, paired.fresh_code()))
    assert by_password.is_in(session), session.transcript
    assert "That was not accepted." in session.transcript


def test_everybody_who_is_refused_reads_the_same(
    sshd: Sshd, node: Node, account: Account, radius1: RadiusServer, paired: SoftToken
) -> None:
    node.write_settings(radius1.pam_toml)

    def refusal(who: Account) -> str:
        answers = [Answer(PASSWORD, who.password), *[Answer(CODE, "000000")] * 3]
        return sshd.ssh_login(who, answers).transcript.replace(who.name, "NAME")

    with temporary_account() as unpaired:
        assert refusal(account) == refusal(unpaired)
        radius1.watchword.do("account", "lock", account.name)
        assert refusal(account) == refusal(unpaired)


def test_the_prompt_is_pam_tomls_to_the_letter(
    by_password: Login, node: Node, radius1: RadiusServer, paired: SoftToken
) -> None:
    node.write_settings(radius1.pam_toml, more='prompt = "TACC Token Code:"')
    session = by_password.with_(Answer("TACC Token Code:", paired.fresh_code()))
    assert by_password.is_in(session), session.transcript
    assert "Token code: " not in session.transcript


# Each kind of token.


def test_a_static_code_logs_in_again_and_again(by_password: Login, node: Node, radius1: RadiusServer) -> None:
    node.write_settings(radius1.pam_toml)
    added = radius1.watchword.ask("token", "add", by_password.account.name, "--kind", "static")
    for _ in range(2):
        assert by_password.is_in(by_password.with_(Answer(CODE, added["code"])))


def test_a_fob_from_a_file_of_the_makers_logs_in(
    by_password: Login, node: Node, radius1: RadiusServer, tmp_path: Path
) -> None:
    node.write_settings(radius1.pam_toml)
    serial, secret = f"26{time.time_ns()}"[:15], "0123456789abcdef0123456789abcdef01234567"
    file = tmp_path / "c200.csv"
    file.write_text(f"serial,secret\n{serial},{secret}\n", encoding="utf-8")
    radius1.watchword.do("token", "import", file, "--period", "60")
    radius1.watchword.do("token", "assign", serial, by_password.account.name)
    session = by_password.with_(Answer(CODE, oathtool_code(secret, period_seconds=60)))
    assert by_password.is_in(session), session.transcript


def test_a_text_message_logs_in(
    by_password: Login, node: Node, radius1: RadiusServer, server_settings: ServerSettings
) -> None:
    node.write_settings(radius1.pam_toml)
    name = by_password.account.name
    phone = f"+1512555{time.time_ns() % 10000:04d}"
    radius1.watchword.do("token", "add", name, "--kind", "sms", "--phone", phone)
    session = by_password.with_(*[Answer(CODE, "not yet")] * 3)
    assert f"A code was sent to XXX-XXX-{phone[-4:]}." in session.transcript
    assert not by_password.is_in(session)
    texts = [json.loads(line) for line in (server_settings.directory / "messages").read_text().splitlines()]
    code = next(text["text"][:6] for text in texts if text["phone"] == phone)
    session = by_password.with_(Answer(CODE, code))
    assert by_password.is_in(session), session.transcript
    assert "still good" in session.transcript


# What operators edit between two logins.


def test_an_exemption_works_from_the_next_login_on_and_ends_when_it_is_taken_out(
    by_password: Login, node: Node, radius1: RadiusServer
) -> None:
    node.write_settings(radius1.pam_toml)
    name = by_password.account.name
    assert not by_password.is_in(by_password.with_(*[Answer(CODE, "1")] * 3))
    node.write_exemptions(f"+ : {name} : 127.0.0.0/8 : {TOMORROW}")
    session = by_password.with_()
    assert by_password.is_in(session), session.transcript
    assert by_password.sshd.syslog is not None
    assert by_password.sshd.syslog.wait_for(f"exempt.*{name}|{name}.*exempt")
    node.write_exemptions()
    assert not by_password.is_in(by_password.with_(*[Answer(CODE, "1")] * 3))


def test_a_variance_that_has_expired_no_longer_spares_anybody(
    by_password: Login, node: Node, radius1: RadiusServer
) -> None:
    node.write_settings(radius1.pam_toml)
    node.write_exemptions(f"+ : {by_password.account.name} : ALL : {YESTERDAY}")
    assert not by_password.is_in(by_password.with_(*[Answer(CODE, "1")] * 3))


def test_an_exemption_does_not_spare_the_password(
    sshd: Sshd, node: Node, account: Account, radius1: RadiusServer
) -> None:
    node.write_settings(radius1.pam_toml)
    node.write_exemptions("+ : ALL : ALL : ALL")
    session = sshd.ssh_login(account, [Answer(PASSWORD, "not it")])
    assert session.status == 255


def test_a_mode_works_from_the_next_login_on(by_password: Login, node: Node, radius1: RadiusServer) -> None:
    node.write_settings(radius1.pam_toml, mode="paired")
    assert by_password.is_in(by_password.with_())
    node.write_settings(radius1.pam_toml, mode="full")
    assert not by_password.is_in(by_password.with_(*[Answer(CODE, "1")] * 3))
    node.write_settings(radius1.pam_toml, mode="off")
    assert by_password.is_in(by_password.with_())


@pytest.mark.parametrize(
    "text", ['mode = "of"\n', "mode = off\n", "", 'mode = "off"\ntypo = 1\n', 'mode = "off"\nmode = "off"\n', "\udcff"]
)
def test_a_mistake_in_pam_toml_opens_no_door(by_password: Login, node: Node, text: str) -> None:
    node.write_file("pam.toml", "", 0o600)
    (node.directory / "pam.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    session = by_password.with_(*[Answer(CODE, "123456")] * 3)
    assert not by_password.is_in(session)
    assert "Traceback" not in session.transcript
    assert by_password.sshd.syslog is not None
    assert by_password.sshd.syslog.wait_for("mode is full")


def test_a_missing_pam_toml_opens_no_door(by_password: Login) -> None:
    assert not by_password.is_in(by_password.with_(*[Answer(CODE, "123456")] * 3))


# Servers that die.


def test_a_dead_server_is_passed_over(
    by_password: Login, node: Node, radius1: RadiusServer, radius2: RadiusServer, paired: SoftToken
) -> None:
    dead = radius1.pam_toml.replace(f"port = {radius1.port}", "port = 9")
    node.write_settings(dead, radius1.pam_toml, radius2.pam_toml)
    for _ in range(3):
        session = by_password.with_(Answer(CODE, paired.fresh_code()))
        assert by_password.is_in(session), session.transcript


def test_a_silent_server_costs_one_login_one_timeout_and_then_nobody(
    by_password: Login, node: Node, radius1: RadiusServer, radius2: RadiusServer, paired: SoftToken
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as black_hole:
        black_hole.bind(("127.0.0.1", 0))
        silent = radius1.pam_toml.replace(f"port = {radius1.port}", f"port = {black_hole.getsockname()[1]}")
        node.write_settings(silent, radius1.pam_toml, radius2.pam_toml)
        for _ in range(5):
            session = by_password.with_(Answer(CODE, paired.fresh_code()))
            assert by_password.is_in(session), session.transcript
    assert by_password.sshd.syslog is not None
    assert len(by_password.sshd.syslog.matching("no answer")) == 1


def test_when_all_servers_are_dead_the_login_is_refused_with_a_next_step(
    by_password: Login, node: Node, radius1: RadiusServer
) -> None:
    node.write_settings(radius1.pam_toml.replace(f"port = {radius1.port}", "port = 9"))
    session = by_password.with_(Answer(CODE, "123456"))
    assert not by_password.is_in(session)
    assert "https://mfa.example.org" in session.transcript


def test_when_all_servers_are_dead_on_outage_allow_lets_in_and_logs_it(
    by_password: Login, node: Node, radius1: RadiusServer
) -> None:
    node.write_settings(radius1.pam_toml.replace(f"port = {radius1.port}", "port = 9"), more='on_outage = "allow"')
    session = by_password.with_()
    assert by_password.is_in(session), session.transcript
    assert by_password.sshd.syslog is not None
    assert by_password.sshd.syslog.wait_for("on-outage")


def test_what_one_server_began_another_finishes(
    by_password: Login, node: Node, server_settings: ServerSettings, radius2: RadiusServer, paired: SoftToken
) -> None:
    """The server dies while the person looks for the phone."""
    with running_radius_server(server_settings, f"mortal{time.time_ns()}") as mortal:
        node.write_settings(mortal.pam_toml, radius2.pam_toml)
        ends = Answer(CODE, paired.fresh_code(), meanwhile=lambda: os.kill(mortal.server.pid, signal.SIGKILL))
        session = by_password.with_(ends)
        assert by_password.is_in(session), session.transcript
        assert not mortal.server.is_running


# The other clients.


def test_scp_and_sftp_ask_for_the_code_too(
    sshd: Sshd, node: Node, account: Account, radius1: RadiusServer, paired: SoftToken, tmp_path: Path
) -> None:
    node.write_settings(radius1.pam_toml)
    source = tmp_path / "data"
    source.write_text("payload")
    session = sshd.scp(account, [Answer(PASSWORD, account.password), Answer(CODE, paired.fresh_code())], source)
    assert session.status == 0, session.transcript
    assert (account.home / "data").read_text() == "payload"
    first = [Answer(PASSWORD, account.password), Answer(CODE, paired.fresh_code())]
    session = sshd.sftp(account, [*first, Answer("sftp>", "pwd"), Answer("sftp>", "bye")])
    assert session.status == 0, session.transcript
    assert str(account.home) in session.transcript


def test_plink_asks_for_the_code_too(
    sshd: Sshd, node: Node, account: Account, radius1: RadiusServer, paired: SoftToken
) -> None:
    node.write_settings(radius1.pam_toml)
    session = sshd.plink(account, [Answer(PASSWORD, account.password), Answer(CODE, paired.fresh_code())])
    assert session.status == 0, session.transcript
    assert account.name in session.transcript


def test_the_audit_log_tells_who_came_from_where_to_which_node(
    by_password: Login, node: Node, radius1: RadiusServer, paired: SoftToken
) -> None:
    node.write_settings(radius1.pam_toml)
    assert by_password.is_in(by_password.with_(Answer(CODE, paired.fresh_code())))
    event = radius1.watchword.ask("audit", "list", "--account", by_password.account.name)[-1]
    assert (event["result"], event["address"], event["node"], event["serial"]) == (
        "granted",
        "127.0.0.1",
        "login1",
        paired.serial,
    )
