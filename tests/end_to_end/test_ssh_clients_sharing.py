"""One code, many transfers: connections that clients share, and clients that can't ask for a code themselves."""

import re
import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness.login_node import REFUSAL, WRONG_CODE, LoginNode, running_login_node
from tests.harness.ports import LOOPBACK
from tests.harness.ssh_client import Answer, Session, at_terminal
from tests.harness.ssh_clients import Errand, openssh_options, putty_options, ssh_command

pytestmark = pytest.mark.slow

PASSWORD, CODE = "Password: ", "Token code: "
WORDS = "what was to be brought"
PAGE = Path(__file__).resolve().parents[2] / "docs/reference/ssh-clients.md"
RECIPE = re.compile(r"^Host .*\n((?: +Control\w+ .+\n)+)", re.MULTILINE)


@pytest.fixture(scope="module")
def login_node(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginNode]:
    with running_login_node(modules, tmp_path_factory.mktemp("login-node")) as running:
        yield running


@pytest.fixture
def by_key(login_node: LoginNode, tmp_path: Path) -> Errand:
    """An errand of the paired account, with its key."""
    source = tmp_path / "source"
    source.write_text(WORDS, encoding="utf-8")
    return Errand(login_node.sshd, login_node.paired, login_node.paired_key, source, tmp_path.name)


@pytest.fixture
def by_password(by_key: Errand) -> Errand:
    """The same without a key."""
    return Errand(by_key.sshd, by_key.account, None, by_key.source, by_key.name)


def script(errand: Errand, text: str, *answers: Answer) -> Session:
    """Run a script at a terminal, as a person's shell would."""
    return at_terminal(["sh", "-euc", text], answers, errand.source.parent)


def brought(errand: Errand, *clients: str) -> set[str]:
    """Read what each client has brought."""
    return {(errand.arrived(f".{client}") or "").strip() for client in clients}


# OpenSSH


@pytest.fixture
def recipe() -> Iterator[str]:
    """What the page tells people to write into ~/.ssh/config, with the socket elsewhere."""
    found = RECIPE.search(PAGE.read_text(encoding="utf-8"))
    assert found
    # A short path: a socket's name holds 107 bytes.
    with tempfile.TemporaryDirectory(prefix="ww") as directory:
        yield found[1].replace("~/.ssh", directory)


def test_one_code_opens_a_connection_that_all_of_openssh_shares(
    by_key: Errand, login_node: LoginNode, recipe: str
) -> None:
    config = by_key.source.with_name("config")
    ours = by_key.sshd.client_options[2:]  # without -F
    settings = [option.removeprefix("-o") for option in ours if option != "-o"]
    lines = [*settings, f"IdentityFile={by_key.key and by_key.key.openssh}", f"Port={by_key.sshd.port}"]
    config.write_text(recipe + "\n".join(lines) + "\n", encoding="utf-8")
    source, to, name, with_config = by_key.source, by_key.destination, by_key.name, f"-F {config}"
    before = login_node.logins(by_key.account)
    lftp = f'set sftp:connect-program "ssh -a -x {with_config}"; put {source} -o {name}.lftp; quit'
    session = script(
        by_key,
        f"ssh {with_config} {to} true\n"
        f"ssh {with_config} {to} 'echo {WORDS} > {name}.ssh'\n"
        f"scp {with_config} {source} {to}:{name}.scp\n"
        f"echo put {source} {name}.sftp | sftp {with_config} -b - {to}\n"
        f"rsync -e 'ssh {with_config}' {source} {to}:{name}.rsync\n"
        f"lftp -e '{lftp}' sftp://{by_key.account.name}:@{LOOPBACK}:{by_key.sshd.port}\n"
        f"ssh {with_config} -O exit {to}\n",
        Answer(CODE, login_node.phone.fresh_code()),
    )
    assert session.status == 0, session.transcript
    assert brought(by_key, "ssh", "scp", "sftp", "rsync", "lftp") == {WORDS}
    assert login_node.logins(by_key.account) == before + 1


def test_sftp_with_a_batch_file_asks_nobody_unless_it_is_told_to(by_key: Errand, login_node: LoginNode) -> None:
    batch = by_key.source.with_name("batch")
    batch.write_text(f"put {by_key.source} {by_key.name}\n", encoding="utf-8")
    argv = ["sftp", *openssh_options(by_key), "-b", str(batch), by_key.destination]
    refused = at_terminal(argv, [Answer(CODE, WRONG_CODE)], batch.parent)
    assert (refused.status, refused.answered, by_key.arrived()) == (255, 0, None)
    told_to = ["sftp", "-o", "BatchMode=no", *argv[1:]]
    session = at_terminal(told_to, [Answer(CODE, login_node.phone.fresh_code())], batch.parent)
    assert session.status == 0, session.transcript
    assert by_key.arrived() == WORDS


def without_terminal(errand: Errand) -> Session:
    """Run ssh as cron does: with nobody to ask, it answers every question with nothing."""
    command = ssh_command(errand, errand.destination, errand.write_command)
    return script(errand, f"setsid --wait {command} </dev/null")


def test_without_a_terminal_a_login_is_refused_and_counts_as_no_wrong_code(
    by_key: Errand, login_node: LoginNode
) -> None:
    session = without_terminal(by_key)
    assert session.status == 255
    assert by_key.arrived() is None
    assert REFUSAL in session.transcript
    assert login_node.radius.watchword.ask("account", "show", by_key.account.name)["failures"] == 0


def test_without_a_terminal_who_has_no_device_passes_the_countdown_unasked_but_not_in_batch_mode(
    by_key: Errand, login_node: LoginNode
) -> None:
    errand = replace(by_key, account=login_node.newcomer, key=login_node.newcomer_key)
    argv = ["ssh", "-o", "BatchMode=yes", *openssh_options(errand), errand.destination, errand.write_command]
    assert at_terminal(argv, [], errand.source.parent).status == 255
    assert errand.arrived() is None
    session = without_terminal(errand)
    assert session.status == 0, session.transcript
    assert errand.arrived() == WORDS


# PuTTY


def test_one_code_opens_a_connection_that_puttys_programs_share(by_key: Errand, login_node: LoginNode) -> None:
    options, to, name = shlex.join(putty_options(by_key)), by_key.destination, by_key.name
    batch = by_key.source.with_name("batch")
    batch.write_text(f"put {by_key.source} {name}.psftp\n", encoding="utf-8")
    before = login_node.logins(by_key.account)
    session = script(
        by_key,
        f"plink -share -no-antispoof {options} -N {to} & master=$!\n"
        f"until plink -share -shareexists {options} {to}; do kill -0 $master; sleep 0.1; done\n"
        f"plink -share -batch {options} {to} 'echo {WORDS} > {name}.plink'\n"
        f"pscp -share -batch {options} {by_key.source} {to}:{name}.pscp\n"
        f"psftp -share -batch {options} -b {batch} {to}\n"
        "kill $master\n",
        Answer(CODE, login_node.phone.fresh_code()),
    )
    assert session.status == 0, session.transcript
    assert brought(by_key, "plink", "pscp", "psftp") == {WORDS}
    assert login_node.logins(by_key.account) == before + 1


# lftp: it runs ssh at a terminal of its own, and answers only what looks like a password's prompt.


def lftp(errand: Errand, user: str, *, timeout_seconds: int = 60) -> list[str | Path]:
    """Return lftp that brings the file and gives up after some silence."""
    connect = f"set sftp:connect-program {shlex.quote(ssh_command(errand, '-a', '-x'))}"
    patience = f"set net:timeout {timeout_seconds}; set net:max-retries 1; set cmd:fail-exit yes"
    put = f"put {errand.source} -o {errand.name}; quit"
    return ["lftp", "-e", f"{connect}; {patience}; {put}", "-u", user, f"sftp://{LOOPBACK}"]


def test_lftp_alone_shows_no_prompt_and_brings_nothing(by_key: Errand) -> None:
    argv = lftp(by_key, f"{by_key.account.name},", timeout_seconds=2)
    session = at_terminal(argv, [Answer(CODE, WRONG_CODE)], by_key.source.parent)
    assert session.status != 0
    assert session.answered == 0
    assert by_key.arrived() is None


@pytest.fixture
def askpass(by_password: Errand) -> Path:
    """A program that asks a person in a window, with the person in it; `$CODE` is what the phone shows."""
    program = by_password.source.with_name("askpass")
    log = program.with_suffix(".log")
    answers = f'case $1 in *"{PASSWORD}") echo "$PASSWORD" ;; *"{CODE}") echo "$CODE" ;; esac'
    program.write_text(f'#!/bin/sh\necho "$1" >>{log}\n{answers}\n', encoding="utf-8")
    program.chmod(0o700)
    return program


def test_lftp_lets_an_askpass_program_ask(by_password: Errand, login_node: LoginNode, askpass: Path) -> None:
    def asked(code: str) -> Session:
        words = {
            "SSH_ASKPASS": str(askpass),
            "SSH_ASKPASS_REQUIRE": "force",
            "PASSWORD": by_password.account.password,
            "CODE": code,
        }
        environment = [f"{name}={word}" for name, word in words.items()]
        argv = ["env", *environment, *lftp(by_password, f"{by_password.account.name},")]
        return at_terminal(argv, [], askpass.parent)

    assert asked(WRONG_CODE).status != 0
    assert by_password.arrived() is None
    session = asked(login_node.phone.fresh_code())
    assert session.status == 0, session.transcript
    assert by_password.arrived() == WORDS
    prompts = askpass.with_suffix(".log").read_text(encoding="utf-8").splitlines()
    assert prompts[-2:] == [f"({by_password.destination}) {prompt}" for prompt in (PASSWORD, CODE)]


@pytest.fixture
def prompt_for_a_password(login_node: LoginNode) -> Iterator[None]:
    """A prompt that programs take for a password's."""
    login_node.write_settings('prompt = "Token password: "')
    yield
    login_node.write_settings()


@pytest.mark.usefixtures("prompt_for_a_password")
def test_after_a_key_lftp_answers_a_prompt_that_ends_in_password(by_key: Errand, login_node: LoginNode) -> None:
    user = f"{by_key.account.name},{login_node.phone.fresh_code()}"
    session = at_terminal(lftp(by_key, user), [], by_key.source.parent)
    assert session.status == 0, session.transcript
    assert by_key.arrived() == WORDS
