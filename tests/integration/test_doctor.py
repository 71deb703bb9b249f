"""`watchword doctor` on a real node and a real server: all is well, and then one thing at a time is not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.harness.node import Node, installed_modules
from tests.harness.ports import LOOPBACK, free_udp_port
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.soft_token import pair_soft_token
from tests.harness.sshd import PRIVILEGE_SEPARATION, SHIPPED_SETTINGS
from tests.harness.watchword_command import Watchword
from watchword.cli.app import app
from watchword.store.database import Database

pytestmark = pytest.mark.slow

INCLUDED = ("common-account",)
# Whether anything keeps the clock of the machine that runs the tests is not ours to say.
NOT_OURS = "the kernel says that nothing synchronises the clock"


@dataclass
class Report:
    """What the doctor answered."""

    status: int
    healthy: bool
    findings: list[dict[str, str]] = field(repr=False)

    def told(self, level: str) -> str:
        """What is said at a level, a finding a line."""
        return "\n".join(
            f"{each['area']}: {each['what']} -> {each['what_to_do']}"
            for each in self.findings
            if each["level"] == level and not each["what"].startswith(NOT_OURS)
        )


@dataclass
class Patient:
    """A node whose files a test may spoil, and a command to examine it with."""

    node: Node
    directory: Path
    watchword: Watchword
    servers: list[str]

    def write_stack(self, auth: list[str] | None = None) -> None:
        """Write the PAM service; the recommended one, or these auth lines."""
        (self.directory / "sshd").write_text(self.node.stack(auth))

    def write_sshd_config(self, *lines: str) -> None:
        """Write sshd's file: these lines, then what we ship."""
        key = self.directory / "host_key"
        text = [*lines, f"HostKey {key}", f"Include {SHIPPED_SETTINGS}", ""]
        (self.directory / "sshd_config").write_text("\n".join(text))

    def write_settings(self, *, mode: str = "full", more: str = "") -> None:
        """Write pam.toml with the servers."""
        self.node.write_settings(*self.servers, mode=mode, more=more)

    def options(self) -> list[str | Path]:
        """The options that make the doctor look here."""
        return ["doctor", "--node", "--pam-d", self.directory, "--sshd-config", self.directory / "sshd_config"]

    def examine(self, *options: str | Path) -> Report:
        """Run the command."""
        return examined(self.watchword, *self.options(), *options)


def examined(watchword: Watchword, *words: str | Path) -> Report:
    """Run the doctor in this process, to save the start of another; all that it says is JSON."""
    done = CliRunner().invoke(app, [str(word) for word in ("--config", watchword.config, *words, "--json")])
    assert isinstance(done.exception, SystemExit | None), done.exception
    assert done.stderr == ""
    answer: dict[str, Any] = json.loads(done.stdout)
    return Report(done.exit_code, answer["healthy"], answer["findings"])


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The PAM modules, installed."""
    return installed_modules(tmp_path_factory.mktemp("modules"))


@pytest.fixture(scope="module")
def radius(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RadiusServer]]:
    """Two RADIUS servers on one store, with a token in it."""
    directory = tmp_path_factory.mktemp("servers")
    settings = ServerSettings(directory, f"sqlite:///{directory / 'watchword.db'}")
    with running_radius_server(settings, "one") as one, running_radius_server(settings, "two") as two:
        pair_soft_token(one.watchword, "alice")
        yield [one, two]


@pytest.fixture
def patient(modules: Path, radius: list[RadiusServer], tmp_path: Path) -> Patient:
    """A healthy node."""
    PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)  # sshd wants it, and on a real node has it
    directory = tmp_path / "etc"
    directory.mkdir(mode=0o755)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / "host_key")], check=True)
    for name in INCLUDED:
        shutil.copy(Path("/etc/pam.d") / name, directory)
    node = Node(modules, directory)
    node.write_exemptions("+ : gateway01 : 192.0.2.10 : 2199-12-31")
    patient = Patient(node, directory, radius[0].watchword, [server.pam_toml for server in radius])
    patient.write_settings()
    patient.write_stack()
    patient.write_sshd_config()
    return patient


def test_a_healthy_node_and_server_get_no_complaint(patient: Patient) -> None:
    done = patient.watchword.run(*patient.options(), "--server", "--json")
    assert done.stderr == ""
    report = Report(done.returncode, **json.loads(done.stdout))
    assert report.told("problem") == ""
    assert report.told("warning") == ""
    assert (report.status, report.healthy) == (0, True)
    said = report.told("ok")
    for each in ("2 of 2 servers answer", "every line of", "schema has revision", "a sample of 1 token", "ms"):
        assert each in said
    assert {"PAM stack", "sshd", "pam.toml", "Exemptions", "RADIUS servers", "Clock"} <= areas(report)
    assert {"Server settings", "Keyring", "Database", "Listeners"} <= areas(report)


def areas(report: Report) -> set[str]:
    """The headings."""
    return {finding["area"] for finding in report.findings}


def test_nothing_that_is_printed_is_a_secret(patient: Patient, radius: list[RadiusServer]) -> None:
    keyring = radius[0].watchword.config.parent / "keyring"
    secrets = [line.split('"')[1] for line in keyring.read_text().splitlines() if line.startswith("secret")]
    patient.node.write_exemptions("no rule")
    done = patient.watchword.run(*patient.options(), "--server")
    for secret in [radius[0].secret, *secrets]:
        assert secret not in done.stdout + done.stderr


def test_people_read_what_to_do_below_what_is_wrong(patient: Patient) -> None:
    patient.write_sshd_config("PasswordAuthentication yes")
    done = patient.watchword.run(*patient.options())
    lines = done.stdout.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("  problem   PasswordAuthentication"))
    assert lines[place + 1].startswith("            -> set PasswordAuthentication no")
    assert lines[-1].startswith("1 problem")
    assert done.returncode == 1


def test_it_changes_nothing_on_a_node(patient: Patient) -> None:
    def snapshot() -> dict[str, tuple[int, int, bytes]]:
        return {
            str(path): (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in sorted(patient.directory.parent.rglob("*"))
        }

    before = snapshot()
    patient.examine()
    assert snapshot() == before


MODULES = {"pubkey": "/pubkey.py", "password": "pam_unix.so", "exemption": "/exemption.py", "token": "/token.py"}


def changed(patient: Patient, which: str, old: str, new: str) -> None:
    """Rewrite one auth line of the stack."""
    lines = patient.node.recommended()
    (place,) = (number for number, line in enumerate(lines) if MODULES[which] in line)
    assert old in lines[place]
    lines[place] = lines[place].replace(old, new)
    patient.write_stack(lines)


def pam_toml(patient: Patient) -> Path:
    """The node's settings."""
    return patient.directory / "pam.toml"


def edit(path: Path, old: str, new: str) -> None:
    """Change a text in a file, keeping its mode."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def other_secret(patient: Patient) -> None:
    patient.servers = [table.replace('secret = "', 'secret = "x') for table in patient.servers]
    patient.write_settings()


def one_server(patient: Patient) -> None:
    del patient.servers[1:]
    patient.write_settings()


def nobody_there(patient: Patient) -> None:
    table = f'[[server]]\nhost = "{LOOPBACK}"\nport = {free_udp_port()}\nsecret = "not a secret of anybody"\n'
    patient.servers.append(table)
    patient.write_settings()


SPOILT_NODES: dict[str, tuple[Callable[[Patient], object], str, str]] = {
    "a jump too far": (
        lambda p: changed(p, "pubkey", "success=1", "success=4"),
        "problem",
        "the jump of pubkey.py (sshd:2) (success=4) skips exemption.py (sshd:5) and skips token.py",
    ),
    "a jump too short": (
        lambda p: changed(p, "pubkey", "[success=1 default=ignore]", "[success=ok default=ignore]"),
        "problem",
        "who has a key and a right code is refused: pam_unix.so (sshd:3) wants the password as well",
    ),
    "pam_unix sufficient": (
        lambda p: changed(p, "password", "requisite", "sufficient"),
        "problem",
        "pam_unix.so (sshd:3) (sufficient) ends the stack before token.py",
    ),
    "token optional": (
        lambda p: changed(p, "token", "required", "optional"),
        "problem",
        "a refusal of token.py (sshd:6) (optional) is not the end",
    ),
    "no such config": (
        lambda p: changed(p, "token", "pam.toml", "nowhere.toml"),
        "problem",
        "nowhere.toml is not there",
    ),
    "an argument that no module has": (
        lambda p: changed(p, "token", "config=", "conf="),
        "problem",
        "token.py does not take",
    ),
    "no module of ours": (
        lambda p: p.write_stack(["auth required pam_unix.so"]),
        "problem",
        "runs no module of Watchword",
    ),
    "a module that is not there": (
        lambda p: changed(p, "token", "token.py", "absent/token.py"),
        "problem",
        "absent/token.py is not there",
    ),
    "PasswordAuthentication": (
        lambda p: p.write_sshd_config("PasswordAuthentication yes"),
        "problem",
        "PasswordAuthentication is yes",
    ),
    "UsePAM": (lambda p: p.write_sshd_config("UsePAM no"), "problem", "UsePAM is no"),
    "publickey alone": (
        lambda p: p.write_sshd_config("AuthenticationMethods publickey keyboard-interactive:pam"),
        "problem",
        "AuthenticationMethods has publickey: it gets in",
    ),
    "any method": (
        lambda p: p.write_sshd_config("AuthenticationMethods any"),
        "problem",
        "AuthenticationMethods is any",
    ),
    "LoginGraceTime": (lambda p: p.write_sshd_config("LoginGraceTime 30"), "problem", "LoginGraceTime is 30 s"),
    "a Match block": (
        lambda p: edit(p.directory / "sshd_config", "HostKey", "Match User backup\nMatch all\nHostKey"),
        "warning",
        "Match blocks were not looked at",
    ),
    "sshd_config with a typo": (lambda p: p.write_sshd_config("UsePAN yes"), "problem", "`sshd -T` fails"),
    "pam.toml writable by all": (lambda p: pam_toml(p).chmod(0o666), "problem", "writable by others than root"),
    "pam.toml readable by all": (
        lambda p: pam_toml(p).chmod(0o604),
        "problem",
        "everybody can read the secrets in",
    ),
    "pam.toml of somebody": (lambda p: os.chown(pam_toml(p), 1, 1), "problem", "does not belong to root"),
    "pam.toml gone": (lambda p: pam_toml(p).unlink(), "problem", "pam.toml is not there"),
    "pam.toml with a wrong key": (
        lambda p: p.write_settings(more='prmpt = "Code: "'),
        "problem",
        "prmpt is no setting",
    ),
    "pam.toml that is no TOML": (
        lambda p: edit(pam_toml(p), "[[server]]", "[[server]"),
        "problem",
        "is not TOML (at line",
    ),
    "mode off": (lambda p: p.write_settings(mode="off"), "warning", "mode is off"),
    "a countdown that ended": (
        lambda p: p.write_settings(mode="countdown", more="deadline = 2020-01-01"),
        "warning",
        "the countdown ended on 2020-01-01",
    ),
    "an outage lets in": (
        lambda p: p.write_settings(more='on_outage = "allow"'),
        "warning",
        "on_outage is allow",
    ),
    "a directory that others write": (
        lambda p: p.directory.chmod(0o777),
        "problem",
        "etc can be written by others than root (mode 0777)",
    ),
    "a bad exemption": (
        lambda p: p.node.write_exemptions("+ : a : ALL : 2199-01-01", "+ ; b : ALL"),
        "problem",
        "exemptions.conf:2: ",
    ),
    "an expired exemption": (
        lambda p: p.node.write_exemptions("+ : a : ALL : 2020-01-01"),
        "warning",
        "expired, and without effect: line 1",
    ),
    "everybody exempt": (
        lambda p: p.node.write_exemptions("+ : ALL : ALL"),
        "warning",
        "exemptions.conf:1 exempts everybody from everywhere",
    ),
    "exemptions that all can write": (
        lambda p: (p.directory / "exemptions.conf").chmod(0o666),
        "problem",
        "can be written by everybody",
    ),
    "another secret": (other_secret, "problem", "no server answers"),
    "a server stopped": (nobody_there, "problem", "does not answer: its machine says that nothing listens"),
    "a server alone": (
        one_server,
        "warning",
        "there is one server alone",
    ),
}


@pytest.mark.parametrize("ailment", SPOILT_NODES)
def test_what_ails_a_node_is_named(patient: Patient, ailment: str) -> None:
    spoil, level, said = SPOILT_NODES[ailment]
    spoil(patient)
    report = patient.examine()
    assert said in report.told(level)
    assert all(finding["what_to_do"] for finding in report.findings if finding["level"] != "ok")
    assert report.status == (1 if level == "problem" else 0), report.told("problem")
    assert report.healthy is (level == "warning")


def test_a_module_that_others_can_write_is_a_problem(patient: Patient, tmp_path: Path) -> None:
    copy = tmp_path / "lib"
    shutil.copytree(patient.node.modules.parent, copy, symlinks=False)
    (copy / "pam/token.py").chmod(0o666)
    shutil.chown(copy / "lib/watchword_pam", 1)
    patient.node = Node(copy / "pam", patient.directory)
    patient.write_stack()
    told = patient.examine().told("problem")
    assert "token.py can be written by others than root (mode 0666)" in told
    assert "lib/watchword_pam belongs to" in told


def test_without_options_the_files_that_the_stack_names_are_looked_at(patient: Patient) -> None:
    report = examined(Watchword(patient.directory / "absent.toml"), "doctor", "--pam-d", patient.directory)
    assert "PAM stack" in areas(report)
    assert "Server settings" not in areas(report)
    assert str(pam_toml(patient)) in report.told("ok")


def test_a_machine_that_is_neither_is_told_so(tmp_path: Path) -> None:
    report = examined(Watchword(tmp_path / "watchword.toml"), "doctor", "--pam-d", tmp_path)
    assert "it is no node and no server" in report.told("problem")
    assert report.status == 1


@dataclass
class Shop:
    """A server that is set up and does not run."""

    settings: ServerSettings
    watchword: Watchword

    @property
    def directory(self) -> Path:
        """Where all its files are."""
        return self.settings.directory


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> ServerSettings:
    """A server with a token, set up and not running."""
    directory = tmp_path_factory.mktemp("template")
    settings = ServerSettings(directory, f"sqlite:///{directory / 'watchword.db'}")
    watchword = settings.write("one", free_udp_port())
    watchword.do("init")
    pair_soft_token(watchword, "alice")
    return settings


@pytest.fixture
def shop(template: ServerSettings, tmp_path: Path) -> Shop:
    """A copy of it that a test may spoil."""
    directory = tmp_path / "shop"
    shutil.copytree(template.directory, directory)
    edit(directory / "one.toml", str(template.directory), str(directory))
    settings = ServerSettings(directory, f"sqlite:///{directory / 'watchword.db'}", template.secret)
    return Shop(settings, Watchword(directory / "one.toml"))


def execute(shop: Shop, statement: str) -> None:
    """Change the database behind everybody's back."""
    database = Database(shop.settings.database_url)
    database.write(lambda connection: connection.exec_driver_sql(statement))
    database.close()


def another_keyring(shop: Shop) -> None:
    (shop.directory / "keyring").unlink()
    shop.watchword.do("init")


def wait_in_outbox(shop: Shop) -> None:
    execute(
        shop,
        "INSERT INTO outbox (issue, serial, account, sealed_phone, sealed_text, attempts, due_at, expires_at) "
        "VALUES ('i', 's', 'a', x'00', x'00', 0, 1, 2)",
    )


SPOILT_SERVERS: dict[str, tuple[Callable[[Shop], object], str, str]] = {
    "nothing listens": (lambda s: None, "problem", "nothing listens on 127.0.0.1:"),
    "a setting that is none": (
        lambda s: edit(s.watchword.config, "[radius]", "[radius]\nworker = 1"),
        "problem",
        "radius.worker",
    ),
    "settings for all to read": (
        lambda s: s.watchword.config.chmod(0o644),
        "problem",
        "everybody can read the secrets",
    ),
    "an older schema": (
        lambda s: execute(s, "UPDATE alembic_version SET version_num = '0000'"),
        "problem",
        "the schema has revision 0000, and this version needs",
    ),
    "no tables": (
        lambda s: execute(s, "DELETE FROM alembic_version"),
        "problem",
        "the database has no tables of Watchword's",
    ),
    "no database": (lambda s: (s.directory / "watchword.db").unlink(), "problem", "watchword.db is not there"),
    "a database that is none": (
        lambda s: (s.directory / "watchword.db").write_bytes(b"x" * 4096),
        "problem",
        "the database failed",
    ),
    "a keyring for all to read": (
        lambda s: (s.directory / "keyring").chmod(0o644),
        "problem",
        "can be reached by others",
    ),
    "no keyring": (lambda s: (s.directory / "keyring").unlink(), "problem", "keyring cannot be read: No such file"),
    "another keyring": (
        another_keyring,
        "problem",
        "1 of 1 tokens can't be unsealed, SOFT-",
    ),
    "no anchors": (lambda s: shutil.rmtree(s.directory / "anchors"), "problem", "audit log's anchors go, is not there"),
    "a short secret": (
        lambda s: edit(s.watchword.config, s.settings.secret, "short"),
        "warning",
        "the secret of client 'loopback' is short",
    ),
    "the whole Internet": (
        lambda s: edit(s.watchword.config, "127.0.0.0/8", "0.0.0.0/0"),
        "warning",
        "client 'loopback' is the whole Internet",
    ),
    "an excuse": (
        lambda s: edit(s.watchword.config, "network =", "require_message_authenticator = false\nnetwork ="),
        "warning",
        "is excused from Message-Authenticator",
    ),
    "a message that waits": (wait_in_outbox, "problem", "has waited in the outbox for more than a minute"),
    "sms without a carrier": (
        lambda s: s.watchword.do("token", "add", "bob", "--kind", "sms", "--phone", "+15125551234"),
        "problem",
        "there are sms tokens, and no carrier",
    ),
}


@pytest.mark.parametrize("ailment", SPOILT_SERVERS)
def test_what_ails_a_server_is_named(shop: Shop, ailment: str) -> None:
    spoil, level, said = SPOILT_SERVERS[ailment]
    spoil(shop)
    report = examined(shop.watchword, "doctor", "--server")
    assert said in report.told(level)
    assert report.status == 1  # nothing listens, for one
    assert shop.settings.secret not in json.dumps(report.findings)


def test_a_server_whose_database_is_gone_is_silent_and_that_is_said(tmp_path: Path) -> None:
    settings = ServerSettings(tmp_path, f"sqlite:///{tmp_path / 'watchword.db'}")
    with running_radius_server(settings) as server:
        for file in tmp_path.glob("watchword.db*"):
            file.write_bytes(b"x" * 4096)
        report = examined(server.watchword, "doctor", "--server")
    assert "is bound, but does not answer" in report.told("problem")
